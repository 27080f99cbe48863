"""Where things are: the package, its configuration, and the folder of what can be made again."""

import os
import stat
from contextlib import suppress
from pathlib import Path

from clrx.core.errors import UserError

PACKAGE = Path(__file__).resolve().parents[1]  # clrx/, in a checkout or in site-packages
ROOT = PACKAGE.parent  # what has to be on `sys.path` for `import clrx`; the checkout, where there is one
STYLE = PACKAGE / "report" / "style.css"  # of every HTML page


def conf_dir() -> Path:
    """The folder of the packaged configuration: inside the package in a wheel, beside it in a checkout."""
    inside, beside = PACKAGE / "conf", ROOT / "conf"
    return inside if inside.is_dir() else beside


def cache_dir() -> Path:
    """The folder of decoded images, phantoms, unpacked archives and downloaded weights, which need not exist yet.

    The folder clrx/ in CLRX_CACHE, else in XDG_CACHE_HOME, else in ~/.cache; absolute. A CLRX_CACHE that is called
    clrx is that folder itself. UserError where there is no home directory to put it in.
    """
    base = path_of(os.environ.get("CLRX_CACHE") or os.environ.get("XDG_CACHE_HOME") or "~/.cache")
    if base.parts[:1] == ("~",):
        what = "there is no home directory (neither HOME nor an entry of this user in the system's list of users)"
        raise UserError(what, where="the cache folder", fix="set CLRX_CACHE to a folder that can be written")
    folder = base.absolute()
    return folder if folder.name == "clrx" else folder / "clrx"


def cache_denied(path: Path, error: OSError) -> UserError:
    """The message for a part of the cache folder that this user may not read or write, with its owner."""
    what = f"the cache folder cannot be written ({error.strerror})"
    for one in (path, *path.parents):  # the first that can be looked at
        with suppress(OSError):
            about = one.stat()
            if about.st_uid != os.geteuid():
                what += f": {one.name} belongs to {_name_of(about.st_uid)} ({stat.filemode(about.st_mode)})"
            break
    fix = "set CLRX_CACHE to a folder that can be written"
    return UserError(what, where=str(path), fix=f"{fix}, or have its owner share it: chmod -R g+rwX")


def _name_of(user: int) -> str:
    import pwd

    try:
        return pwd.getpwuid(user).pw_name
    except KeyError:
        return f"user {user}"


def share(path: Path) -> None:
    """Let the group write a new file or folder where it may write the folder that holds it, whatever the umask says."""
    above, own = path.parent.stat(), path.stat()
    if above.st_mode & stat.S_IWGRP and own.st_uid == os.geteuid():
        path.chmod(stat.S_IMODE(own.st_mode) | (0o2070 if stat.S_ISDIR(own.st_mode) else 0o060))


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
