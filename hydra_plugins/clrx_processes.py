"""Where Hydra looks for launchers: the one that runs a sweep as processes of this machine. Kept light: Hydra
imports this at every start."""

from collections.abc import Sequence
from typing import Any

from hydra.core.utils import JobReturn
from hydra.plugins.launcher import Launcher
from omegaconf import DictConfig


class Processes(Launcher):
    """`hydra/launcher=processes`: every run in a process of its own, `workers` at a time (clrx.sweep.pool)."""

    def __init__(self, workers: int = 1) -> None:
        self.workers = workers

    def setup(self, *, hydra_context: Any, task_function: Any, config: DictConfig) -> None:
        self.config = config
        self.load = hydra_context.config_loader.load_sweep_config

    def launch(self, job_overrides: Sequence[Sequence[str]], initial_job_idx: int) -> Sequence[JobReturn]:
        """Run the jobs; what each returns to the sweeper is its metric of selection on validation."""
        from clrx.sweep.pool import run_batch

        return run_batch(self.config, self.load, [list(words) for words in job_overrides], self.workers)
