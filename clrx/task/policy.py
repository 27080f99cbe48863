"""`clrx policy`: plot and tabulate the rates of policies without training."""

from collections.abc import Sequence
from pathlib import Path

from hydra import compose
from hydra.core.global_hydra import GlobalHydra
from omegaconf import DictConfig, open_dict

from clrx.config.load import invocation, load, recorded
from clrx.config.phases import build_momentum, build_policy
from clrx.config.schema import PolicyConfig
from clrx.core.errors import UserError, did_you_mean
from clrx.plot.policies import plot_policies
from clrx.plot.style import save
from clrx.plot.terminal import show_lines
from clrx.run.directory import write_config
from clrx.schedule.preview import preview, write_lines


def task(raw: DictConfig) -> int:
    """Plot and tabulate `policy`, and those in `compare`, over cfg.epochs without training."""
    about, cfg = invocation(raw), load(raw, kind=PolicyConfig)
    path, chosen = about.directory, str(about.choices["policy"])
    cfgs = {name: load(_with_policy(raw, name, chosen)) for name in _names(cfg.compare, chosen)}
    policies = {name: build_policy(one.policy, one.warmup) for name, one in cfgs.items()}
    momentum = build_momentum(cfg.momentum_policy, cfg.warmup)
    lines = preview(policies, momentum, cfg.epochs, cfg.steps_per_epoch)
    write_config(path, recorded(raw))
    write_lines(path / "policy.csv", lines)
    figure = plot_policies(lines)
    for picture in [path / "policy.png", *([Path(cfg.picture)] if cfg.picture else [])]:
        save(figure, picture)
    show_lines(lines, path)
    return 0


def _names(compare: str | Sequence[str] | None, chosen: str) -> list[str]:
    """The chosen policy and those it is compared with, each once."""
    known = GlobalHydra.instance().config_loader().get_group_options("policy")
    others = known if compare == "all" else [compare] if isinstance(compare, str) else list(compare or ())
    for name in others:
        if name not in known:
            fix, allowed = did_you_mean(name, known), ", ".join(["all", *known])
            raise UserError(f"there is no policy '{name}'", where="compare", allowed=allowed, fix=fix)
    return list(dict.fromkeys([chosen, *others]))


def _with_policy(raw: DictConfig, name: str, chosen: str) -> DictConfig:
    """The configuration with another policy's YAML in it; overrides of `policy.KEY` are the chosen one's."""
    if name == chosen:
        return raw
    other = raw.copy()
    with open_dict(other):
        other.policy = compose(f"policy/{name}").policy
    return other
