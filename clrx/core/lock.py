"""One process at a time: a lock on a file that ends with the processes that hold it, however they die."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from clrx.core.errors import FULL, UserError


@contextmanager
def locked(path: Path, wait: bool = True) -> Iterator[int | None]:
    """Hold `path` locked; yields its descriptor, or None when `wait` is False and another process holds it.

    A child that inherits the descriptor holds the lock too, until it has ended. The file goes when the lock
    does.
    """
    lock = _acquire(path, wait)
    try:
        yield lock
    finally:
        if lock is not None:
            path.unlink(missing_ok=True)
            os.close(lock)


def _acquire(path: Path, wait: bool) -> int | None:
    while True:
        lock = _open(path)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX if wait else fcntl.LOCK_EX | fcntl.LOCK_NB)
            if _is_still(path, lock):
                return lock
        except BlockingIOError:
            os.close(lock)
            return None
        except BaseException:
            os.close(lock)
            raise
        os.close(lock)  # the holder before us has removed the file: lock the one that lies there now


def _is_still(path: Path, lock: int) -> bool:
    try:
        return os.path.samestat(path.stat(), os.fstat(lock))
    except FileNotFoundError:
        return False


def _open(path: Path) -> int:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    except OSError as error:
        if error.errno in FULL:
            raise
        what = f"the cache folder cannot be written ({error.strerror})"
        fix = "set CLRX_CACHE to a folder that can be written"
        raise UserError(what, where=str(path.parent), fix=fix) from None


def is_held(path: Path) -> bool:
    """Whether a living process holds the lock on `path` now."""
    try:
        with path.open() as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return False
    return False
