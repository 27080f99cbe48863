"""A trap in a child process: the k-th file operation below a folder kills it, stops it, or fails as on a full disk.

Operations are what changes files: making a folder, opening for writing, writing, syncing and renaming. Half of
what was to be written is on the disk when the trap closes in a write.
"""

import builtins
import errno
import io
import os
import signal
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

WRITES = os.O_WRONLY | os.O_RDWR
QUIET = "train.log"  # its lines are let through: a log that cannot be written ends no run
EVENTS = {"os.mkdir": "mkdir", "os.rename": "rename", "open": "open"}


@dataclass
class Trap:
    """What is to happen at operation `at` (from 1) below `folder`; never where `at` is 0.

    `how`: kill, once (this one fails), on (it and all after it fail), SIGINT or SIGTERM (sent to the process by it
    and the `times` - 1 after it). The number of operations so far is kept in the file `count`.
    """

    folder: str
    count: str
    how: str = "on"
    at: int = 0
    error: int = errno.ENOSPC
    times: int = 1
    seen: int = 0

    def set(self) -> None:
        """Watch this process from now on."""
        self._file = os.open(self.count, os.O_WRONLY | os.O_CREAT, 0o644)
        self._sync, self._open = os.fsync, io.open
        os.fsync = self._fsync
        io.open = builtins.open = self._opened
        sys.addaudithook(self._audit)

    def _audit(self, event: str, arguments: tuple) -> None:
        if event not in EVENTS or not self._inside(arguments[0]):
            return
        if event == "os.mkdir" and os.path.isdir(arguments[0]):  # noqa: PTH112 - it is there: nothing will be written
            return
        if event != "open" or (arguments[2] or 0) & WRITES:
            self._tick(path=arguments[0])

    def _fsync(self, descriptor: int) -> None:
        if self._inside(Path(f"/proc/self/fd/{descriptor}").readlink()):
            self._tick()
        self._sync(descriptor)

    def _opened(self, file: Any, *arguments: Any, **more: Any) -> Any:
        opened = self._open(file, *arguments, **more)
        if opened.writable() and self._inside(file) and Path(os.fspath(file)).name != QUIET:
            self._watch_writes(opened)
        return opened

    def _watch_writes(self, file: Any) -> None:
        write = file.write

        def watched(content: Any) -> int:
            self._tick(lambda: (write(content[: len(content) // 2]), file.flush()))
            return write(content)

        file.write = watched

    def _inside(self, path: Any) -> bool:
        if not isinstance(path, str | os.PathLike):
            return False
        return os.path.abspath(path).startswith(self.folder)  # noqa: PTH100 - Path() would be heard again

    def _tick(self, halfway: Any = None, path: Any = None) -> None:
        self.seen += 1
        os.pwrite(self._file, f"{self.seen:9d}".encode(), 0)
        if self.how.startswith("SIG"):
            if self.at and self.at <= self.seen < self.at + self.times:
                os.kill(os.getpid(), signal.Signals[self.how])
            return
        if self.at and (self.seen == self.at or (self.how == "on" and self.seen > self.at)):
            if halfway is not None:
                halfway()
            if self.how == "kill":
                os.kill(os.getpid(), signal.SIGKILL)
            raise OSError(self.error, os.strerror(self.error), path)
