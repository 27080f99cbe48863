"""The loss of a step, and scores from logits, for binary, multi-class and multi-label tasks."""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from clrx.config.sections import Loss as LossConfig
from clrx.core.errors import UserError
from clrx.data.source import Task


@dataclass(frozen=True)
class Loss:
    """Mean over the batch of the (weighted, smoothed, focal) cross-entropy.

    Logits (B, outputs): one output a binary task or a label (sigmoid), else a class (softmax). Labels (B,)
    class indices, (B, K) 0/1 for multi-label, or (B, K) soft targets of mixed images.
    """

    task: Task
    class_weights: tuple[float, ...] | None = None  # per class, mean 1 over the training set
    label_smoothing: float = 0.0
    focal_gamma: float = 0.0  # Lin et al. 2017, equation 4; 0: plain cross-entropy

    def __call__(self, logits: Tensor, labels: Tensor) -> Tensor:
        logits = logits.float()
        if logits.shape[1] == 1 or self.task == "multilabel":
            return self._sigmoid(logits, labels)
        return self._softmax(logits, labels)

    def _sigmoid(self, logits: Tensor, labels: Tensor) -> Tensor:
        hard = labels.reshape(logits.shape).float()
        target = hard
        if self.label_smoothing:
            target = hard * (1 - self.label_smoothing) + self.label_smoothing / 2
        loss = F.binary_cross_entropy_with_logits(logits, target, reduction="none")
        if self.focal_gamma:
            loss = loss * _focus((hard - logits.sigmoid()).abs(), self.focal_gamma)
        if self.class_weights is not None and self.task == "binary":
            negative, positive = self.class_weights
            loss = loss * (negative + (positive - negative) * hard)
        return loss.mean()

    def _softmax(self, logits: Tensor, labels: Tensor) -> Tensor:
        if labels.dim() == 1 and not (self.label_smoothing or self.focal_gamma or self.class_weights):
            return F.nll_loss(F.log_softmax(logits, dim=1), labels, reduction="none").mean()  # the same bits
        classes = logits.shape[1]
        hard = labels if labels.dim() == 2 else F.one_hot(labels, classes).float()
        target = hard * (1 - self.label_smoothing) + self.label_smoothing / classes
        log_probability = F.log_softmax(logits, dim=1)
        if self.focal_gamma:
            target = target * _focus(1 - log_probability.exp(), self.focal_gamma)
        loss = -(target * log_probability).sum(1)
        if self.class_weights is not None:
            loss = loss * (hard @ _on_device(self.class_weights, logits.device))
        return loss.mean()


def _focus(error: Tensor, gamma: float) -> Tensor:
    """error ** gamma, whose slope is infinite at 0 for gamma below 1 and would make the gradient NaN."""
    return error.clamp_min(1e-12) ** gamma


@lru_cache(maxsize=8)
def _on_device(weights: tuple[float, ...], device: torch.device) -> Tensor:
    """The weights as a tensor, copied once: a copy in each step would make the host wait for the device."""
    return torch.tensor(weights, device=device)


def balanced_weights(labels: np.ndarray, classes: int) -> tuple[float, ...]:
    """n / (classes * n_class) a class, of labels (N,): classes weigh the same in all, images 1 on average."""
    counts = np.bincount(labels, minlength=classes)
    if not counts.all():
        what = f"class {int(np.argmin(counts))} has no training image to weigh"
        raise UserError(what, where="loss.class_weights", fix="loss.class_weights=none")
    return tuple(float(len(labels) / (classes * count)) for count in counts)


def build_loss(asked: LossConfig, task: Task, labels: np.ndarray, classes: int) -> Loss:
    """The Loss that the `loss` section asks for, weighted by the training labels (N,) or (N, K)."""
    if asked.class_weights == "balanced" and task == "multilabel":
        raise UserError("class weights need one class an image", where="loss.class_weights", allowed="none")
    weights = balanced_weights(labels, classes) if asked.class_weights == "balanced" else None
    return Loss(task, weights, asked.label_smoothing, asked.focal_gamma)


def scores_of(task: Task, logits: Tensor) -> Tensor:
    """Probabilities from logits (B, outputs): binary (B,) of the positive class, else (B, K)."""
    logits = logits.float()
    if task == "binary":
        return logits.sigmoid().squeeze(1) if logits.shape[1] == 1 else logits.softmax(1)[:, 1]
    return logits.sigmoid() if task == "multilabel" else logits.softmax(1)


def count_correct(task: Task, logits: Tensor, labels: Tensor) -> Tensor:
    """How many of the batch are right by the largest score, or positive from 0.5 on: 0-dim, on the device.

    A multi-label image counts by its share of right labels; a mixed one by its largest target.
    """
    if task == "multilabel":
        return ((logits >= 0) == labels.bool()).float().mean(1).sum()
    if labels.dim() == 2:
        labels = labels.argmax(1)
    if logits.shape[1] == 1:
        return ((logits.squeeze(1) >= 0) == labels.bool()).sum()
    return (logits.argmax(1) == labels).sum()
