"""Where Hydra looks for sweepers: the grid of values. Kept light: Hydra imports this at every start."""

from collections.abc import Iterator, Sequence

from hydra._internal.core_plugins.basic_sweeper import BasicSweeper


class Grid(BasicSweeper):
    """`hydra/sweeper=grid`: Hydra's basic sweeper, which composes every combination before the first one runs; it
    takes a seventh of a second each. Here so many are composed, and checked as `clrx train` checks its own, that a
    mistake in any value is found."""

    def validate_batch_is_legal(self, batch: Sequence[Sequence[str]]) -> None:
        """UserError for a value that a run could not use, before any run starts."""
        from clrx.config.compose import allow_own, plain_config
        from clrx.task.train import check_run

        allow_own(self.config.hydra)
        for words in covering(batch):
            one = plain_config(
                self.hydra_context.config_loader.load_sweep_config(self.config, list(words)), words
            )
            if self.config.hydra.runtime.choices["hydra/launcher"] != "processes":
                one.device = "auto"  # runs elsewhere may have devices that this machine lacks
            check_run(one)


def covering(batch: Sequence[Sequence[str]]) -> Iterator[Sequence[str]]:
    """Those of the combinations that have a word which none before them has."""
    seen: set[str] = set()
    for words in batch:
        if not seen.issuperset(words):
            seen.update(words)
            yield words
