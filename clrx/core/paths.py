"""Folders: the configuration, and what can be made again (decoded images, the phantom, downloaded weights)."""

import os
from pathlib import Path


def cache_dir() -> Path:
    """CLRX_CACHE, else XDG_CACHE_HOME/clrx, else ~/.cache/clrx; not created here."""
    if chosen := os.environ.get("CLRX_CACHE"):
        return Path(chosen).expanduser().absolute()
    base = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    return Path(base).expanduser().absolute() / "clrx"


def conf_dir() -> Path:
    """The folder of the configuration: inside the package in a wheel, beside it in a checkout."""
    package = Path(__file__).resolve().parents[1]
    return package / "conf" if (package / "conf").is_dir() else package.parent / "conf"
