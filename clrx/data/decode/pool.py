"""Decoding in parallel processes: starts them, gives each batch after batch, yields the answers as they come.

Plain processes that speak over pipes and not multiprocessing: its workers would import the caller's main
module (and torch with it), and would outlive a killed parent.
"""

import json
import os
import selectors
import signal
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Generator, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from time import monotonic
from typing import IO, NamedTuple

from clrx.core.errors import RunError
from clrx.core.paths import ROOT
from clrx.data.decode.worker import UNREADABLE

ACCUSING = (
    signal.SIGSEGV,
    signal.SIGBUS,
    signal.SIGILL,
    signal.SIGFPE,
    signal.SIGABRT,
)  # a decoder's own faults
TRIES = 2  # of an image alone, until it is what ends a decoder
DEADLINE = 30.0  # s of a processor that an image may take; the largest that is read takes 3
BATCH_SECONDS = 0.1  # a batch is as many images as a worker does in about this time
LONGEST_BATCH = 256
ONE_THREAD = {
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
}  # each takes address space, which is limited
RUN = [sys.executable, "-P", "-c", "from clrx.data.decode.worker import main; main()"]


class Job(NamedTuple):
    row: int
    path: str
    bytes: int
    mtime_ns: int


class Answer(NamedTuple):
    row: int
    kind: str  # done | unreadable | failed | disk
    text: str  # digest of the row, reason, or errno


Batches = Generator[list[Answer], None, None]


@dataclass
class _Worker:
    process: subprocess.Popen
    batch: list[Job] = field(default_factory=list)
    started: float = 0.0
    deadline: float = 0.0  # by the monotonic clock, when to look whether the batch takes too long
    spent: float = 0.0  # s of a processor that the process had used before the batch
    is_late: bool = False
    pace: int = 1  # images a batch


