"""Weights files of other programs: their names as ours, and tensors that can be no weights."""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

import torch
from torch import Tensor

from clrx.core.errors import UserError

State = dict[str, Tensor]
FLOATS = (torch.float32, torch.float16, torch.bfloat16, torch.float64)
OLD_DENSENET = re.compile(r"(denselayer\d+)\.(norm|conv|relu)\.(\d)\.")  # of torchvision before 0.2


def match_names(state: State, wanted: Sequence[str], file: Path) -> tuple[State, str]:
    """The tensors of a file under the names of a network, and a note on those that belong to something else.

    What programs put before each name is taken away (`module.` of DataParallel, `model.` of Lightning,
    `module.densenet121.`), and names of torchvision's first DenseNets become today's. Raises UserError where the
    network is in the file more than once, under several such prefixes.
    """
    named = {OLD_DENSENET.sub(r"\1.\2\3.", name): tensor for name, tensor in state.items()}
    prefix = _prefix(named, wanted, file)
    inside = {name.removeprefix(prefix): tensor for name, tensor in named.items() if name.startswith(prefix)}
    outside = [name for name in named if not name.startswith(prefix)]
    note = (
        f"{len(outside):,} tensors of {file} beside its {prefix}* are not read, e.g. {outside[0]}"
        if outside
        else ""
    )
    return inside, note


def _prefix(state: State, wanted: Sequence[str], file: Path) -> str:
    """What stands before the names of a network in a file: "" where nothing does, or it is not found."""
    if any(name in state for name in wanted):
        return ""
    for one in wanted:
        found = sorted(name.removesuffix(one) for name in state if name.endswith(f".{one}"))
        held = {prefix: sum(f"{prefix}{name}" in state for name in wanted) for prefix in found}
        best = [prefix for prefix in found if held[prefix] == max(held.values())]
        if len(best) > 1:
            what = f"{file} holds this network {len(best)} times: as {', '.join(f'{name}*' for name in best)}"
            raise UserError(what, where="model.weights", fix="save the state_dict of the one to use")
        if best:
            return best[0]
    return ""


def check_tensors(given: Mapping[str, Tensor], wanted: Mapping[str, Tensor], where: str) -> None:
    """UserError for the first tensor that is no weight: not dense, of another kind of number, or not finite.

    `wanted`: the network's own tensors. `where`: the file.
    """
    for name, tensor in given.items():
        own = wanted.get(name)
        if own is None and not name.endswith(".constant.weight"):
            continue  # surplus, which is refused as such
        if why := _fault(name, tensor, own is None or own.is_floating_point()):
            what = f"{where}: {name} {why}"
            raise UserError(what, where="model.weights", allowed="dense tensors of finite numbers")


def _fault(name: str, tensor: Tensor, floating: bool) -> str:
    if tensor.is_meta or tensor.layout != torch.strided or tensor.is_quantized:
        kind = "meta" if tensor.is_meta else "quantized" if tensor.is_quantized else "sparse"
        return f"is a {kind} tensor"
    if floating != (tensor.dtype in FLOATS) or tensor.is_complex():
        return f"is {str(tensor.dtype).removeprefix('torch.')}"
    if tensor.dtype in FLOATS and not torch.isfinite(tensor).all():
        return "holds values that are not finite"
    if name.endswith("running_var") and (tensor < 0).any():
        return "holds a negative variance"
    return ""
