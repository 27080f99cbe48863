"""A plan is a list of phases; each is checked and its policies are built before any data is read."""

from dataclasses import dataclass
from typing import Any

from omegaconf import DictConfig

from clrx.errors import UserError, did_you_mean
from clrx.progress import Policy
from clrx.schedule import cycle_ends, make_momentum_policy, make_policy

TRAINABLE = ("all", "head")
SECTIONS = ("early", "middle", "head")
KEYS = ("name", "epochs", "policy", "momentum_policy", "trainable", "rate_scales", "early_stopping")
KEYS += ("features", "feature_copies", "start")


@dataclass(frozen=True)
class Stopping:
    """Early stopping of a phase: `patience` epochs, or whole cycles under a cyclical policy."""

    patience: int | None
    metric: str
    min_delta: float


@dataclass(frozen=True)
class Phase:
    """One phase of a run, ready to be trained (conf/plan/single.yaml says what each key means)."""

    name: str
    epochs: int
    policy: Policy
    momentum_policy: Policy | None
    trainable: str | tuple[str, ...]
    rate_scales: dict[str, float]
    stopping: Stopping
    features: bool
    feature_copies: int
    start: str

    @property
    def cycle_ends(self) -> tuple[float, ...]:
        """Epochs (of the phase) at which a cycle of the policy ends; empty for a monotone one."""
        return cycle_ends(self.policy, self.epochs)


def build_plan(cfg: DictConfig) -> tuple[Phase, ...]:
    """The phases of `cfg.plan`; UserError for whatever cannot be trained."""
    nodes = list(cfg.plan.phases or [])
    if not nodes:
        raise UserError("the plan has no phases", where="plan.phases", fix="plan=single")
    phases = tuple(_phase(cfg, node) for node in nodes)
    names = [phase.name for phase in phases]
    if len(set(names)) < len(names):
        raise UserError(f"two phases have one name: {', '.join(names)}", where="plan.phases")
    return phases


def _phase(cfg: DictConfig, node: DictConfig) -> Phase:
    where = f"plan.phases, {node.get('name')}"
    if unknown := [str(key) for key in node if key not in KEYS]:
        fix = did_you_mean(unknown[0], KEYS)
        raise UserError(f"a phase has no key '{unknown[0]}'", where=where, allowed=", ".join(KEYS), fix=fix)
    epochs = node.get("epochs")
    if not isinstance(epochs, int) or epochs < 1:
        raise UserError(f"a phase needs epochs, not {epochs}", where=where, allowed="1, 2, ...")
    phase = Phase(
        name=str(node.name),
        epochs=epochs,
        policy=make_policy(node.policy, cfg.warmup),
        momentum_policy=make_momentum_policy(node.get("momentum_policy"), cfg.warmup),
        trainable=_trainable(node.get("trainable", "all"), where),
        rate_scales=_rate_scales(node.get("rate_scales"), where),
        stopping=_stopping(cfg, node.get("early_stopping") or cfg.early_stopping, where),
        features=node.get("features") is not None,
        feature_copies=node.get("feature_copies", 1),
        start=node.get("start", "previous"),
    )
    return _checked(phase, where)


def _checked(phase: Phase, where: str) -> Phase:
    if phase.features and phase.trainable != "head":
        fix = "trainable: head, or features: null"
        raise UserError(
            "computed features need a frozen body", where=where, allowed="trainable: head", fix=fix
        )
    if phase.start not in ("previous", "best"):
        raise UserError(f"start={phase.start} is unknown", where=where, allowed="previous, best")
    return phase


def _trainable(value: Any, where: str) -> str | tuple[str, ...]:
    names = (value,) if isinstance(value, str) else tuple(value)
    if isinstance(value, str) and value in TRAINABLE:
        return value
    if wrong := [name for name in names if name not in SECTIONS]:
        allowed = "all, head, or a list of early, middle, head"
        raise UserError(f"trainable: {wrong[0]} is unknown", where=where, allowed=allowed)
    return names


def _rate_scales(value: Any, where: str) -> dict[str, float]:
    scales = dict(value or {})
    if wrong := [str(name) for name in scales if name not in SECTIONS]:
        allowed = ", ".join(SECTIONS)
        raise UserError(f"rate_scales has no section '{wrong[0]}'", where=where, allowed=allowed)
    if bad := [name for name, scale in scales.items() if not 0 <= scale < float("inf")]:
        raise UserError(
            f"rate_scales.{bad[0]}={scales[bad[0]]} is no factor", where=where, allowed="0 or more"
        )
    return {name: float(scales.get(name, 1.0)) for name in SECTIONS}


def _stopping(cfg: DictConfig, node: DictConfig, where: str) -> Stopping:
    patience = node.get("patience")
    if patience is not None and (not isinstance(patience, int) or patience < 1):
        raise UserError(
            f"early_stopping.patience={patience} is not possible", where=where, allowed="null, 1, 2, ..."
        )
    return Stopping(patience, node.get("metric", "auto"), float(node.get("min_delta", 0.0)))
