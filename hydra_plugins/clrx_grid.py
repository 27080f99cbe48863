"""Where Hydra looks for sweepers: the grid of values. Kept light: Hydra imports this at every start."""

from collections.abc import Iterator, Sequence

from hydra._internal.core_plugins.basic_sweeper import BasicSweeper


class Grid(BasicSweeper):
    """`hydra/sweeper=grid`: Hydra's basic sweeper, which composes every combination before the first one runs; it
    takes a seventh of a second each. Here so many are composed that a mistake in any value is found."""

    def validate_batch_is_legal(self, batch: Sequence[Sequence[str]]) -> None:
        super().validate_batch_is_legal(list(covering(batch)))


def covering(batch: Sequence[Sequence[str]]) -> Iterator[Sequence[str]]:
    """Those of the combinations that have a word which none before them has."""
    seen: set[str] = set()
    for words in batch:
        if not seen.issuperset(words):
            seen.update(words)
            yield words
