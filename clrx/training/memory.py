"""Memory that runs out, on the device or in the machine: the message, and the batch size that would have fitted."""

import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import torch

from clrx.config.phases import Phase
from clrx.config.schema import TrainConfig
from clrx.core.errors import out_of_memory, ran_out
from clrx.training.loop import autocast
from clrx.training.optim import build_optimizer
from clrx.training.setup import Setup


@contextmanager
def memory_of(cfg: TrainConfig, setup: Setup, phase: Callable[[], Phase]) -> Iterator[None]:
    """Within it, training that runs out of memory raises RunError with the batch size that would have fitted.

    `phase` gives the phase that is being trained.
    """
    try:
        yield
    except Exception as error:
        if not ran_out(error):
            raise
        traceback.clear_frames(error.__traceback__)  # which hold what filled the memory
        raise out_of_memory(error, cfg.batch_size, fitting_batch(cfg, setup, phase())) from error


def fitting_batch(cfg: TrainConfig, setup: Setup, phase: Phase) -> int | None:
    """The largest of batch_size / 2, / 4, ... whose step fits into memory now; None where none does or none was tried.

    The run has ended: its network is trained on blank images here, and what is on disk stays as it is.
    """
    if phase.features:
        return None
    size = cfg.batch_size // 2
    while size >= 1:
        if _fits(cfg, setup, phase, size):
            return size
        size //= 2
    return None


def _fits(cfg: TrainConfig, setup: Setup, phase: Phase, size: int) -> bool:
    torch.cuda.empty_cache()
    network, images = setup.network, setup.feed.images[:1]
    try:
        optimizer = build_optimizer(network, cfg.optimizer, phase.rate_scales, cfg.spare_norms)
        blank = torch.zeros((size, *images.shape[1:]), dtype=torch.uint8, device=setup.device)
        labels = setup.feed.labels[: len(blank)].repeat_interleave(size, 0)[:size]
        with autocast(setup.device, cfg.precision):
            logits = network(setup.prepare(blank, 0))
        setup.loss(logits, labels).backward()
        optimizer.step()
    except Exception as error:
        if not ran_out(error):
            raise
        return False
    finally:
        network.zero_grad(set_to_none=True)
    return True
