"""The optimizer of a phase: a group for each section, rates set from outside, state as plain tensors."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import lru_cache
from inspect import unwrap
from typing import Any

import torch
from torch import Tensor
from torch.optim import Optimizer

from clrx.config.sections import RateScales
from clrx.config.target import Target, build
from clrx.core.errors import UserError, first_line
from clrx.network.network import Network
from clrx.network.sections import SECTIONS

FUSED = ("torch.optim.SGD", "torch.optim.Adam", "torch.optim.AdamW")


def build_optimizer(
    network: Network,
    optimizer: Target,
    scales: RateScales | None = None,
    spare_norms: bool = False,
    fused: bool = False,
) -> Optimizer:
    """The optimizer that a target names, over the network's trainable parameters.

    Each group is one section and has `lr_scale`, the factor on the rate that `set_rate` gives (None: 1 everywhere).
    `spare_norms` takes weight decay off biases and normalisation layers (the parameters of one dimension). `fused`: all
    weights in one call where torch's own optimizer can, faster, with other last bits. Raises
    UserError where nothing is trainable, and for values that the optimizer refuses.
    """
    factors = vars(scales or RateScales())
    groups = [group for name in SECTIONS for group in _groups(network, name, factors[name], spare_norms)]
    if not groups:
        raise UserError("nothing is trainable", where="plan.phases, trainable", fix="trainable: all or head")
    if fused and optimizer.path in FUSED and not optimizer.arguments.keys() & {"fused", "foreach"}:
        optimizer = replace(optimizer, arguments={**optimizer.arguments, "fused": True})
    built = _built(optimizer, groups)
    set_rate(built, built.defaults["lr"])
    return built


def check_optimizer(optimizer: Target) -> None:
    """Raise UserError for values that the optimizer refuses, when it is built or at its first step."""
    weight = torch.nn.Parameter(torch.ones(1))
    weight.grad = torch.ones(1)
    built = _built(optimizer, [{"params": [weight]}])
    try:
        take_step(built)
    except (TypeError, ValueError, RuntimeError, ArithmeticError) as error:
        raise UserError(f"the optimizer cannot step: {first_line(error)}", where="optimizer") from error


def take_step(optimizer: Optimizer) -> None:
    """What `optimizer.step()` does, without loading torch's compiler for it: nothing here is compiled.

    torch wraps an optimizer's methods in functions that import torch._dynamo at their first call, which takes
    longer than torch itself.
    """
    with torch.no_grad():
        _plain_step(type(optimizer))(optimizer)  # type: ignore[arg-type]  # a class can be hashed


@lru_cache(maxsize=8)
def _plain_step(kind: Any) -> Callable[[Optimizer], Any]:
    """The `step` of an optimizer class as it was written, without what torch wraps around it."""
    return unwrap(kind.step)


def _spare_compiler() -> None:
    """Have the methods of torch's optimizers call themselves where they would ask torch._dynamo to let them pass."""
    for name in ("add_param_group", "zero_grad", "state_dict", "load_state_dict"):
        method = unwrap(getattr(Optimizer, name))
        if not hasattr(method, "__dynamo_disable"):
            setattr(method, "__dynamo_disable", method)


def _built(target: Target, groups: list[dict[str, Any]]) -> Optimizer:
    _spare_compiler()
    try:
        return build(target, groups)
    except (TypeError, ValueError, RuntimeError) as error:
        raise UserError(f"the optimizer cannot be built: {first_line(error)}", where="optimizer") from error


def set_rate(optimizer: Optimizer, lr: float, momentum: float | None = None) -> None:
    """Give each group `lr * lr_scale`; move momentum (Adam's first beta) only where it is given."""
    for group in optimizer.param_groups:
        group["lr"] = lr * group["lr_scale"]
        if momentum is None:
            continue
        if "betas" in group:
            group["betas"] = (momentum, *group["betas"][1:])
        elif "momentum" in group:
            group["momentum"] = momentum
        else:
            what = f"{type(optimizer).__name__} has no momentum to move"
            raise UserError(what, where="momentum_policy", fix="momentum_policy=none")


def optimizer_tensors(optimizer: Optimizer) -> dict[str, Tensor]:
    """The optimizer's state as contiguous tensors `<parameter's index>.<name>`, without its rates."""
    state = optimizer.state_dict()["state"]
    found = {
        f"{i}.{name}": value
        for i, slots in state.items()
        for name, value in slots.items()
        if value is not None
    }
    if odd := [name for name, value in found.items() if not isinstance(value, Tensor)]:
        what = f"{type(optimizer).__name__} keeps {odd[0]}, which is no tensor: its state cannot be saved"
        raise UserError(what, where="optimizer", allowed="an optimizer whose state is tensors")
    return {name: value.detach().contiguous() for name, value in found.items()}


def load_optimizer_tensors(optimizer: Optimizer, tensors: Mapping[str, Tensor]) -> None:
    """Take over the state that `optimizer_tensors` gave of an optimizer over the same parameters.

    Tensors of a weight's shape also get its memory layout. Raises UserError where the parameters differ.
    """
    weights = [weight for group in optimizer.param_groups for weight in group["params"]]
    state: dict[int, dict[str, Tensor]] = {}
    for name, tensor in tensors.items():
        index, slot = name.split(".", 1)
        if int(index) >= len(weights) or (tensor.dim() and tensor.shape != weights[int(index)].shape):
            raise UserError(f"the saved optimizer state does not fit: {name} is {tuple(tensor.shape)}")
        state.setdefault(int(index), {})[slot] = _laid_out(tensor, weights[int(index)])
    optimizer.load_state_dict({"state": state, "param_groups": optimizer.state_dict()["param_groups"]})


def _laid_out(tensor: Tensor, weight: Tensor) -> Tensor:
    if tensor.shape != weight.shape or not tensor.dim():
        return tensor.clone()
    return torch.empty_like(weight, dtype=tensor.dtype).copy_(tensor)


def _groups(network: Network, section: str, scale: float, spare_norms: bool) -> list[dict[str, Any]]:
    trained = [p for p in network.sections()[section] if p.requires_grad]
    common = {"section": section, "lr_scale": scale}
    if not spare_norms:
        return [{"params": trained, **common}] if trained else []
    decayed, spared = [p for p in trained if p.dim() > 1], [p for p in trained if p.dim() <= 1]
    groups = [{"params": decayed, **common}, {"params": spared, "weight_decay": 0.0, **common}]
    return [group for group in groups if group["params"]]
