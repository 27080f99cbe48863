"""The phases of a run, from the configuration: each with its policies built, before any data is read."""

from dataclasses import dataclass

from clrx.config.schema import TrainConfig
from clrx.config.sections import EarlyStopping, PhaseConfig, RateScales, Warmup
from clrx.config.target import Target, build
from clrx.core.errors import UserError
from clrx.schedule.progress import Policy, cycle_ends
from clrx.schedule.stretch import scaled_epochs, stretched
from clrx.schedule.warmup import behind_warmup


@dataclass(frozen=True)
class Phase:
    """One phase of a run, ready to be trained (conf/plan/single.yaml says what each key means)."""

    name: str
    epochs: int
    policy: Policy
    momentum_policy: Policy | None
    trainable: str | tuple[str, ...]
    rate_scales: RateScales
    stopping: EarlyStopping
    features: bool
    feature_copies: int
    start: str

    @property
    def cycle_ends(self) -> tuple[float, ...]:
        """Epochs (of the phase) at which a cycle of the policy ends; empty for a monotone one."""
        return cycle_ends(self.policy, self.epochs)


def build_phases(cfg: TrainConfig) -> tuple[Phase, ...]:
    """The phases of `cfg.plan`; UserError for whatever cannot be trained."""
    phases = tuple(_phase(cfg, one, f"plan.phases.{index}") for index, one in enumerate(cfg.plan.phases))
    names = [phase.name for phase in phases]
    if len(set(names)) < len(names):
        raise UserError(f"two phases have one name: {', '.join(names)}", where="plan.phases")
    return phases


def build_policy(target: Target, warmup: Warmup) -> Policy:
    """The learning-rate policy that a target names, behind the warm-up; UserError for values that it refuses."""
    return behind_warmup(build(target), warmup.epochs, warmup.start_factor)


def build_momentum(target: Target | None, warmup: Warmup) -> Policy | None:
    """The momentum policy that a target names, or None where momentum stays as the optimizer has it.

    During the warm-up of the rate momentum stays at its first value, so that the two keep in step.
    """
    return None if target is None else behind_warmup(build(target), warmup.epochs, 1.0)


def _phase(cfg: TrainConfig, one: PhaseConfig, where: str) -> Phase:
    epochs = scaled_epochs(one.epochs, cfg.scale)
    policy = stretched(build_policy(one.policy, cfg.warmup), one.epochs, cfg.scale)
    momentum = build_momentum(one.momentum_policy, cfg.warmup)
    stopping = one.early_stopping or cfg.early_stopping
    if one.features and one.trainable != "head":
        fix = "trainable: head, or features: null"
        raise UserError("computed features need a frozen body", where=where, fix=fix)
    return Phase(
        name=one.name,
        epochs=epochs,
        policy=policy,
        momentum_policy=momentum and stretched(momentum, one.epochs, cfg.scale),
        trainable=one.trainable,
        rate_scales=one.rate_scales or RateScales(),
        stopping=stopping if cycle_ends(policy, epochs) else _scaled_patience(stopping, cfg.scale),
        features=one.features is not None,
        feature_copies=one.feature_copies,
        start=one.start,
    )


def _scaled_patience(stopping: EarlyStopping, scale: float) -> EarlyStopping:
    """Patience that counts epochs; one that counts cycles stays, as a scaled phase has as many of them."""
    if stopping.patience is None:
        return stopping
    return EarlyStopping(**{**vars(stopping), "patience": scaled_epochs(stopping.patience, scale)})
