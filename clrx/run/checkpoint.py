"""Checkpoints: weights, optimizer and the state of training on disk, and how often they are written."""

import hashlib
import json
import logging
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load, save
from torch import Tensor

from clrx.config.sections import Every
from clrx.core.errors import RunError
from clrx.core.files import write_bytes

log = logging.getLogger("clrx")
MAGIC = b"clrx-checkpoint-1\n"


def save_checkpoint(directory: Path, tensors: dict[str, Tensor], state: dict[str, Any]) -> None:
    """Write tensors by name, and a state that JSON can hold, to directory/latest.ckpt.

    The latest before it becomes previous.ckpt. The new one is on the disk before an old one is touched, so a full
    disk or a kill leaves a whole one.
    """
    # safetensors takes no two tensors of one storage (tied weights, views): each is a contiguous copy on the CPU
    form = torch.contiguous_format
    copies = {name: t.detach().to("cpu", copy=True, memory_format=form) for name, t in tensors.items()}
    body = save(copies, {"state": json.dumps(state)})
    latest, fresh = directory / "latest.ckpt", directory / "next.ckpt"
    write_bytes(fresh, MAGIC + hashlib.sha256(body).digest() + body)
    if latest.exists():
        latest.replace(directory / "previous.ckpt")
    fresh.replace(latest)


def load_checkpoint(directory: Path) -> tuple[dict[str, Tensor], dict[str, Any]] | None:
    """(tensors, state) of the newest whole checkpoint in a directory; None when there is none at all.

    A torn or corrupted file is passed over with a message; RunError when every one that exists is.
    """
    broken = []
    for path in (directory / "latest.ckpt", directory / "previous.ckpt"):
        if not path.exists():
            continue
        if (body := _whole_body(path)) is not None:
            size = int.from_bytes(body[:8], "little")
            header = json.loads(body[8 : 8 + size])["__metadata__"]
            return load(body), json.loads(header.get("state") or header["place"])  # its name in 0.1
        broken.append(path.name)
        log.warning("%s is torn or corrupted (its checksum does not match); the one before is used", path)
    if broken:
        fix = "start the run again in a new directory"
        raise RunError(f"no whole checkpoint is left ({', '.join(broken)})", where=str(directory), fix=fix)
    return None


def _whole_body(path: Path) -> bytes | None:
    """The safetensors part of a checkpoint; None where its checksum does not match."""
    if not path.is_file():  # a pipe would be waited for
        return None
    with path.open("rb") as file:
        content = file.read(len(MAGIC))
        if content == MAGIC:  # else it may be of any size
            content += file.read()
    head, body = len(MAGIC), len(MAGIC) + 32
    is_whole = content.startswith(MAGIC) and hashlib.sha256(content[body:]).digest() == content[head:body]
    return content[body:] if is_whole else None


def with_prefix(prefix: str, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    """The same tensors, each under `prefix.name`."""
    return {f"{prefix}.{name}": tensor for name, tensor in tensors.items()}


def under_prefix(prefix: str, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    """The tensors that are named `prefix.*`, each under the rest of its name."""
    start = f"{prefix}."
    return {name.removeprefix(start): tensor for name, tensor in tensors.items() if name.startswith(start)}


def clone_state(module: torch.nn.Module) -> dict[str, Tensor]:
    """A copy of a module's weights and buffers that later steps do not change."""
    return {name: tensor.detach().clone() for name, tensor in module.state_dict().items()}


@dataclass
class Interval:
    """How often a checkpoint is written: every so many steps, or seconds after the last `restart`."""

    steps: int | None
    seconds: float | None
    began: float = field(default_factory=time.monotonic)

    def due(self, step: int) -> bool:
        """Whether to write one now, after `step` steps of the phase."""
        if self.steps is not None:
            return step % self.steps == 0
        return self.seconds is not None and time.monotonic() - self.began >= self.seconds

    def restart(self) -> None:
        self.began = time.monotonic()


def interval_of(every: Every, steps_per_epoch: int) -> Interval:
    """The Interval of a number of steps, epochs or minutes."""
    if every.unit == "minute":
        return Interval(None, 60 * every.number)
    return Interval(max(1, round(every.number * (steps_per_epoch if every.unit == "epoch" else 1))), None)
