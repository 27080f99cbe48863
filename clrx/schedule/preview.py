"""The policies of a configuration side by side: what each does over the same run."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from clrx.core.files import write_text
from clrx.schedule.build import cycle_ends
from clrx.schedule.progress import Policy
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
    """The lines of policies by their names, and momentum's where it moves, over a run."""
    lines = [_rate_line(name, policy, epochs, steps_per_epoch) for name, policy in policies.items()]
    if len(lines) > 1:
        lines.sort(key=lambda line: (min(len(line.cycle_ends), 2), line.name))
    if momentum is not None:
        seen = trace(momentum, epochs, steps_per_epoch)
        lines.append(Line("momentum", seen.epoch, seen.lr, is_momentum=True))
    return lines


def _rate_line(name: str, policy: Policy, epochs: int, steps_per_epoch: int) -> Line:
    seen = trace(policy, epochs, steps_per_epoch)
    warnings = policy_warnings(policy, epochs, steps_per_epoch)
    inner: Any = getattr(policy, "policy", policy)  # behind its warm-up
    bounds = (inner.base_lr, inner.max_lr) if hasattr(inner, "base_lr") else None
    return Line(name, seen.epoch, seen.lr, cycle_ends(policy, epochs), bounds, warnings)


def write_lines(path: Path, lines: Iterable[Line]) -> None:
    """A CSV with a row an optimizer step: step, epoch, and a column for each line under its name."""
    lines = list(lines)
    head = ",".join(["step", "epoch", *(line.name for line in lines)])
    columns = [lines[0].epoch.tolist(), *(line.values.tolist() for line in lines)]
    rows = (f"{step}," + ",".join(map(repr, row)) for step, row in enumerate(zip(*columns, strict=True)))
    write_text(path, "\n".join([head, *rows]) + "\n")
