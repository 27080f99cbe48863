"""Where clrx keeps what can be made again: decoded images, the phantom, unpacked archives, downloaded weights."""

import os
from pathlib import Path


def cache_dir() -> Path:
    """CLRX_CACHE, else XDG_CACHE_HOME/clrx, else ~/.cache/clrx; not created here."""
    if chosen := os.environ.get("CLRX_CACHE"):
        return Path(chosen).expanduser().absolute()
    base = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    return Path(base).expanduser().absolute() / "clrx"
