"""Policies put together: the rate behind its warm-up, and the epochs at which cycles end."""

from importlib import import_module

from clrx.schedule.progress import Policy


def behind_warmup(policy: Policy, epochs: float, start_factor: float) -> Policy:
    """The policy after a linear warm-up of `epochs` from `start_factor` of its first rate; as it is for 0 epochs."""
    if not epochs:
        return policy
    return import_module("clrx.policy.warmup").Warmup(policy, epochs, start_factor)


def cycle_ends(policy: Policy, epochs: float) -> tuple[float, ...]:
    """The epochs at which a cycle of the policy ends within a run of `epochs`; none for a monotone policy."""
    ends = getattr(policy, "cycle_ends", None)
    return ends(epochs) if ends else ()
