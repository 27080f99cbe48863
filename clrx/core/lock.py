"""One process at a time: a lock on a file that ends with the processes that hold it, however they die.

The file stays when the lock goes: where it was removed, one process could hold the file that is gone and another the
one that lies there now. Its content says who holds it, for people.
"""

import errno
import fcntl
import os
import socket
import stat
import struct
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path

from clrx.core.errors import FULL, UserError
from clrx.core.paths import cache_denied, share

NO_LOCKS = (errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP)  # of a file system
# Locks of an open file are as those of flock, and can be looked at without being taken; where a system lacks them,
# flock it is.
GET, SET, SET_WAITING = (getattr(fcntl, f"F_OFD_{name}", 0) for name in ("GETLK", "SETLK", "SETLKW"))
FLOCK = "hhqqi4x"  # struct flock of fcntl(2): type, whence, start, length, process


@contextmanager
def locked(path: Path, wait: bool = True) -> Iterator[int | None]:
    """Hold the file `path` of the cache folder locked; yields its descriptor.

    None when `wait` is False and another process holds it. A child that inherits the descriptor holds the lock too,
    until it has ended. Raises UserError where the folder cannot be written or has no locks.
    """
    try:
        lock = acquire(path, wait)
    except OSError as error:
        if error.errno in FULL:
            raise
        raise no_locks(error, path, "set CLRX_CACHE to a folder on another disk") or cache_denied(
            path.parent, error
        ) from None
    try:
        yield lock
    finally:
        if lock is not None:
            os.close(lock)


def acquire(path: Path, wait: bool = True) -> int | None:
    """A descriptor that holds `path` locked until it and its copies are closed; None as in `locked`.

    OSError where the file cannot be written, is a link or no file, or lies on a file system without locks.
    """
    while True:
        lock = _open(path)
        try:
            if not _take(lock, wait):
                os.close(lock)
                return None
            if _is_still(path, lock):
                _sign(lock)
                return lock
        except BaseException:
            os.close(lock)
            raise
        os.close(lock)  # somebody has removed the file meanwhile: lock the one that lies there now


def no_locks(error: OSError, path: Path, fix: str) -> UserError | None:
    """The UserError for a lock that the file system does not know; None for an error of another kind."""
    if error.errno not in NO_LOCKS:
        return None
    what = f"this file system has no locks ({error.strerror}), so two processes could write the same files"
    return UserError(what, where=str(path), allowed="a local disk, NFS 4, or one mounted with locks", fix=fix)


def is_held(path: Path) -> bool:
    """Whether a living process holds the lock on `path` now. Looking takes nothing: it is in nobody's way."""
    try:
        lock = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        return stat.S_ISREG(os.fstat(lock).st_mode) and _is_taken(lock)
    except OSError:
        return False
    finally:
        os.close(lock)


def holder(path: Path) -> str:
    """Who holds the lock on `path`, as its file says: `process 12 on HOST since TIME`; empty where it says nothing."""
    with suppress(OSError, ValueError):
        with path.open(encoding="utf-8", errors="replace") as file:
            process, host, since = file.read(400).split()[:3]
        return f"process {int(process)} on {host} since {since}"
    return ""


def _take(lock: int, wait: bool) -> bool:
    try:
        if not _of_file(lock, SET_WAITING if wait else SET):
            fcntl.flock(lock, fcntl.LOCK_EX if wait else fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        if error.errno in (errno.EAGAIN, errno.EACCES):
            return False
        raise
    return True


def _of_file(lock: int, command: int) -> bytes:
    """What the system answers to a command about a lock of the whole file; empty where it has no such locks."""
    try:
        return (
            fcntl.fcntl(lock, command, struct.pack(FLOCK, fcntl.F_WRLCK, os.SEEK_SET, 0, 0, 0))
            if command
            else b""
        )
    except OSError as error:
        if error.errno == errno.EINVAL:
            return b""
        raise


def _is_taken(lock: int) -> bool:
    if answer := _of_file(lock, GET):
        return struct.unpack(FLOCK, answer)[0] != fcntl.F_UNLCK
    try:
        fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    return False


def _is_still(path: Path, lock: int) -> bool:
    try:
        return os.path.samestat(path.stat(), os.fstat(lock))
    except FileNotFoundError:
        return False


def _sign(lock: int) -> None:
    """Write down who holds the lock; a full disk does not keep it from being held."""
    with suppress(OSError):
        os.ftruncate(lock, 0)
        now = datetime.now(UTC).isoformat(timespec="seconds")
        os.pwrite(lock, f"{os.getpid()} {socket.gethostname()} {now}\n".encode(), 0)


def _open(path: Path) -> int:
    flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK
    path.parent.mkdir(parents=True, exist_ok=True)
    lock = os.open(path, flags, 0o666)
    if stat.S_ISREG(os.fstat(lock).st_mode):
        with suppress(OSError):
            share(path)
        return lock
    os.close(lock)
    raise OSError(errno.EINVAL, "not a regular file", str(path))
