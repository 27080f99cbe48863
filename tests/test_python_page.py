"""Each example of docs/python.md runs, in its order, in one process and an empty directory."""

import re
from pathlib import Path

import pytest
import torch

import clrx
from clrx.policy.triangular import Triangular

PAGE = Path(__file__).parents[1] / "docs" / "python.md"
EXAMPLES = re.findall(r"```python\n(.*?)```", PAGE.read_text(), flags=re.DOTALL)


@pytest.fixture
def here(tmp_path, monkeypatch, common_cache, blank_pictures):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CLRX_CACHE", str(common_cache))
    threads = torch.get_num_threads()
    yield tmp_path
    torch.set_num_threads(threads)


def test_each_example_runs(here):
    names: dict = {}
    for example in EXAMPLES:
        exec(compile(example, str(PAGE), "exec"), names)
    assert names["run"].state == "complete"
    assert len(names["run"].epochs) == 2
    assert 0 <= float(names["probability"]) <= 1
    assert names["policy"](clrx.Progress(200, 2.0, 0.5)) == pytest.approx(0.006)
    assert isinstance(names["found"]["verdict"]["word"], str)


def test_the_network_scores_as_the_run_did(here):
    """The recorded scores of test images come out again of the weights and what the run directory says of them."""
    words = ("model=cnn4", "epochs=1", "dataset.images=400", "dataset.size=16", "threads=1")
    run = clrx.train(*words, directory="run", figures=False)
    assert clrx.load_run("run").predictions.equals(run.predictions)
    best, last = run.network(), run.network("last")
    assert not best.training
    assert {name: tensor.shape for name, tensor in best.state_dict().items()} == {
        name: tensor.shape for name, tensor in last.state_dict().items()
    }
    with pytest.raises(clrx.UserError, match="no weights 'worst'"):
        run.network("worst")


def test_every_public_name_is_there_and_on_the_page():
    for name in clrx.__all__:
        assert getattr(clrx, name) is not None
        assert f"`{name}" in PAGE.read_text()
    assert isinstance(Triangular(0.1, 0.2, 1)(clrx.Progress(0, 0.0, 0.0)), float)
    with pytest.raises(AttributeError, match="no attribute 'Trainer'"):
        clrx.Trainer  # noqa: B018


def test_a_directory_without_a_run_is_said(tmp_path):
    with pytest.raises(clrx.UserError, match="not the directory of a run"):
        clrx.load_run(tmp_path)
