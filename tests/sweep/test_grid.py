"""Which combinations of a grid are composed before the first run."""

from itertools import product

import pytest

from hydra_plugins.clrx_grid import covering


@pytest.mark.parametrize(
    ("lists", "composed"),
    [
        ([["a=1"]], ["a=1"]),
        # 4 policies x 3 seeds: the first policy with each seed, then each other policy once
        ([["p=a", "p=b", "p=c", "p=d"], ["s=0", "s=1", "s=2"]],
         ["p=a s=0", "p=a s=1", "p=a s=2", "p=b s=0", "p=c s=0", "p=d s=0"]),
        ([["p=a", "p=b"], ["r=1"], ["s=0"]], ["p=a r=1 s=0", "p=b r=1 s=0"]),
    ],
)  # fmt: skip
def test_every_value_is_in_a_combination_that_is_composed(lists, composed):
    batch = [list(words) for words in product(*lists)]
    assert [" ".join(words) for words in covering(batch)] == composed
