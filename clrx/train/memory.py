"""Memory that runs out, on the device or in the machine: what to say, and the batch size that would have fitted."""

import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from clrx.core.errors import RunError, first_line

if TYPE_CHECKING:
    from clrx.config.phases import Phase
    from clrx.train.session import Bench

SAID = (  # in RuntimeErrors, by torch; the last is all that oneDNN says when a convolution gets no memory
    *("can't allocate memory", "CUDA out of memory", "not enough memory"),
    "could not create a primitive",
)
FIX = "a smaller batch_size with a larger accumulate, a smaller dataset.size, or precision=bf16 on a GPU"


def ran_out(error: BaseException) -> bool:
    """Whether this is what Python or torch raise when memory runs out."""
    if isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError":
        return True
    return isinstance(error, RuntimeError) and any(words in str(error) for words in SAID)


def out_of_memory(
    error: BaseException, batch_size: int | None = None, fitting: int | None = None
) -> RunError:
    """The message for it; `fitting` is a batch size that was tried and fits."""
    what = f"memory ran out: {first_line(error)}"
    if batch_size is None:
        return RunError(what, fix=FIX)
    what += f" (batch_size={batch_size})"
    if fitting is None:
        return RunError(what, where="batch_size", fix=FIX)
    times = -(-batch_size // fitting)
    fix = f"a new run with batch_size={fitting} accumulate={times}, which fits: as many images in each step"
    return RunError(what, where="batch_size", fix=fix)


@contextmanager
def memory_of(bench: "Bench", phase: "Phase") -> Iterator[None]:
    """Within it, training that runs out of memory raises RunError with the batch size that would have fitted."""
    try:
        yield
    except Exception as error:
        if not ran_out(error):
            raise
        traceback.clear_frames(error.__traceback__)  # which hold what filled the memory
        raise out_of_memory(error, bench.cfg.batch_size, fitting_batch(bench, phase)) from error


def fitting_batch(bench: "Bench", phase: "Phase") -> int | None:
    """The largest of batch_size / 2, / 4, ... whose step fits into memory now; None where none does or none was tried.

    The run has ended: its network is trained on blank images here, and what is on disk stays as it is.
    """
    if phase.features:
        return None
    size = bench.cfg.batch_size // 2
    while size >= 1:
        if _fits(bench, phase, size):
            return size
        size //= 2
    return None


def _fits(bench: "Bench", phase: "Phase", size: int) -> bool:
    import torch

    from clrx.train.loop import autocast
    from clrx.train.optim import build_optimizer

    torch.cuda.empty_cache()
    network, images = bench.network, bench.feed.images[:1]
    try:
        optimizer = build_optimizer(network, bench.cfg.optimizer, phase.rate_scales, bench.cfg.spare_norms)
        blank = torch.zeros((size, *images.shape[1:]), dtype=torch.uint8, device=bench.device)
        labels = bench.feed.labels[: len(blank)].repeat_interleave(size, 0)[:size]
        with autocast(bench.device, bench.cfg.precision):
            logits = network(bench.prepare(blank, 0))
        bench.loss(logits, labels).backward()
        optimizer.step()
    except Exception as error:
        if not ran_out(error):
            raise
        return False
    finally:
        network.zero_grad(set_to_none=True)
    return True
