"""Weights files: tensors by name, written as safetensors and read without ever running code."""

import hashlib
import pickle
import re
import warnings
from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load, load_file, save
from torch import Tensor, nn

from clrx.core.errors import UserError
from clrx.core.files import write_bytes
from clrx.core.inflate import check_zip
from clrx.core.output import visible

PICKLES = (".pth", ".pt", ".bin", ".tar", ".ckpt")
NESTS = ("state_dict", "model", "model_state_dict")  # where training scripts put the weights in a .pth


def save_weights(network: nn.Module, path: Path) -> None:
    """Write body, head and input normalisation as safetensors, atomically."""
    state = {name: tensor.detach().cpu().contiguous() for name, tensor in network.state_dict().items()}
    write_bytes(path, save(state))


def read_weights(file: Path) -> dict[str, Tensor]:
    """The tensors of a safetensors or .pth file by name; UserError for a pickle that asks to run code."""
    if file.suffix == ".safetensors":
        try:
            if visible(str(file)) != str(file):  # the library opens no names that are not UTF-8
                return load(file.read_bytes())
            return load_file(file)
        except (SafetensorError, OSError) as error:
            raise UserError(
                f"{file} is not a whole safetensors file: {error}", where="model.weights"
            ) from error
    if file.suffix not in PICKLES:
        allowed = ", ".join((".safetensors", *PICKLES)) + ", or the directory of a run"
        raise UserError(f"{file} is no weights file", where="model.weights", allowed=allowed)
    return _tensors_in(_read_pickle(file), file)


def downloaded(url: str) -> Path:
    """The file of a URL in torch.hub's cache, downloaded first where it is not there.

    The first digits of its SHA-256 that its name ends in (alexnet-owt-7be5be79.pth) are checked each time. Raises
    UserError where they differ, and whatever torch.hub raises where the download fails.
    """
    name = url.rpartition("/")[2]
    hashed = re.search(r"-([0-9a-f]{8,})\.", name)
    digits = hashed[1] if hashed else ""
    file = Path(torch.hub.get_dir()) / "checkpoints" / name
    if not file.is_file():
        file.parent.mkdir(parents=True, exist_ok=True)
        torch.hub.download_url_to_file(url, str(file), digits or None, progress=False)
    with file.open("rb") as opened:
        digest = hashlib.file_digest(opened, "sha256").hexdigest()
    if not digest.startswith(digits):
        what = f"{file} is not the file that was published: its SHA-256 begins with {digest[: len(digits)]}"
        raise UserError(
            what, where="model.weights=imagenet", allowed=digits, fix="remove it, to download it again"
        )
    return file


def _read_pickle(file: Path) -> object:
    check_zip(file)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter(
                "ignore"
            )  # that it takes long to look into sparse tensors, which are refused
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
    state = {str(name): tensor for name, tensor in tensors if isinstance(tensor, Tensor)}
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
