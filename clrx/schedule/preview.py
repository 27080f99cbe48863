"""Policies over the same run before anything is trained: their rates at every step, cycles and warnings."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from clrx.core.files import write_text
from clrx.schedule.progress import Policy, cycle_ends, unwrapped
from clrx.schedule.warnings import policy_warnings, trace


@dataclass(frozen=True)
class Line:
    """One policy over a run: `values` is the rate (or momentum) at every optimizer step, `epoch` when."""

    name: str
    epoch: np.ndarray
    values: np.ndarray
    cycle_ends: tuple[float, ...] = ()
    bounds: tuple[float, float] | None = None  # base_lr, max_lr where the policy has both
    warnings: tuple[str, ...] = ()
    is_momentum: bool = False

    @property
    def epochs(self) -> int:
        """Epochs of the run: the last step lies within the last one."""
        return int(self.epoch[-1]) + 1


def preview(
    policies: Mapping[str, Policy], momentum: Policy | None, epochs: int, steps_per_epoch: int
) -> list[Line]:
    """Policies by name -> a line each over a run of `epochs`, and a last one for momentum where it moves.

    Several policies are sorted: those without cycles, those with one, those with more; then by name.
    """
    lines = []
    for name, policy in policies.items():
        seen, inner = trace(policy, epochs, steps_per_epoch), unwrapped(policy)
        ends, warnings = cycle_ends(policy, epochs), policy_warnings(policy, epochs, steps_per_epoch)
        lines.append(Line(name, seen.epoch, seen.lr, ends, _bounds(inner), warnings))
    if len(lines) > 1:
        lines.sort(key=lambda line: (min(len(line.cycle_ends), 2), line.name))
    if momentum is not None:
        seen = trace(momentum, epochs, steps_per_epoch)
        lines.append(Line("momentum", seen.epoch, seen.lr, is_momentum=True))
    return lines


def _bounds(policy: Any) -> tuple[float, float] | None:
    return (policy.base_lr, policy.max_lr) if hasattr(policy, "base_lr") else None


def write_lines(path: Path, lines: Iterable[Line]) -> None:
    """Write a CSV with a row an optimizer step: step, epoch, and a column for each line under its name."""
    lines = list(lines)
    head = ",".join(["step", "epoch", *(line.name for line in lines)])
    columns = [lines[0].epoch.tolist(), *(line.values.tolist() for line in lines)]
    rows = (f"{step}," + ",".join(map(repr, row)) for step, row in enumerate(zip(*columns, strict=True)))
    write_text(path, "\n".join([head, *rows]) + "\n")
