"""The loop is a generator: it sets the rate, takes the step and yields it. Its caller decides the rest."""

from collections.abc import Callable, Generator
from contextlib import AbstractContextManager, nullcontext
from copy import deepcopy
from dataclasses import dataclass
from functools import lru_cache
from itertools import tee
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from clrx.core.randomness import random_key
from clrx.data.feed import Feed
from clrx.schedule.progress import Policy, Progress
from clrx.training.batches import Clock
from clrx.training.loss import Loss, count_correct
from clrx.training.optim import set_rate, take_step

Stream = Generator[tuple[Tensor, Tensor], None, None]  # (images uint8 (B, C, H, W), labels) on the device


Steps = Generator["Step", None, None]


class Step(NamedTuple):
    """One optimizer step, as taken. `loss` and `correct` stay on the device: reading them is the reader's wait."""

    progress: Progress
    lr: float
    momentum: float | None  # None: as the optimizer has it
    loss: Tensor  # mean over the images of the step, penalties included
    correct: Tensor  # images that were right
    images: int
    broken: Tensor  # (1,), on the device: 1 where a gradient was not finite, else 0


@dataclass(frozen=True)
class Work:
    """What a step works on and with."""

    network: torch.nn.Module
    optimizer: torch.optim.Optimizer
    loss: Loss
    policy: Policy
    prepare: Callable[[Tensor, int], Tensor]  # (images uint8 (B, C, H, W), key) -> the network's input
    seed: int
    momentum_policy: Policy | None = None
    mix: Callable[[Tensor, Tensor, int], tuple[Tensor, Tensor]] | None = None  # (input, labels, key) -> mixed
    ema: torch.nn.Module | None = None
    ema_decay: float = 0.0
    grad_clip: float | None = None
    precision: str = "fp32"
    rate_factor: float = 1.0  # lowered by backoff after a divergence


def train_steps(work: Work, feed: Feed, rows: np.ndarray, clock: Clock, start: int = 0) -> Steps:
    """Train from step `start` of a phase to its end, yielding each step taken.

    Breaking out leaves the network as the last step left it, closes the feed and restores torch's random state.
    """
    offset = clock.first_epoch * clock.steps_per_epoch
    weights = list(work.network.parameters())
    state = torch.get_rng_state()
    groups, ahead = tee(clock.groups_from(start))
    stream = feed.stream(rows[batch] for group in ahead for batch in group)
    try:
        for number, group in enumerate(groups, start):
            sizes = [len(batch) for batch in group]
            yield _take_step(work, weights, stream, sizes, clock.at(number), offset + number)
    finally:
        stream.close()
        torch.set_rng_state(state)


def _take_step(
    work: Work, weights: list[nn.Parameter], stream: Stream, sizes: list[int], progress: Progress, number: int
) -> Step:
    lr = work.policy(progress) * work.rate_factor
    momentum = work.momentum_policy(progress) if work.momentum_policy else None
    set_rate(work.optimizer, lr, momentum)
    _seed(random_key(work.seed, "step", number))
    loss, correct = _accumulate(work, stream, sizes, number)
    broken = _broken([weight.grad for weight in weights if weight.grad is not None], loss.device)
    if work.grad_clip is not None:
        torch.nn.utils.clip_grad_norm_(weights, work.grad_clip)
    take_step(work.optimizer)
    for weight in weights:
        weight.grad = None
    if work.ema is not None:
        update_ema(work.ema, work.network, decay_at(work.ema_decay, number))
    return Step(progress, lr, momentum, loss, correct, sum(sizes), broken)


def _seed(key: int) -> None:
    """What torch.manual_seed does for the devices in use; where CUDA idles, that formats a stack (0.25 ms) a call."""
    torch.default_generator.manual_seed(key)
    if torch.cuda.is_initialized():
        torch.cuda.manual_seed_all(key)


def _broken(gradients: list[Tensor], device: torch.device) -> Tensor:
    """(1,): 1 where a gradient is not finite, else 0.

    In one call for all of them: on a CPU their largest absolute values take ten times as long. A scale of 1 leaves
    every gradient as it is.
    """
    found = torch.zeros(1, device=device)
    if gradients:
        torch._amp_foreach_non_finite_check_and_unscale_(gradients, found, _one(device))
    return found


@lru_cache(maxsize=8)
def _one(device: torch.device) -> Tensor:
    with torch.inference_mode(False):
        return torch.ones(1, device=device)


def _accumulate(work: Work, stream: Stream, sizes: list[int], number: int) -> tuple[Tensor, Tensor]:
    """Gradients of the mean loss over all images of the step, a batch at a time."""
    losses, corrects = [], []
    for index, size in enumerate(sizes):
        images, labels = next(stream)
        loss, correct = _forward(work, images, labels, random_key(number, index))
        if len(sizes) == 1:
            loss.backward()
            return loss.detach(), correct
        share = size / sum(sizes)
        (loss * share).backward()
        losses.append(loss.detach() * share)
        corrects.append(correct)
    return torch.stack(losses).sum(), torch.stack(corrects).sum()


def _forward(work: Work, images: Tensor, labels: Tensor, key: int) -> tuple[Tensor, Tensor]:
    inputs = work.prepare(images, key)
    if work.mix is not None:
        inputs, labels = work.mix(inputs, labels, key)
    with autocast(inputs.device, work.precision):
        logits = work.network(inputs)
    loss = work.loss(logits, labels)
    penalty = getattr(getattr(work.network, "head", None), "penalty", None)
    if penalty is not None:
        loss = loss + penalty
    return loss, count_correct(work.loss.task, logits.detach(), labels)


def autocast(device: torch.device, precision: str) -> AbstractContextManager:
    """bf16 autocast where asked; nothing at fp32."""
    if precision == "bf16":
        return torch.autocast(device.type, dtype=torch.bfloat16)
    return nullcontext()


def start_ema(network: nn.Module) -> nn.Module:
    """A copy of the network that will follow it; it is never trained itself."""
    return deepcopy(network).requires_grad_(False)


def decay_at(decay: float, number: int) -> float:
    """The decay of the moving average at step `number` of a run: it rises from 0.1, (1 + n) / (10 + n), to `decay`.

    TensorFlow's ExponentialMovingAverage has this for its num_updates. Without it, at 0.999, 85% of the average are
    the initial weights after 164 steps.
    """
    return min(decay, (1 + number) / (10 + number))


@torch.no_grad()
def update_ema(ema: nn.Module, network: nn.Module, decay: float) -> None:
    """ema = decay * ema + (1 - decay) * network for floating-point tensors; counters are copied."""
    mine, theirs = list(ema.state_dict().values()), list(network.state_dict().values())
    floats = [(a, b) for a, b in zip(mine, theirs, strict=True) if a.is_floating_point()]
    torch._foreach_lerp_([a for a, _ in floats], [b for _, b in floats], 1 - decay)
    for a, b in zip(mine, theirs, strict=True):
        if not a.is_floating_point():
            a.copy_(b)
