"""From configuration nodes to policies: the rate behind its warm-up, and momentum in step with it."""

from typing import Any

from hydra.errors import HydraException
from hydra.utils import get_class, instantiate
from omegaconf import DictConfig
from omegaconf.errors import OmegaConfBaseException

from clrx.core.errors import UserError
from clrx.schedule.progress import Policy

WARMUP = "clrx.policy.warmup.Warmup"


def make_policy(policy: DictConfig, warmup: DictConfig | None = None) -> Policy:
    """The learning-rate policy of a `policy` node behind the `warmup` node (epochs, start_factor).

    Raises UserError for values that the policy refuses and for keys that it does not have.
    """
    return _behind(warmup, _build(policy, "policy"))


def make_momentum_policy(momentum: DictConfig | None, warmup: DictConfig | None = None) -> Policy | None:
    """The momentum policy of a `momentum_policy` node, or None where momentum stays as the optimizer has it.

    During the warm-up of the rate momentum stays at its first value, so that the two keep in step.
    """
    if momentum is None or (isinstance(momentum, DictConfig) and momentum.get("_target_") is None):
        return None
    if not isinstance(momentum, DictConfig):
        fix = "momentum_policy=none, or another name of conf/momentum_policy/"
        raise UserError(f"momentum_policy is {momentum!r}, not a policy", where="momentum_policy", fix=fix)
    return _behind(warmup, _build(momentum, "momentum_policy"), start_factor=1.0)


def cycle_ends(policy: Policy, epochs: float) -> tuple[float, ...]:
    """The epochs at which a cycle of the policy ends within a run of `epochs`; none for a monotone policy."""
    ends = getattr(policy, "cycle_ends", None)
    return ends(epochs) if ends else ()


def _behind(warmup: DictConfig | None, policy: Policy, **instead: float) -> Policy:
    if warmup is None:
        return policy
    keys: dict[str, Any] = {str(key): value for key, value in warmup.items()}
    behind = get_class(WARMUP)(policy, **keys | instead)
    return behind if behind.epochs > 0 else policy


def _build(node: DictConfig, where: str) -> Any:
    try:
        return instantiate(node)
    except (HydraException, OmegaConfBaseException) as error:
        raise _mistake(error, where) from error


def _mistake(error: BaseException, where: str) -> UserError:
    """Hydra wraps what a constructor raises: the UserError inside it, or its own words."""
    link: BaseException | None = error
    while link is not None:
        if isinstance(link, UserError):
            return link
        link = link.__cause__
    said = str(error.__cause__ or error).splitlines()[0]
    return UserError(f"{where} cannot be built: {said}", where=where, allowed=f"what conf/{where}/*.yaml has")
