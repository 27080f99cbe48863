"""Signals ask a run to stop: between two steps, never within one; so does the death of its parent.

SIGINT and SIGTERM always do. SIGHUP (the terminal has been closed), SIGUSR1 and SIGUSR2 (Slurm, before a time limit)
do where nobody has said what they are for: neither `nohup` nor a launcher that has a handler of its own.
"""

import ctypes
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from clrx.core.errors import causes

PARENT = "CLRX_PARENT"  # variable with the process id of the sweep that a command is a child of
PR_SET_PDEATHSIG = 1  # of prctl(2)
ALWAYS = (signal.SIGINT, signal.SIGTERM)
UNLESS_TAKEN = (signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2)
FOR_THE_PARENT = (signal.SIGUSR1, signal.SIGUSR2)  # Slurm sends them to all processes of a job
AGAIN = 0.01  # s until a signal that went unheard is sent again


class Interrupted(BaseException):
    """A signal asked the run to stop; exit code 128 + signal (130 Ctrl-C, 143 SIGTERM, 129 SIGHUP).

    No Exception, as KeyboardInterrupt is none: it can come while a library is at work that catches whatever it meets.
    `within`: it broke off what a shield held together, so the state of the run may be half of a step's.
    """

    def __init__(self, number: int, within: bool = False) -> None:
        super().__init__(f"interrupted by {signal.Signals(number).name}")
        self.number, self.within, self.exit_code = number, within, 128 + number

    def __reduce__(self):
        return Interrupted, (self.number, self.within)


class Stop:
    """Holds a signal back while a shield is up, raises Interrupted at its end, or at once without one."""

    def __init__(self) -> None:
        self._pending: int | None = None
        self._raised: int | None = None
        self._shields = 0

    def handle(self, number: int, frame: object) -> None:
        """The signal handler. A second signal while one is pending stops at once."""
        if self._pending is None and self._shields:
            self._pending = number
            return
        self._pending, self._raised = None, number
        raise Interrupted(number, within=self._shields > 0)

    @contextmanager
    def shield(self) -> Iterator[None]:
        """Nothing inside is broken off by a first signal; one that a library has swallowed is raised before it."""
        if self._raised is not None and sys.exc_info()[0] is None:
            raise Interrupted(self._raised)
        self._shields += 1
        try:
            yield
        finally:
            self._shields -= 1
        if self._pending is not None and not self._shields:
            self._raised, self._pending = self._pending, None
            raise Interrupted(self._raised)

    def forget(self) -> None:
        """The signal that was raised is going to be sent again."""
        self._raised = None

    def behind(self, error: BaseException) -> Interrupted | None:
        """The Interrupted that `error` comes of; None where no signal was raised before it, or the disk made it.

        A library that Interrupted passes through may end with an error of its own: matplotlib's C code with a
        ValueError, OmegaConf with an AttributeError over a node that it had half copied.
        """
        if self._raised is None or any(isinstance(link, OSError) for link in causes(error)):
            return None
        return Interrupted(self._raised)


@contextmanager
def listening() -> Iterator[Stop]:
    """The Stop that hears the signals, within another `listening` the same; only the main thread can hear."""
    if threading.current_thread() is not threading.main_thread():
        yield Stop()
    elif listener := _listener():
        yield listener
    else:
        with _hearing(Stop()) as stop:
            yield stop


def signal_behind(error: BaseException) -> Interrupted | None:
    """What the Stop that listens now says is behind `error`; None where none listens."""
    listener = _listener()
    return listener.behind(error) if listener else None


def _listener() -> Stop | None:
    heard_by = getattr(signal.getsignal(signal.SIGINT), "__self__", None)
    return heard_by if isinstance(heard_by, Stop) else None


@contextmanager
def _hearing(stop: Stop) -> Iterator[Stop]:
    free = (number for number in UNLESS_TAKEN if signal.getsignal(number) == signal.SIG_DFL)
    before = {number: signal.signal(number, stop.handle) for number in (*ALWAYS, *free)}
    told, sys.unraisablehook = sys.unraisablehook, _unheard(stop, sys.unraisablehook)
    try:
        yield stop
    except Exception as error:
        if behind := stop.behind(error):
            raise behind from error
        raise
    finally:
        sys.unraisablehook = told
        for number, handler in before.items():
            signal.signal(number, handler)


def _unheard(stop: Stop, others: Callable[[Any], object]) -> Callable[[Any], None]:
    """A hook that sends a signal once more which came within a finalizer or a weak reference's callback.

    Python prints and drops what is raised there, Interrupted too; all else goes to `others`.
    """

    def hook(unraisable: Any) -> None:
        if not isinstance(unraisable.exc_value, Interrupted):
            others(unraisable)
            return
        stop.forget()
        again = threading.Timer(AGAIN, os.kill, (os.getpid(), unraisable.exc_value.number))
        again.daemon = True
        again.start()

    return hook


@contextmanager
def kept_from_children() -> Iterator[None]:
    """Have the processes that are started inside never hear SIGUSR1 and SIGUSR2, which are meant for their parent.

    One that comes meanwhile is heard at the end.
    """
    before = signal.pthread_sigmask(signal.SIG_BLOCK, FOR_THE_PARENT)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def stop_with(parent: int) -> None:
    """Have the system send this process SIGTERM when the process with the id `parent` ends; Linux alone has this.

    Without it a sweep that is killed would leave runs behind that hold their directories and the processor.
    """
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
        if os.getppid() != parent:  # it died before the call
            sys.exit(128 + signal.SIGTERM)
