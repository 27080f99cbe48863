"""The search with Optuna: its space, seeds as repetitions, and going on where it was broken off."""

import json

import pytest
from omegaconf import OmegaConf

from clrx.core.errors import UserError

pytest.importorskip("optuna")

from clrx.sweep.search import Setting, search, space_of

WORDS = [
    "lr=tag(log,interval(0.0001,0.1))",
    "batch_size=interval(4,64)",
    "policy=sgdr,step",
    "seed=3,4",
    "a=1",
]


def setting(place, trials: int, at_a_time: int = 1) -> Setting:
    config = {"hydra": {"sweep": {"dir": str(place)}}, "selection_metric": "loss"}
    return Setting(OmegaConf.create(config), trials, at_a_time, seed=0)


def worth(words: list[str]) -> float:
    """A loss that is least at lr = 0.01, with a part of the seed's own."""
    values = dict(word.split("=") for word in words)
    return abs(float(values["lr"]) - 0.01) + int(values["seed"])


def test_the_space_of_the_words():
    space = space_of(WORDS)
    assert space.fixed == ["a=1"]
    assert space.seeds == ["seed=3", "seed=4"]
    assert (space.open["lr"].low, space.open["lr"].high, space.open["lr"].log) == (0.0001, 0.1, True)
    assert (space.open["batch_size"].low, space.open["batch_size"].high) == (4, 64)
    assert space.open["policy"].choices == ("sgdr", "step")


@pytest.mark.parametrize(
    "words", [["seed=0,1"], ["lr=0.1"], ["lr=interval(1,0.5)"], ["seed=interval(0,1)", "lr=1,2"]]
)
def test_what_cannot_be_searched(words):
    with pytest.raises(UserError):
        space_of(words)


def test_a_search_that_is_broken_off_finishes_what_it_began(tmp_path):
    batches: list[list[list[str]]] = []

    def run(batch: list[list[str]], first: int) -> list[float]:
        batches.append(batch)
        if len(batches) == 2:
            raise KeyboardInterrupt
        return [worth(words) for words in batch]

    with pytest.raises(KeyboardInterrupt):
        search(setting(tmp_path, 6, at_a_time=2), WORDS, run)
    search(setting(tmp_path, 6, at_a_time=2), WORDS, run)
    assert [len(batch) for batch in batches] == [4, 4, 4, 4]  # two settings with two seeds each
    assert batches[1] == batches[2], "the same runs, so that they are continued in their directories"
    record = json.loads((tmp_path / "search.json").read_text())
    trials = record["trials"]
    assert [trial["state"] for trial in trials] == ["complete"] * 6
    assert len({trial["settings"]["lr"] for trial in trials}) == 6
    expected = {t["number"]: abs(t["settings"]["lr"] - 0.01) + 3.5 for t in trials}
    assert {t["number"]: t["value"] for t in trials} == pytest.approx(expected)
    assert record["best"] == min(expected, key=expected.get)
    search(setting(tmp_path, 6), WORDS, lambda batch, first: pytest.fail("nothing is left to try"))


def test_a_setting_with_a_failed_run_has_no_value(tmp_path):
    search(setting(tmp_path, 2), WORDS, lambda batch, first: [float("nan"), 1.0])
    record = json.loads((tmp_path / "search.json").read_text())
    assert [trial["state"] for trial in record["trials"]] == ["fail"] * 2
    assert record["best"] is None
