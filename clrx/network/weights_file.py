"""Weights files: tensors by name, written as safetensors and read without ever running code."""

import pickle
import re
from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save
from torch import Tensor, nn

from clrx.core.errors import UserError
from clrx.core.files import write_bytes

PICKLES = (".pth", ".pt", ".bin", ".tar")
NESTS = ("state_dict", "model", "model_state_dict")  # where training scripts put the weights in a .pth


def save_weights(network: nn.Module, path: Path) -> None:
    """Write body, head and input normalisation as safetensors, atomically."""
    state = {name: tensor.detach().cpu().contiguous() for name, tensor in network.state_dict().items()}
    write_bytes(path, save(state))


def read_weights(file: Path) -> dict[str, Tensor]:
    """The tensors of a safetensors or .pth file by name; UserError for a pickle that asks to run code."""
    if file.suffix == ".safetensors":
        try:
            return load_file(file)
        except (SafetensorError, OSError) as error:
            raise UserError(
                f"{file} is not a whole safetensors file: {error}", where="model.weights"
            ) from error
    if file.suffix not in PICKLES:
        allowed = ", ".join((".safetensors", *PICKLES)) + ", or the directory of a run"
        raise UserError(f"{file} is no weights file", where="model.weights", allowed=allowed)
    return _tensors_in(_read_pickle(file), file)


def _read_pickle(file: Path) -> object:
    try:
        return torch.load(file, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        found = re.search(r"GLOBAL (\S+)", str(error))
        asks = f"{found[1]}, which is code" if found else "more than tensors"
        what = f"{file} is refused: loading it would run or build {asks}"
        fix = "save the state_dict alone, best as safetensors"
        raise UserError(what, where="model.weights", allowed="a file of tensors", fix=fix) from error
    except Exception as error:  # a cut or foreign file fails in whatever layer meets it first
        what = f"{file} is not a whole weights file: {str(error).splitlines()[0]}"
        raise UserError(what, where="model.weights", allowed="a state_dict saved by torch.save") from error


def _tensors_in(content: object, file: Path) -> dict[str, Tensor]:
    for nest in NESTS:
        if isinstance(content, Mapping) and isinstance(content.get(nest), Mapping):
            content = content[nest]
    tensors = content.items() if isinstance(content, Mapping) else ()
    state = {str(name).removeprefix("module."): t for name, t in tensors if isinstance(t, Tensor)}
    if not state:
        raise UserError(f"{file} holds no weights", where="model.weights", allowed="a state_dict")
    return state


def find_weights(path: Path) -> Path:
    """The file itself, or the best weights of a run's directory; UserError where there is none."""
    file = path / "weights" / "best.safetensors" if path.is_dir() else path
    if not file.is_file():
        missing = f"{path} is a directory without weights/best.safetensors"
        what = f"{file} does not exist" if file == path else missing
        allowed = "null, imagenet, a .safetensors or .pth file, the directory of a run"
        raise UserError(what, where="model.weights", allowed=allowed)
    return file
