"""What a step costs beside its network, counted: it fails when a step does more than it did. No time is measured."""

import os
import sys
from collections import Counter

import numpy as np
import pytest
import torch
from torch import nn
from torch.utils._python_dispatch import TorchDispatchMode

from clrx.core.files import CsvLog
from clrx.data.augment import normalise
from clrx.data.feed import open_feed
from clrx.training.batches import Clock
from clrx.training.loop import Work, train_steps
from clrx.training.loss import Loss
from clrx.training.records import Records, TrainState, add_step, flush_steps

IMAGES, BATCH, STEPS = 640, 4, 100
# A step of today. Lower the numbers when it does less; raise them only with a reason in the commit.
PYTHON_CALLS, TORCH_CALLS, WRITES_OF_100 = 126, 42, 2
READS = ("aten._local_scalar_dense", "aten.item", "aten.is_nonzero")  # the host waits for the device


class OneWeight(nn.Module):
    """A network that computes next to nothing."""

    def __init__(self) -> None:
        super().__init__()
        self.head = nn.Linear(1, 2)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return self.head(images[:, 0, 0, :1])


def prepare(images, key):
    return normalise(images.float(), (0.5,), (0.5,))


@pytest.fixture
def stepping(tmp_path):
    """A function that takes so many steps and notes them, as `clrx train` does."""
    images = np.lib.format.open_memmap(tmp_path / "images.npy", "w+", np.uint8, (IMAGES, 1, 8, 8))
    labels, network = np.arange(IMAGES) % 2, OneWeight()
    optimizer = torch.optim.SGD(network.parameters(), lr=0.1, momentum=0.9)
    optimizer.param_groups[0]["lr_scale"] = 1.0
    work = Work(network, optimizer, Loss("binary"), lambda progress: 0.1, prepare, seed=0)
    clock = Clock(IMAGES, BATCH, epochs=9, seed=0)
    state = TrainState()
    records = Records(tmp_path, state, block=50)
    steps = train_steps(work, open_feed(images, labels, "cpu"), np.arange(IMAGES), clock)

    def take(count: int) -> None:
        for _ in range(count):
            add_step(records, state, next(steps))

    take(10)  # what is made once
    flush_steps(records, state)
    yield take
    steps.close()
    records.close()


def test_python_calls_of_a_step(stepping):
    counts: Counter[str] = Counter()
    sys.setprofile(lambda frame, event, argument: counts.update([event]))
    try:
        stepping(STEPS)
    finally:
        sys.setprofile(None)
    assert counts["call"] / STEPS <= PYTHON_CALLS, counts


class Seen(TorchDispatchMode):
    """Counts the operations of torch by name, backward ones included."""

    def __init__(self) -> None:
        super().__init__()
        self.counts: Counter[str] = Counter()

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        self.counts[str(function).rpartition(".")[0]] += 1
        return function(*args, **(kwargs or {}))


def test_operations_of_a_step_and_no_read_of_the_device(stepping):
    with Seen() as seen:
        stepping(39)  # no block ends within them
    assert sum(seen.counts.values()) / 39 <= TORCH_CALLS, seen.counts
    assert not [name for name in READS if seen.counts[name]], seen.counts


def test_steps_are_written_a_block_at_a_time(stepping, monkeypatch):
    writes = []
    monkeypatch.setattr(os, "fsync", lambda file: writes.append("fsync"))
    append = CsvLog.append
    monkeypatch.setattr(
        "clrx.core.files.CsvLog.append", lambda log, rows: (writes.append("append"), append(log, rows))
    )
    stepping(STEPS)
    assert writes == ["append"] * WRITES_OF_100
