"""The policies of a configuration side by side: what each does over the same run."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from hydra import compose
from hydra.core.global_hydra import GlobalHydra
from omegaconf import DictConfig, ListConfig, open_dict

from clrx.core.errors import UserError, did_you_mean
from clrx.core.files import write_text
from clrx.schedule.build import cycle_ends, make_momentum_policy, make_policy
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


def line_up(cfg: DictConfig) -> list[Line]:
    """The lines of `policy` and of those in `compare`, and momentum's where it moves, over cfg.epochs."""
    cfgs = [_with_policy(cfg, name) for name in _names(cfg)]
    lines = [_rate_line(name, make_policy(one.policy, one.warmup), cfg) for name, one in cfgs]
    if len(lines) > 1:
        lines.sort(key=lambda line: (min(len(line.cycle_ends), 2), line.name))
    momentum = make_momentum_policy(cfg.momentum_policy, cfg.warmup)
    if momentum is not None:
        seen = trace(momentum, cfg.epochs, cfg.steps_per_epoch)
        lines.append(Line("momentum", seen.epoch, seen.lr, is_momentum=True))
    return lines


def _rate_line(name: str, policy: Policy, cfg: DictConfig) -> Line:
    seen = trace(policy, cfg.epochs, cfg.steps_per_epoch)
    warnings = policy_warnings(policy, cfg.epochs, cfg.steps_per_epoch)
    inner: Any = getattr(policy, "policy", policy)  # behind its warm-up
    bounds = (inner.base_lr, inner.max_lr) if hasattr(inner, "base_lr") else None
    return Line(name, seen.epoch, seen.lr, cycle_ends(policy, cfg.epochs), bounds, warnings)


def _names(cfg: DictConfig) -> list[str]:
    """The chosen policy and those it is compared with, each once."""
    known = GlobalHydra.instance().config_loader().get_group_options("policy")
    others = cfg.compare or []
    if others == "all":
        others = known
    elif not isinstance(others, ListConfig | list):
        others = [others]
    for name in map(str, others):
        if name not in known:
            fix, allowed = did_you_mean(name, known), ", ".join(["all", *known])
            raise UserError(f"there is no policy '{name}'", where="compare", allowed=allowed, fix=fix)
    return list(dict.fromkeys([cfg.run.choices.policy, *others]))


def _with_policy(cfg: DictConfig, name: str) -> tuple[str, DictConfig]:
    """The configuration with another policy's YAML in it; overrides of `policy.KEY` are the chosen one's."""
    if name == cfg.run.choices.policy:
        return name, cfg
    other = cfg.copy()
    with open_dict(other):
        other.policy = compose(f"policy/{name}").policy
    return name, other


def write_lines(path: Path, lines: Iterable[Line]) -> None:
    """A CSV with a row an optimizer step: step, epoch, and a column for each line under its name."""
    lines = list(lines)
    head = ",".join(["step", "epoch", *(line.name for line in lines)])
    columns = [lines[0].epoch.tolist(), *(line.values.tolist() for line in lines)]
    rows = (f"{step}," + ",".join(map(repr, row)) for step, row in enumerate(zip(*columns, strict=True)))
    write_text(path, "\n".join([head, *rows]) + "\n")
