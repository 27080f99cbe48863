"""Weights into a body and a head: strict on the body, the first difference named, colour folded for grey images."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
import yaml
from torch import Tensor, nn

from clrx.core.errors import UserError
from clrx.network.body import Body
from clrx.network.foreign_weights import check_tensors, match_names
from clrx.network.grey import add_constant, fold_grey
from clrx.network.weights_file import find_weights, read_weights

State = dict[str, Tensor]
Values = tuple[float, ...]  # one a channel
MEANING = ("_target_", "name", "stem", "pad_type", "width")  # model keys that shapes alone do not always tell


@dataclass(frozen=True)
class Loaded:
    """The input normalisation that loaded weights expect, and sentences for the log on what was loaded."""

    mean: Values
    std: Values
    notes: tuple[str, ...]


def load_weights(
    path: str | Path, body: Body, head: nn.Module, channels: int, architecture: Mapping[str, Any]
) -> Loaded:
    """Load a safetensors or weights-only .pth or .ckpt file, or the best weights of a former run, into body and head.

    A published ImageNet file fills the body and its classifier is left out; a file of a former run brings its
    input normalisation, and its head where it has the same shapes. Colour weights are folded for grey images
    (`channels` = 1). `architecture` holds the keys of the model, which those of a former run must equal. Raises
    UserError with the first key that does not fit and both shapes.
    """
    file = find_weights(Path(path).expanduser())
    state = read_weights(file)
    if own := _under("body.", state):
        _refuse_other_architecture(architecture, file)
        mean, std = _normalisation(state, file)
        mean, std = _load_body(body, channels, own, mean, std, str(file))
        return Loaded(mean, std, (f"body from {file}", _load_head(head, _under("head.", state), file)))
    published, note = match_names(state, (*body.module.state_dict(),), file)
    mean, std = _load_body(body, channels, published, body.mean, body.std, str(file))
    return Loaded(mean, std, (f"body from {file}, the head is new", *([note] if note else [])))


def _normalisation(state: State, file: Path) -> tuple[Values, Values]:
    """The (mean, std) in the file of a former run; UserError where they are absent, or normalise nothing."""
    found = [state.get(f"input_{name}") for name in ("mean", "std")]
    if any(tensor is None or tensor.dim() != 1 for tensor in found):
        what = f"{file} has a body as a run of clrx writes it, but no input_mean and input_std"
        fix = "the file that clrx wrote, or one without 'body.' before its names"
        raise UserError(what, where="model.weights", fix=fix)
    mean, std = ([float(value) for value in tensor.tolist()] for tensor in found if tensor is not None)
    if not all(map(math.isfinite, (*mean, *std))) or min(std) <= 0:
        what = f"{file} normalises its input by mean {mean} and std {std}"
        raise UserError(what, where="model.weights", allowed="finite means, finite deviations above 0")
    return tuple(mean), tuple(std)


def load_imagenet(body: Body, channels: int) -> Loaded:
    """Load the ImageNet weights that the body's library has in its cache, or downloads, into the body."""
    source = body.pretrained
    if source is None:
        fix = "model.weights=null or PATH"
        raise UserError("this model has no ImageNet weights", where="model.weights", fix=fix)
    try:
        state = source.fetch()
    except UserError:
        raise
    except Exception as error:  # each library and its download layers raise their own
        what = f"could not download {source.file}: {str(error).splitlines()[0]}"
        fix = "download that file elsewhere and pass it: model.weights=PATH"
        raise UserError(what, where="model.weights=imagenet", fix=fix) from error
    mean, std = _load_body(body, channels, state, source.mean, source.std, source.file)
    notes = (f"body from {source.file}, the head is new", source.note)
    return Loaded(mean, std, tuple(note for note in notes if note))


def _load_body(
    body: Body, channels: int, state: State, mean: Values, std: Values, where: str
) -> tuple[Values, Values]:
    """Fill the body strictly with weights of images normalised by (mean, std); the (mean, std) that they now expect."""
    published = tuple(f"{name}." for name in body.classifier)
    state = {name: tensor for name, tensor in state.items() if not name.startswith(published or ("\0",))}
    check_tensors(state, body.module.state_dict(), where)
    for name in body.first_convs:
        mean, std = _fit_first_conv(body.module, channels, name, state, mean, std)
    wanted = body.module.state_dict()
    for name in wanted:
        if name.endswith("num_batches_tracked"):  # absent from older files, and never read
            state.setdefault(name, wanted[name])
    if difference := _first_difference(wanted, state):
        what = f"{where} does not fit the model: {difference}"
        fix = "the model, model.stem, model.width and dataset.channels that the weights were made with"
        raise UserError(what, where="model.weights", fix=fix)
    body.module.load_state_dict(state)
    return mean[:channels], std[:channels]


def _fit_first_conv(
    module: nn.Module, channels: int, name: str, state: State, mean: Values, std: Values
) -> tuple[Values, Values]:
    """Fold a colour kernel of `state` for grey images, or bring back the constant that a folding left.

    Changes `state` and the convolution in place; gives the (mean, std) that the weights then expect.
    """
    conv, kernel = module.get_submodule(name), state.get(f"{name}.weight")
    key = f"{name}.constant.weight"
    is_colour = kernel is not None and kernel.dim() == 4 and kernel.shape[1] == len(mean) == 3
    if kernel is not None and is_colour and channels == 1:
        state[f"{name}.weight"], constant, m, s = fold_grey(kernel, mean, std)
        if constant.any():
            state[key] = constant
        mean, std = (m,), (s,)
    if key in state:
        add_constant(conv, state[key])
    elif hasattr(conv, "constant"):
        state[key] = torch.zeros_like(conv.constant.weight)  # type: ignore[union-attr, arg-type]
    return mean, std


def _first_difference(wanted: State, given: State) -> str:
    """The first key of the network that the file lacks or has in another shape, else the first surplus."""
    for name, tensor in wanted.items():
        if name not in given or given[name].shape != tensor.shape:
            return f"{name} is {_shape(given.get(name))} in the file and {_shape(tensor)} in the network"
    surplus = next((name for name in given if name not in wanted), None)
    return f"{surplus} is {_shape(given[surplus])} in the file and absent in the network" if surplus else ""


def _shape(tensor: Tensor | None) -> str:
    return "absent" if tensor is None else "x".join(map(str, tensor.shape)) or "a number"


def _load_head(head: nn.Module, state: State, file: Path) -> str:
    """Fill the head where the file's has the same shapes; a sentence for the log."""
    if difference := _first_difference(head.state_dict(), state):
        return f"the head is new: that of {file} does not fit ({difference})"
    check_tensors(state, head.state_dict(), str(file))
    head.load_state_dict(state)
    return f"head from {file}"


def _refuse_other_architecture(architecture: Mapping[str, Any], file: Path) -> None:
    """Compare with the former run's record: equal shapes alone do not say that a network is the same."""
    record = file.parent.parent / "config.yaml"
    if not record.is_file():
        return
    former = (yaml.safe_load(record.read_text(encoding="utf-8")) or {}).get("model") or {}
    for key in MEANING:
        ours = architecture.get(key)
        if key in former and former[key] != ours:
            what = f"{file} was trained with model.{key}={former[key]}, this network has {ours}"
            raise UserError(what, where="model.weights", fix=f"model.{key}={former[key]}")


def _under(prefix: str, state: State) -> State:
    return {name.removeprefix(prefix): tensor for name, tensor in state.items() if name.startswith(prefix)}
