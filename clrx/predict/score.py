"""Scores of images under one trained network or several, whose scores are averaged."""

import logging
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from clrx.bundle.description import Description
from clrx.bundle.open import Bundle
from clrx.core.errors import UserError, out_of_memory, ran_out
from clrx.core.machine import choose_device
from clrx.data.augment import normalise
from clrx.predict.decode import Shape
from clrx.training.loop import autocast
from clrx.training.loss import scores_of

log = logging.getLogger("clrx")


@dataclass(frozen=True)
class Member:
    """A network on its device, and its description."""

    network: nn.Module
    description: Description
    prepare: Callable[[Tensor], Tensor]  # uint8 (B, C, H, W) -> the network's input


@dataclass
class Scorer:
    """Networks of the same classes. Its batch size becomes smaller where memory runs out."""

    members: tuple[Member, ...]
    device: torch.device
    batch_size: int
    flips: bool

    @property
    def description(self) -> Description:
        """That of the first network: task and classes are those of all."""
        return self.members[0].description

    @property
    def shapes(self) -> list[Shape]:
        """The sizes and channels that images are to be decoded to."""
        return list(dict.fromkeys(shape_of(one.description) for one in self.members))

    @property
    def threshold(self) -> float:
        """The frozen threshold: the mean of the networks' own."""
        return float(np.mean([one.description.threshold for one in self.members]))

    def score(self, pixels: Mapping[Shape, np.ndarray]) -> np.ndarray:
        """Images uint8 (N, C, H, W) by shape -> float32 scores: binary (N,) of the positive class, else (N, K)."""
        found = [self._scores(one, pixels[shape_of(one.description)]) for one in self.members]
        return found[0] if len(found) == 1 else np.stack(found).mean(axis=0)

    def _scores(self, member: Member, pixels: np.ndarray) -> np.ndarray:
        start, found = 0, []
        while start < len(pixels):
            batch = pixels[start : start + self.batch_size]
            try:
                found.append(self._batch(member, torch.from_numpy(batch).to(self.device)).cpu().numpy())
            except Exception as error:
                if not ran_out(error):
                    raise
                if self.batch_size == 1:
                    raise out_of_memory(error) from error
                self.batch_size = max(1, self.batch_size // 2)
                log.warning("memory ran out: %d images at once from here on", self.batch_size)
                with suppress(RuntimeError):
                    torch.cuda.empty_cache()
                continue
            start += len(batch)
        columns = len(member.description.classes)
        empty = np.empty(0 if member.description.task == "binary" else (0, columns), np.float32)
        return np.concatenate(found) if found else empty

    @torch.inference_mode()
    def _batch(self, member: Member, images: Tensor) -> Tensor:
        """Scores of a batch, as `clrx.training.evaluate` computes them."""
        task, inputs = member.description.task, member.prepare(images)
        with autocast(self.device, member.description.precision):
            score = scores_of(task, member.network(inputs))
            if self.flips:
                score = (score + scores_of(task, member.network(inputs.flip(-1)))) / 2
        return score


def shape_of(description: Description) -> Shape:
    """The size and channels of a network's input."""
    return description.size, description.channels


def make_scorer(
    bundles: Sequence[Bundle], device: str = "auto", batch_size: int | None = None, flips: bool | None = None
) -> Scorer:
    """The networks of some bundles on a device. UserError where their tasks or classes differ."""
    first, where = bundles[0].description, choose_device(device)
    for other in bundles[1:]:
        if (other.description.task, other.description.classes) != (first.task, first.classes):
            what = f"the classes of {other.path} are not those of {bundles[0].path}"
            found = f"{', '.join(other.description.classes)} and {', '.join(first.classes)}"
            raise UserError(what, where=found, allowed="networks of the same classes, in the same order")
    members = tuple(_member(bundle, where) for bundle in bundles)
    wanted = batch_size or min(bundle.description.batch_size for bundle in bundles)
    return Scorer(members, where, wanted, first.flips if flips is None else flips)


def _member(bundle: Bundle, device: torch.device) -> Member:
    d, network = bundle.description, bundle.network()
    layout = torch.channels_last if d.channels_last else torch.contiguous_format
    network = network.to(device=device, memory_format=layout)  # type: ignore[call-overload]

    def prepare(images: Tensor) -> Tensor:
        return normalise(images.float(), network.mean, network.std).contiguous(memory_format=layout)

    return Member(network, d, prepare)


def decide(description: Description, scores: np.ndarray, threshold: float) -> list[str]:
    """The predicted class of each image; of a multi-label task all that reach the threshold, joined by bars."""
    names = description.classes
    if description.task == "binary":
        return [names[int(score >= threshold)] for score in scores.astype(np.float64)]
    if description.task == "multiclass":
        return [names[k] for k in scores.argmax(axis=1)]
    called = scores.astype(np.float64) >= threshold
    return ["|".join(name for name, yes in zip(names, row, strict=True) if yes) for row in called]
