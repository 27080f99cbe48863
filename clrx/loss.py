"""The loss of a step, and scores from logits, for binary, multi-class and multi-label tasks."""

from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from clrx.errors import UserError
from clrx.source import Task


@dataclass(frozen=True)
class Loss:
    """Mean over the batch of the (weighted, smoothed, focal) cross-entropy.

    Logits (B, outputs): one output a binary task or a label (sigmoid), else one a class (softmax). Labels (B,) class
    indices, (B, K) 0/1 for multi-label, or (B, K) soft targets of mixed images.
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
        target = hard * (1 - self.label_smoothing) + self.label_smoothing / 2
        loss = F.binary_cross_entropy_with_logits(logits, target, reduction="none")
        if self.focal_gamma:
            loss = loss * (hard - logits.sigmoid()).abs() ** self.focal_gamma
        if self.class_weights is not None and self.task == "binary":
            negative, positive = self.class_weights
            loss = loss * (negative + (positive - negative) * hard)
        return loss.mean()

    def _softmax(self, logits: Tensor, labels: Tensor) -> Tensor:
        classes = logits.shape[1]
        hard = labels if labels.dim() == 2 else F.one_hot(labels, classes).float()
        target = hard * (1 - self.label_smoothing) + self.label_smoothing / classes
        log_probability = F.log_softmax(logits, dim=1)
        if self.focal_gamma:
            target = target * (1 - log_probability.exp()) ** self.focal_gamma
        loss = -(target * log_probability).sum(1)
        if self.class_weights is not None:
            loss = loss * (hard @ torch.tensor(self.class_weights, device=logits.device))
        return loss.mean()


def balanced_weights(labels: np.ndarray, classes: int) -> tuple[float, ...]:
    """n / (classes * n_class) a class, of labels (N,): each class weighs the same in all, images 1 on average."""
    counts = np.bincount(labels, minlength=classes)
    return tuple(float(len(labels) / (classes * count)) for count in counts)


def build_loss(cfg, task: Task, labels: np.ndarray, classes: int) -> Loss:
    """The Loss that `cfg` (the `loss` node) asks for, with weights from the training labels (N,) or (N, K)."""
    if cfg.class_weights not in ("none", "balanced"):
        raise UserError(f"loss.class_weights={cfg.class_weights} is unknown", allowed="none, balanced")
    if not 0 <= cfg.label_smoothing < 1 or cfg.focal_gamma < 0:
        raise UserError(
            "the loss is out of range", allowed="0 <= loss.label_smoothing < 1, loss.focal_gamma >= 0"
        )
    if cfg.class_weights == "balanced" and task == "multilabel":
        raise UserError("class weights need one class an image", where="loss.class_weights", allowed="none")
    weights = balanced_weights(labels, classes) if cfg.class_weights == "balanced" else None
    return Loss(task, weights, float(cfg.label_smoothing), float(cfg.focal_gamma))


def scores_of(task: Task, logits: Tensor) -> Tensor:
    """Probabilities from logits (B, outputs): binary (B,) of the positive class, else (B, K)."""
    logits = logits.float()
    if task == "binary":
        return logits.sigmoid().squeeze(1) if logits.shape[1] == 1 else logits.softmax(1)[:, 1]
    return logits.sigmoid() if task == "multilabel" else logits.softmax(1)


def count_correct(task: Task, logits: Tensor, labels: Tensor) -> Tensor:
    """How many of the batch are right at 0.5 or by the largest score: a 0-dim tensor, on the device."""
    if task == "multilabel":
        return ((logits > 0) == labels.bool()).float().mean(1).sum()
    if labels.dim() == 2:
        labels = labels.argmax(1)
    if logits.shape[1] == 1:
        return ((logits.squeeze(1) > 0) == labels.bool()).sum().float()
    return (logits.argmax(1) == labels).sum().float()
