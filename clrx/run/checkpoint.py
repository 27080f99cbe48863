"""The state of a run on disk: weights, optimizer and place; the one before the latest is kept."""

import hashlib
import json
import logging
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save
from torch import Tensor

from clrx.core.errors import RunError
from clrx.core.files import write_bytes

log = logging.getLogger("clrx")
MAGIC = b"clrx-checkpoint-1\n"


def save_checkpoint(directory: Path, tensors: dict[str, Tensor], place: dict[str, Any]) -> None:
    """Write directory/latest.ckpt; what was latest becomes previous.ckpt. `place` is anything JSON can hold.

    The new one is on the disk before an old one is touched, so a full disk or a kill leaves a whole one.
    """
    body = save({name: _alone(tensor) for name, tensor in tensors.items()}, {"place": json.dumps(place)})
    latest, fresh = directory / "latest.ckpt", directory / "next.ckpt"
    write_bytes(fresh, MAGIC + hashlib.sha256(body).digest() + body)
    if latest.exists():
        latest.replace(directory / "previous.ckpt")
    fresh.replace(latest)


def _alone(tensor: Tensor) -> Tensor:
    """A contiguous copy on the CPU: safetensors takes no two tensors of one storage (tied weights, views)."""
    return tensor.detach().to("cpu", copy=True, memory_format=torch.contiguous_format)


def load_checkpoint(directory: Path) -> tuple[dict[str, Tensor], dict[str, Any]] | None:
    """(tensors, place) of the newest whole checkpoint; None when there is none at all.

    A torn or corrupted file is passed over with a message; RunError when every one that exists is.
    """
    broken = []
    for path in (directory / "latest.ckpt", directory / "previous.ckpt"):
        if not path.exists():
            continue
        if (content := _checked(path)) is not None:
            return content
        broken.append(path.name)
        log.warning("%s is torn or corrupted (its checksum does not match); the one before is used", path)
    if broken:
        fix = "start the run again in a new directory"
        raise RunError(f"no whole checkpoint is left ({', '.join(broken)})", where=str(directory), fix=fix)
    return None


def _checked(path: Path) -> tuple[dict[str, Tensor], dict[str, Any]] | None:
    content = path.read_bytes()
    head, body = len(MAGIC), len(MAGIC) + 32
    if not content.startswith(MAGIC) or hashlib.sha256(content[body:]).digest() != content[head:body]:
        return None
    return _parsed(content[body:])


def _parsed(body: bytes) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Tensors and place of a safetensors body whose checksum holds."""
    from safetensors.torch import load

    size = int.from_bytes(body[:8], "little")
    header = json.loads(body[8 : 8 + size])
    return load(body), json.loads(header["__metadata__"]["place"])


def with_prefix(prefix: str, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    """The same tensors under `prefix.name`."""
    return {f"{prefix}.{name}": tensor for name, tensor in tensors.items()}


def under_prefix(prefix: str, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    """Those named `prefix.*`, by the name after it."""
    start = f"{prefix}."
    return {name.removeprefix(start): tensor for name, tensor in tensors.items() if name.startswith(start)}


def clone_state(module: torch.nn.Module) -> dict[str, Tensor]:
    """A copy of a module's weights and buffers that later steps do not change."""
    return {name: tensor.detach().clone() for name, tensor in module.state_dict().items()}
