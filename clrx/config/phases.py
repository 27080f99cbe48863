"""A plan is a list of phases; each is checked and its policies are built before any data is read."""

from dataclasses import dataclass, replace
from typing import Any

from omegaconf import DictConfig, ListConfig

from clrx.core.errors import UserError, did_you_mean, require_number
from clrx.schedule.build import cycle_ends, make_momentum_policy, make_policy
from clrx.schedule.progress import Policy
from clrx.schedule.stretch import scale_of, scaled_epochs, stretched

TRAINABLE = ("all", "head")
SECTIONS = ("early", "middle", "head")
KEYS = (
    *("name", "epochs", "policy", "momentum_policy", "trainable", "rate_scales", "early_stopping"),
    *("features", "feature_copies", "start"),
)


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
    nodes = cfg.plan.get("phases") if isinstance(cfg.get("plan"), DictConfig) else None
    if not isinstance(nodes, ListConfig) or not nodes:
        raise UserError("the plan has no phases", where="plan.phases", fix="plan=single")
    phases = tuple(_phase(cfg, node, index) for index, node in enumerate(nodes))
    names = [phase.name for phase in phases]
    if len(set(names)) < len(names):
        raise UserError(f"two phases have one name: {', '.join(names)}", where="plan.phases")
    return phases


def _phase(cfg: DictConfig, node: Any, index: int) -> Phase:
    where = f"plan.phases.{index}"
    _require_keys(node, KEYS, where)
    require_number(node.get("epochs"), f"{where}.epochs", least=1, whole=True)
    require_number(node.get("feature_copies", 1), f"{where}.feature_copies", least=1, whole=True)
    if not isinstance(node.get("policy"), DictConfig) or "_target_" not in node.policy:
        raise UserError("a phase needs a policy", where=f"{where}.policy", fix="policy: ${policy}")
    scale, momentum = scale_of(cfg), make_momentum_policy(node.get("momentum_policy"), cfg.warmup)
    epochs = scaled_epochs(node.epochs, scale)
    policy = stretched(make_policy(node.policy, cfg.warmup), node.epochs, scale)
    stopping = _stopping(node.get("early_stopping") or cfg.early_stopping, f"{where}.early_stopping")
    phase = Phase(
        name=_name(node.get("name"), where),
        epochs=epochs,
        policy=policy,
        momentum_policy=momentum and stretched(momentum, node.epochs, scale),
        trainable=_trainable(node.get("trainable", "all"), f"{where}.trainable"),
        rate_scales=_rate_scales(node.get("rate_scales"), f"{where}.rate_scales"),
        stopping=stopping if cycle_ends(policy, epochs) else _scaled_patience(stopping, scale),
        features=node.get("features") is not None,
        feature_copies=node.get("feature_copies", 1),
        start=node.get("start", "previous"),
    )
    _require_one_of(node.get("features"), (None, "computed"), f"{where}.features")
    _require_one_of(phase.start, ("previous", "best"), f"{where}.start")
    if phase.features and phase.trainable != "head":
        fix = "trainable: head, or features: null"
        raise UserError("computed features need a frozen body", where=where, fix=fix)
    return phase


def _require_keys(node: Any, known: tuple[str, ...], where: str) -> None:
    if not isinstance(node, DictConfig):
        raise UserError(f"{where} is {node}, not a list of keys", where=where, allowed=", ".join(known))
    if unknown := [str(key) for key in node if key not in known]:
        fix = did_you_mean(unknown[0], known)
        raise UserError(f"{where} has no key '{unknown[0]}'", where=where, allowed=", ".join(known), fix=fix)


def _require_one_of(value: Any, allowed: tuple[str | None, ...], where: str) -> None:
    if value not in allowed:
        names = ", ".join("null" if name is None else name for name in allowed)
        raise UserError(f"{where}={value} is unknown", where=where, allowed=names)


def _name(value: Any, where: str) -> str:
    """A name is a cell of epochs.csv and part of a line of the log."""
    if not isinstance(value, str) or not value.strip() or not value.isprintable():
        raise UserError(
            f"a phase needs a name, not {value!r}", where=f"{where}.name", allowed="printable text"
        )
    return value


def _trainable(value: Any, where: str) -> str | tuple[str, ...]:
    if isinstance(value, str) and value in TRAINABLE:
        return value
    names = (value,) if isinstance(value, str) else tuple(value) if isinstance(value, ListConfig) else ()
    if not names or any(name not in SECTIONS for name in names):
        allowed = "all, head, or a list of early, middle, head"
        raise UserError(f"{where}={value} is unknown", where=where, allowed=allowed)
    return names


def _rate_scales(value: Any, where: str) -> dict[str, float]:
    if value is None:
        return dict.fromkeys(SECTIONS, 1.0)
    _require_keys(value, SECTIONS, where)
    for name, scale in value.items():
        require_number(scale, f"{where}.{name}", least=0)
    return {name: float(value.get(name, 1.0)) for name in SECTIONS}


def _stopping(node: Any, where: str) -> Stopping:
    _require_keys(node, ("patience", "metric", "min_delta"), where)
    patience, min_delta = node.get("patience"), node.get("min_delta", 0.0)
    if patience is not None:
        require_number(patience, f"{where}.patience", least=1, whole=True)
    require_number(min_delta, f"{where}.min_delta", least=0)
    return Stopping(patience, node.get("metric", "auto"), float(min_delta))


def _scaled_patience(stopping: Stopping, scale: float) -> Stopping:
    """Patience that counts epochs; one that counts cycles stays, as a scaled phase has as many of them."""
    if stopping.patience is None:
        return stopping
    return replace(stopping, patience=scaled_epochs(stopping.patience, scale))
