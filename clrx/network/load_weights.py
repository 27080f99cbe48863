"""Weights into a network: strict on the body, the first difference named, colour folded for grey networks."""

from pathlib import Path
from typing import TYPE_CHECKING

import torch
import yaml
from safetensors.torch import save
from torch import Tensor, nn

from clrx.core.errors import UserError
from clrx.core.files import write_bytes
from clrx.network.grey import add_constant, fold_grey
from clrx.network.weights_file import find_weights, read_weights

if TYPE_CHECKING:
    from clrx.network.network import Network

State = dict[str, Tensor]
MEANING = ("_target_", "name", "stem", "pad_type", "width")  # model keys that shapes alone do not always tell


def save_weights(network: nn.Module, path: Path) -> None:
    """Write body, head and input normalisation as safetensors, atomically."""
    state = {name: tensor.detach().cpu().contiguous() for name, tensor in network.state_dict().items()}
    write_bytes(path, save(state))


def load_weights(network: "Network", path: str | Path) -> tuple[str, ...]:
    """Load a safetensors or weights-only .pth file, or the best weights of a former run, in place.

    A published ImageNet file fills the body and its classifier is left out; a file of a former run brings its
    input normalisation, and its head where it has the same shapes. Colour weights are folded for a grey
    network. Returns sentences that say what was done. Raises UserError with the first key that does not fit
    and both shapes.
    """
    file = find_weights(Path(path).expanduser())
    state = read_weights(file)
    if body := _under("body.", state):
        _refuse_other_architecture(network, file)
        mean, std = (tuple(state[f"input_{name}"].tolist()) for name in ("mean", "std"))
        _load_body(network, body, mean, std, str(file))
        return (f"body from {file}", _load_head(network, _under("head.", state), file))
    _load_body(network, state, network.design.mean, network.design.std, str(file))
    return (f"body from {file}, the head is new",)


def load_imagenet(network: "Network") -> tuple[str, ...]:
    """Load the ImageNet weights that the body's library has in its cache, or downloads, into the body."""
    source = network.design.pretrained
    if source is None:
        raise UserError(
            "this model has no ImageNet weights", where="model.weights", fix="model.weights=null or PATH"
        )
    try:
        state = source.fetch()
    except Exception as error:  # each library and its download layers raise their own
        what = f"could not download {source.file}: {str(error).splitlines()[0]}"
        fix = "download that file elsewhere and pass it: model.weights=PATH"
        raise UserError(what, where="model.weights=imagenet", fix=fix) from error
    _load_body(network, state, source.mean, source.std, source.file)
    return tuple(note for note in (f"body from {source.file}, the head is new", source.note) if note)


def _load_body(
    network: "Network", state: State, mean: tuple[float, ...], std: tuple[float, ...], where: str
) -> None:
    """Fill the body strictly with `state`, whose images were normalised by `mean` and `std`."""
    published = tuple(f"{name}." for name in network.design.classifier)
    state = {name: tensor for name, tensor in state.items() if not name.startswith(published or ("\0",))}
    for name in network.design.first_convs:
        mean, std = _fit_first_conv(network, name, state, mean, std)
    wanted = network.body.state_dict()
    for name in wanted:
        if name.endswith("num_batches_tracked"):  # absent from older files, and never read
            state.setdefault(name, wanted[name])
    if difference := _first_difference(wanted, state):
        what = f"{where} does not fit the model: {difference}"
        fix = "the model, model.stem, model.width and dataset.channels that the weights were made with"
        raise UserError(what, where="model.weights", fix=fix)
    network.body.load_state_dict(state)
    network.set_normalisation(*(values[: network.channels] for values in (mean, std)))


def _fit_first_conv(
    network: "Network", name: str, state: State, mean: tuple, std: tuple
) -> tuple[tuple, tuple]:
    """Fold a colour kernel for a grey network, or bring back what a folding left; the (mean, std) to use."""
    conv, kernel = network.body.get_submodule(name), state.get(f"{name}.weight")
    key = f"{name}.constant.weight"
    if (
        kernel is not None
        and kernel.dim() == 4
        and kernel.shape[1] == len(mean) == 3
        and network.channels == 1
    ):
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


def _load_head(network: "Network", state: State, file: Path) -> str:
    if difference := _first_difference(network.head.state_dict(), state):
        return f"the head is new: that of {file} does not fit ({difference})"
    network.head.load_state_dict(state)
    return f"head from {file}"


def _refuse_other_architecture(network: "Network", file: Path) -> None:
    """Compare with the former run's record: equal shapes alone do not say that a network is the same."""
    record = file.parent.parent / "config.yaml"
    if not record.is_file():
        return
    former = (yaml.safe_load(record.read_text(encoding="utf-8")) or {}).get("model") or {}
    for key in MEANING:
        ours = network.architecture.get(key)
        if key in former and former[key] != ours:
            what = f"{file} was trained with model.{key}={former[key]}, this network has {ours}"
            raise UserError(what, where="model.weights", fix=f"model.{key}={former[key]}")


def _under(prefix: str, state: State) -> State:
    return {name.removeprefix(prefix): tensor for name, tensor in state.items() if name.startswith(prefix)}
