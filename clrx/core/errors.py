"""The two ways a command ends badly: the user's mistake (exit code 2) and a failed run (exit code 1)."""

import errno
import math
from collections.abc import Iterable, Iterator
from difflib import get_close_matches
from typing import Any

ERROR_FILE = "CLRX_ERROR_FILE"  # variable with the file where the child of a sweep leaves its error
FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)  # of an OSError: a disk without room


class ClrxError(Exception):
    """One clear message: what happened, where, what is allowed, and the fix."""

    exit_code = 1

    def __init__(self, what: str, *, where: str = "", allowed: str = "", fix: str = "") -> None:
        super().__init__(what, where, allowed, fix)
        self.what, self.where, self.allowed, self.fix = what, where, allowed, fix

    def __reduce__(self):
        return _rebuild, (type(self), self.what, self.where, self.allowed, self.fix)

    def __str__(self) -> str:
        parts = [("where", self.where), ("allowed", self.allowed), ("fix", self.fix)]
        return "\n".join([self.what, *(f"  {name + ':':<9}{text}" for name, text in parts if text)])


class UserError(ClrxError):
    """A mistake in the command, the configuration or the data: exit code 2, nothing was run."""

    exit_code = 2


class RunError(ClrxError):
    """A run that was rightly asked for and failed: exit code 1."""


def causes(error: BaseException | None) -> Iterator[BaseException]:
    """The error, what is behind it, and so on, each once: a chain may be a ring."""
    seen: list[BaseException] = []
    while error is not None and error not in seen:
        yield error
        seen.append(error)
        error = error.__cause__ or error.__context__


def _rebuild(kind: type[ClrxError], what: str, where: str, allowed: str, fix: str) -> ClrxError:
    return kind(what, where=where, allowed=allowed, fix=fix)


def require_number(
    value: Any,
    where: str,
    *,
    least: float = -math.inf,
    most: float = math.inf,
    above: float = -math.inf,
    below: float = math.inf,
    whole: bool = False,
) -> None:
    """Raise UserError unless `value` is a finite number (`whole`: an int) with least <= value <= most and
    above < value < below. `where` is the key that the user sets."""
    is_number = isinstance(value, int if whole else int | float) and not isinstance(value, bool)
    if is_number and math.isfinite(value) and least <= value <= most and above < value < below:
        return
    bounds = [("at least", least), ("at most", most), ("above", above), ("below", below)]
    limits = " and ".join(f"{word} {bound:g}" for word, bound in bounds if math.isfinite(bound))
    allowed = f"a {'whole' if whole else 'finite'} number, {limits}".rstrip(", ")
    raise UserError(f"{where} is {value!r}", where=where, allowed=allowed, fix=f"set {where}=NUMBER")


def require_one_of(value: Any, where: str, allowed: Iterable[str | bool]) -> None:
    """Raise UserError unless `value` is one of the values, of their type too; `where` is the key that the user sets."""
    known = tuple(allowed)
    if not any(type(value) is type(one) and value == one for one in known):
        names = ", ".join(str(one).lower() if isinstance(one, bool) else one for one in known)
        fix = did_you_mean(value, names.split(", ")) if isinstance(value, str) else ""
        raise UserError(f"{where}={value} is unknown", where=where, allowed=names, fix=fix)


def first_line(error: BaseException) -> str:
    """What an error says, in one line; its type where it says nothing."""
    return (str(error).strip() or type(error).__name__).splitlines()[0]


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """A sentence with the names nearest to `name`, or an empty string when none is near."""
    near = get_close_matches(name, sorted(known), n=3, cutoff=0.5)
    return f"did you mean {' or '.join(near)}?" if near else ""


OUT_OF_MEMORY = (  # in RuntimeErrors, by torch; the last is all that oneDNN says when a convolution gets no memory
    *("can't allocate memory", "CUDA out of memory", "not enough memory"),
    "could not create a primitive",
)
SMALLER = "a smaller batch_size with a larger accumulate, a smaller dataset.size, or precision=bf16 on a GPU"


def ran_out(error: BaseException) -> bool:
    """Whether this is what Python or torch raise when memory runs out."""
    if isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError":
        return True
    return isinstance(error, RuntimeError) and any(words in str(error) for words in OUT_OF_MEMORY)


def out_of_memory(
    error: BaseException, batch_size: int | None = None, fitting: int | None = None
) -> RunError:
    """The message for it; `fitting` is a batch size that was tried and fits."""
    what = f"memory ran out: {first_line(error)}"
    if batch_size is None:
        return RunError(what, fix=SMALLER)
    what += f" (batch_size={batch_size})"
    if fitting is None:
        return RunError(what, where="batch_size", fix=SMALLER)
    times = -(-batch_size // fitting)
    fix = f"a new run with batch_size={fitting} accumulate={times}, which fits: as many images in each step"
    return RunError(what, where="batch_size", fix=fix)
