"""Memory that ran out: how it is recognised, and what to say of it."""

from clrx.core.errors import RunError, first_line

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
