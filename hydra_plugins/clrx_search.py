"""Where Hydra looks for sweepers: the search with Optuna. Kept light: Hydra imports this at every start."""

from typing import Any

from hydra.core.plugins import Plugins
from hydra.plugins.sweeper import Sweeper
from omegaconf import DictConfig


class Search(Sweeper):
    """`hydra/sweeper=optuna`, in short `search=optuna`: clrx.sweep.search on any launcher."""

    def __init__(self, trials: int, at_a_time: int, seed: int, params: dict[str, str]) -> None:
        self.trials, self.at_a_time, self.seed, self.params = trials, at_a_time, seed, params

    def setup(self, *, hydra_context: Any, task_function: Any, config: DictConfig) -> None:
        self.config, self.hydra_context = config, hydra_context
        self.launcher = Plugins.instance().instantiate_launcher(
            hydra_context=hydra_context, task_function=task_function, config=config
        )

    def sweep(self, arguments: list[str]) -> Any:
        """Search until `trials` settings have been tried."""
        from clrx.sweep.search import Setting, search

        assert self.config is not None
        words = [*(f"{key}={value}" for key, value in self.params.items()), *arguments]
        setting = Setting(self.config, self.trials, self.at_a_time, self.seed)
        return search(setting, words, self._run)

    def _run(self, batch: list[list[str]], first: int) -> list[float]:
        assert self.launcher is not None
        self.validate_batch_is_legal(batch)
        return [done.return_value for done in self.launcher.launch(batch, initial_job_idx=first)]