def cores() -> int:
    """Cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@dataclass
class _Queue:
    jobs: Iterator[Job]
    left: int
    again: list[Job] = field(default_factory=list)  # of batches in which a decoder ended: these go singly
    tried: Counter[int] = field(default_factory=Counter)  # row -> how often a decoder ended on it alone


def decode_all(
    jobs: Iterable[Job], count: int, settings: list, workers: int, inherit: tuple[int, ...]
) -> Batches:
    """Answers to all `count` jobs, a batch at a time, in the order they are finished.

    `settings` are the worker's arguments, `inherit` the file descriptors it gets. An image on which a decoder crashes
    twice, alone, is unreadable, and so is one that takes longer than DEADLINE alone. A decoder that something else
    ends, or that cannot start, raises RunError.
    """
    queue = _Queue(iter(jobs), count)
    with tempfile.TemporaryFile("a+b") as log, selectors.DefaultSelector() as selector:
        pool: list[_Worker] = []
        try:
            for _ in range(workers):
                pool.append(_Worker(_start(settings, inherit, log)))
                _assign(pool[-1], queue, workers, selector)
            while selector.get_map():
                for key, _ in selector.select(_time_left(pool)):
                    worker: _Worker = key.data
                    selector.unregister(key.fileobj)
                    line = key.fileobj.readline()  # type: ignore[union-attr]
                    answers = _read(line) if line else _answers_of_dead(worker, queue, log)
                    if not line:
                        worker.process, worker.pace = _start(settings, inherit, log), 1
                    _assign(worker, queue, workers, selector)
                    yield answers
                for worker in pool:
                    if worker.batch and monotonic() > worker.deadline:
                        _end_if_late(worker)
        finally:
            for worker in pool:
                _stop(worker.process)


def _start(settings: list, inherit: tuple[int, ...], log: IO[bytes]) -> subprocess.Popen:
    paths = [str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]
    return subprocess.Popen(
        [*RUN, json.dumps(settings)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=log,
        pass_fds=inherit,
        env=os.environ | ONE_THREAD | {"PYTHONPATH": os.pathsep.join(paths)},
        process_group=0,  # Ctrl-C is for the caller, which then stops its workers
    )


def _assign(worker: _Worker, queue: _Queue, workers: int, selector: selectors.BaseSelector) -> None:
    """Give the worker its next batch and wait for its answer, or let it go when nothing is left."""
    now = monotonic()
    if worker.batch:
        pace = int(len(worker.batch) * BATCH_SECONDS / max(now - worker.started, 1e-6))
        worker.pace = min(max(pace, 1), 4 * worker.pace, LONGEST_BATCH)
    worker.batch = _take(queue, worker.pace, workers)
    worker.started, worker.deadline = now, now + DEADLINE
    worker.spent, worker.is_late = _processor_seconds(worker.process.pid), False
    if not worker.batch:
        return
    with suppress(BrokenPipeError):  # it has died: its end of file is seen where answers are read
        _send(worker.process, json.dumps(worker.batch).encode() + b"\n")
    assert worker.process.stdout is not None
    selector.register(worker.process.stdout, selectors.EVENT_READ, worker)


def _time_left(pool: list[_Worker]) -> float:
    """Seconds until the first batch is late."""
    return max(0.0, min(worker.deadline for worker in pool if worker.batch) - monotonic()) + 0.05


def _end_if_late(worker: _Worker) -> None:
    """End a worker whose batch has used the processor for too long; a slow disk, or a stop, accuses no image."""
    left = DEADLINE - (_processor_seconds(worker.process.pid) - worker.spent)
    if left > 0:
        worker.deadline = monotonic() + left
    elif not worker.is_late:
        worker.is_late = True
        worker.process.kill()  # its end of file is seen where answers are read


def _processor_seconds(process: int) -> float:
    """Seconds of a processor that a process has used; where a system does not say, the time on the clock."""
    try:
        fields = Path(f"/proc/{process}/stat").read_bytes().rpartition(b")")[2].split()
    except OSError:
        return monotonic()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _take(queue: _Queue, pace: int, workers: int) -> list[Job]:
    if queue.again:
        return [queue.again.pop()]
    count = min(pace, -(-queue.left // (2 * workers)))  # smaller at the end, so that all workers end together
    queue.left -= count
    return list(islice(queue.jobs, count))


def _send(process: subprocess.Popen, data: bytes) -> None:
    assert process.stdin is not None
    view = memoryview(data)
    while view:
        view = view[os.write(process.stdin.fileno(), view) :]


def _read(line: bytes) -> list[Answer]:
    return [Answer(*one) for one in json.loads(line)]


def _answers_of_dead(worker: _Worker, queue: _Queue, log: IO[bytes]) -> list[Answer]:
    """The answers for a worker that ended in the middle of a batch: none where its images are tried again singly."""
    _stop(worker.process, kill=False)
    code, batch, worker.batch = worker.process.returncode, worker.batch, []
    row = batch[0].row
    if len(batch) > 1 and (worker.is_late or code == -signal.SIGKILL):
        queue.again.extend(batch)  # which of them took too long, or all of the memory, is found alone
        return []
    if worker.is_late:
        return [Answer(row, UNREADABLE, f"decoding it takes longer than {DEADLINE:g} s of a processor")]
    if code < 0 and -code not in ACCUSING:
        fix = "free memory, or use fewer processes: workers=N"
        what = f"a decoding process was ended from outside (signal {-code}), at {batch[0].path}"
        raise RunError(what, fix=fix)
    if code >= 0:
        log.seek(0, os.SEEK_END)
        log.seek(max(0, log.tell() - 2000))
        last = log.read().decode(errors="replace").strip()
        raise RunError(f"a decoding process failed (code {code}): {last}")
    queue.tried[row] += len(batch) == 1
    if queue.tried[row] < TRIES:
        queue.again.extend(batch)
        return []
    return [Answer(row, UNREADABLE, f"it crashes the decoder ({signal.Signals(-code).name})")]


def _stop(process: subprocess.Popen, kill: bool = True) -> None:
    if kill:
        process.kill()
    process.wait()
    for pipe in (process.stdin, process.stdout):
        if pipe is not None:
            pipe.close()
