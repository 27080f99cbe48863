"""The machine that runs are trained on: the choice of device, and for the record versions, hardware and git state."""

import os
import platform
import subprocess
from importlib.metadata import PackageNotFoundError, distributions, version
from pathlib import Path
from typing import TYPE_CHECKING

from clrx.core.errors import UserError
from clrx.core.paths import ROOT

if TYPE_CHECKING:
    import torch

PACKAGES = ("clrx", "torch", "torchvision", "timm", "numpy", "pandas", "scipy", "hydra-core", "pillow")


def versions() -> dict[str, str]:
    """Versions of Python and of the packages that results depend on."""
    found = {"python": platform.python_version()}
    for name in PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = "not installed"
    return found


def all_versions() -> dict[str, str]:
    """Versions of Python and of every package that is installed beside clrx, by name."""
    found = {one.metadata["Name"]: one.version for one in distributions()}
    return {
        "python": platform.python_version(),
        **dict(sorted(found.items(), key=lambda pair: pair[0].lower())),
    }


def hardware(device: str) -> dict[str, str | int]:
    """Processor, cores, threads, memory (bytes) and accelerator of this machine."""
    import torch

    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    facts: dict[str, str | int] = {
        "processor": _processor(),
        "cores": os.cpu_count() or 0,
        "threads": torch.get_num_threads(),
        "memory": memory,
        "system": platform.platform(terse=True),
        "device": device,
    }
    if device.startswith("cuda"):
        facts["accelerator"] = torch.cuda.get_device_name(torch.device(device))
    return facts


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
        return next(line.split(":", 1)[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()


def git_state() -> dict[str, str | bool] | None:
    """Commit of the code that runs and whether it was changed since; None outside a checkout."""
    if not (ROOT / ".git").exists():
        return None
    commit = _git("rev-parse", "HEAD")
    return {"commit": commit, "changed": bool(_git("status", "--porcelain", "-uno"))} if commit else None


def _git(*words: str) -> str:
    try:
        done = subprocess.run(["git", "-C", str(ROOT), *words], capture_output=True, text=True, timeout=5)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip()


def choose_device(name: str) -> "torch.device":
    """The device of `device=auto|cpu|cuda|cuda:N`; UserError where this machine has no such device."""
    import torch

    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    device = torch.device(name)
    if device.type == "cuda" and (device.index or 0) >= torch.cuda.device_count():
        what = f"device={name}, but this machine has {torch.cuda.device_count()} CUDA devices"
        raise UserError(what, where="device", allowed="auto, cpu", fix="device=auto")
    return device
