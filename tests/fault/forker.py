"""Runs `clrx` commands in children forked from a process that has imported everything: a second each, not ten.

As a script it is that process: it reads a job a line (JSON), forks, and writes the child's process id and, when
the child has ended, its exit code. `Forker` is its other end, in the test.
"""

import contextlib
import json
import os
import select
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve()


@dataclass
class Child:
    """A command under way; it leads a process group of its own."""

    pid: int
    server: subprocess.Popen
    code: int | None = None

    def wait(self, seconds: float | None = None) -> int | None:
        """Its exit code (-9 where SIGKILL ended it), or None when so many seconds have passed before its end."""
        if self.code is None and select.select([self.server.stdout], [], [], seconds)[0]:
            self.code = int(self.server.stdout.readline())
        return self.code

    def signal(self, number: int) -> None:
        """Send a signal to the command and to whatever it started, unless it has ended."""
        if self.wait(0) is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.pid, number)

    def kill(self) -> None:
        self.signal(signal.SIGKILL)


class Forker:
    """The forking process, for one command after another.

    `drawn`: whether pictures are. Blank ones are the same files by the same operations, without the seconds.
    """

    def __init__(self) -> None:
        self.drawn = False
        self._server = subprocess.Popen(
            [sys.executable, HERE], stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0
        )
        self._last: Child | None = None

    def start(self, words: Sequence[str], screen: Path, trap: dict[str, Any] | None = None) -> Child:
        """`clrx WORDS`, its output in the file `screen`, with a trap (see trap.py) set for it."""
        if self._last is not None and self._last.wait(0) is None:  # its test was broken off
            self._last.kill()
            self._last.wait()
        job = {"words": list(words), "screen": str(screen), "trap": trap, "drawn": self.drawn}
        job["environ"] = dict(os.environ)
        self._server.stdin.write(json.dumps(job).encode() + b"\n")
        self._last = Child(int(self._server.stdout.readline()), self._server)
        return self._last

    def run(self, words: Sequence[str], screen: Path, trap: dict[str, Any] | None = None) -> int:
        """The exit code of `clrx WORDS`."""
        code = self.start(words, screen, trap).wait()
        assert code is not None
        return code

    def close(self) -> None:
        self._server.stdin.close()
        self._server.wait()
        self._server.stdout.close()


@contextlib.contextmanager
def fresh(words: Sequence[str], screen: Path) -> Iterator[subprocess.Popen]:
    """The same command as a user starts it, in a new process."""
    with screen.open("ab") as output:
        command = [sys.executable, "-m", "clrx", *words]
        with subprocess.Popen(command, stdout=output, stderr=output, start_new_session=True) as process:
            yield process


def serve() -> None:
    """Fork a child a job, one after another, until the other end closes."""
    import_all()
    for line in sys.stdin:
        job = json.loads(line)
        if not (pid := os.fork()):
            become(job)
        say(pid)
        say(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))


def say(number: int) -> None:
    os.write(1, f"{number}\n".encode())


def import_all() -> None:
    """Everything that a run imports, in it or before it; no thread is started, so that it can fork."""
    import pkgutil
    from importlib import import_module

    import clrx

    for found in pkgutil.walk_packages(clrx.__path__, "clrx."):
        if found.name not in ("clrx.__main__", "clrx.cli.child", "clrx.data.decode.worker"):
            import_module(found.name)
    sys.path.append(str(HERE.parents[1]))
    for name in (
        "torch._dynamo",
        "torchvision",
        "timm",
        "hydra.main",
        "matplotlib.backends.backend_agg",
        "blank",
    ):
        import_module(name)
    warm_up()


def warm_up() -> None:
    """Have matplotlib find its fonts and build its parser of formulas once for all children."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure()
    figure.text(0.5, 0.5, "$10^{-1}$", fontweight="bold")
    FigureCanvasAgg(figure).draw()


def become(job: dict[str, Any]) -> None:
    """Be the command; never returns."""
    code = 1
    try:
        os.setsid()
        os.environ.clear()
        os.environ.update(job["environ"])
        null = os.open(os.devnull, os.O_RDONLY)
        screen = os.open(job["screen"], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
        for number, descriptor in enumerate((null, screen, screen)):
            os.dup2(descriptor, number)
        from clrx.cli.main import run

        if not job["drawn"]:
            import pytest
            from blank import leave_pictures_blank

            leave_pictures_blank(pytest.MonkeyPatch())
        if job["trap"]:
            from trap import Trap

            Trap(**job["trap"]).set()
        code = run(job["words"])
    except BaseException:
        import traceback

        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


if __name__ == "__main__":
    serve()
