"""Where things are: the package, its configuration, and the folder of what can be made again."""

import os
from pathlib import Path

PACKAGE = Path(__file__).resolve().parents[1]  # clrx/, in a checkout or in site-packages
ROOT = PACKAGE.parent  # what has to be on `sys.path` for `import clrx`; the checkout, where there is one
STYLE = PACKAGE / "report" / "style.css"  # of every HTML page


def conf_dir() -> Path:
    """The folder of the packaged configuration: inside the package in a wheel, beside it in a checkout."""
    inside, beside = PACKAGE / "conf", ROOT / "conf"
    return inside if inside.is_dir() else beside


def cache_dir() -> Path:
    """The folder of decoded images, phantoms, unpacked archives and downloaded weights, which need not exist yet.

    CLRX_CACHE, else XDG_CACHE_HOME/clrx, else ~/.cache/clrx; absolute.
    """
    if chosen := os.environ.get("CLRX_CACHE"):
        return Path(chosen).expanduser().absolute()
    base = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    return Path(base).expanduser().absolute() / "clrx"


def path_of(text: str) -> Path:
    """The path that a user typed, with `~` for the home directory; every other character stands for itself."""
    return Path(os.path.expanduser(text))  # noqa: PTH111 - pathlib raises where there is no such user


def remove_empty(folder: Path, top: Path) -> None:
    """Remove a folder that a command made and left empty, and the empty ones above it up to `top`.

    A folder outside `top` is removed alone, and the working directory never.
    """
    for one in (folder, *(above for above in folder.parents if above.is_relative_to(top))):
        try:
            if one != Path.cwd():
                one.rmdir()
        except OSError:
            return
