"""The two ways a command ends badly: the user's mistake (exit code 2) and a failed run (exit code 1)."""

from collections.abc import Iterable
from difflib import get_close_matches


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


def _rebuild(kind: type[ClrxError], what: str, where: str, allowed: str, fix: str) -> ClrxError:
    return kind(what, where=where, allowed=allowed, fix=fix)


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """A sentence with the names nearest to `name`, or an empty string when none is near."""
    near = get_close_matches(name, sorted(known), n=3, cutoff=0.5)
    return f"did you mean {' or '.join(near)}?" if near else ""
