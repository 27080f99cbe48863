"""The runs of a sweep as processes of this machine, some at a time, shared with any other sweep on the directory."""

import os
import signal
import subprocess
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any

from hydra.core.utils import JobReturn, JobStatus
from omegaconf import DictConfig

from clrx.core.errors import require_number
from clrx.core.lock import holder, is_held
from clrx.core.signals import Interrupted, listening
from clrx.run.read import state_of
from clrx.sweep.job import FINAL, Job, claimed, job_of, value_of
from clrx.sweep.process import Child, environment_of, record_end, start
from clrx.sweep.progress import SweepProgress, open_progress

TICK = 0.2  # seconds between two checks of the processes
Compose = Callable[[Job], DictConfig]


def run_batch(config: DictConfig, load: Callable, batch: list[list[str]], workers: int) -> list[JobReturn]:
    """Run the jobs of a Hydra sweeper to their end, `workers` at a time; each with its validation metric.

    `load` composes the configuration of one job from the sweep's and the job's overrides.
    """
    require_number(workers, "workers", least=1, whole=True)
    jobs = [job_of(config.hydra, words) for words in batch]
    words_of = dict(zip(jobs, batch, strict=True))
    run_jobs(jobs, config.hydra, lambda job: load(config, words_of[job]), workers)
    return [
        JobReturn(overrides=words, _return_value=value_of(job.path), status=JobStatus.COMPLETED)
        for job, words in words_of.items()
    ]


@dataclass
class Pool:
    """The jobs that wait and those that run here, by slot."""

    about: Any  # the `hydra` node
    compose: Compose
    progress: SweepProgress
    waiting: list[Job]
    running: dict[int, tuple[Child, ExitStack]] = field(default_factory=dict)


def run_jobs(jobs: Sequence[Job], about: Any, compose: Compose, workers: int) -> None:
    """Return when every job has reached its end, here or in another process that works on the same sweep.

    `about` is the `hydra` node of the sweep. Raises Interrupted when told to stop, after the runs have been told and
    have ended.
    """
    with listening(), open_progress(jobs, workers) as progress:
        pool = Pool(about, compose, progress, list(dict.fromkeys(jobs)))
        try:
            while pool.waiting or pool.running:
                _fill(pool, workers)
                progress.refresh([child.job for child, _ in pool.running.values()])
                _wait(pool)
                _reap(pool)
        except BaseException as error:
            is_ctrl_c = isinstance(error, Interrupted) and error.number == signal.SIGINT
            _stop(pool, signal.SIGINT if is_ctrl_c else signal.SIGTERM)  # the children hear no others
            raise


def _fill(pool: Pool, workers: int) -> None:
    """Start waiting jobs in the free slots; those that another process runs stay waiting."""
    for job in list(pool.waiting):
        slot = next((i for i in range(workers) if i not in pool.running), None)
        if (
            state_of(job.path) in FINAL
        ):  # whoever holds the claim: a sweep that is stopped may hold it for ever
            pool.waiting.remove(job)
            pool.progress.ended(job)
        elif slot is not None:
            _try(pool, job, slot, workers)


def _try(pool: Pool, job: Job, slot: int, workers: int) -> None:
    with ExitStack() as stack:
        claim = stack.enter_context(claimed(job.claim))
        lock = job.path / "lock"
        if claim is None or is_held(lock):
            pool.progress.waits(job, holder(job.claim if claim is None else lock))
            return
        if state_of(job.path) in FINAL:
            return
        pool.waiting.remove(job)
        child = start(job, pool.about, environment_of(slot, workers), claim)
        pool.running[slot] = (child, stack.pop_all())
        pool.progress.started(job)


def _wait(pool: Pool) -> None:
    """Wait TICK seconds, less when a run ends."""
    for child, _ in pool.running.values():
        try:
            child.process.wait(TICK / len(pool.running))
        except subprocess.TimeoutExpired:
            continue
        return
    if not pool.running and pool.waiting:
        time.sleep(TICK)


def _reap(pool: Pool) -> None:
    """Record the ends of the runs whose processes have ended."""
    for slot, (child, claim) in list(pool.running.items()):
        if child.process.poll() is not None:
            with claim:
                record_end(child, pool.compose)
            del pool.running[slot]
            pool.progress.ended(child.job)


def _stop(pool: Pool, number: int) -> None:
    """Pass the signal on and wait for the checkpoints that the runs write; a second signal does not wait."""
    for child, _ in pool.running.values():
        os.kill(child.process.pid, number)
    try:
        while pool.running:
            _wait(pool)
            _reap(pool)
    except Interrupted:
        for child, _ in pool.running.values():
            child.process.kill()
        raise
