"""The words of `clrx report`."""

from pathlib import Path

import pytest

from clrx.cli.main import run
from clrx.core.errors import UserError
from clrx.task.report import read_arguments


def test_directories_and_options(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("policy=constant,seed=0").mkdir()
    words = [
        "policy=constant,seed=0",
        "a",
        "baseline=triangular, lr=0.1",
        "target=0.79",
        "force=true",
        "out=there",
    ]
    paths, options = read_arguments(words)
    assert paths == [Path("policy=constant,seed=0"), Path("a")]
    assert options == {
        "baseline": "triangular, lr=0.1",
        "target": 0.79,
        "force": True,
        "out": Path("there"),
    }


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["a", "metrik=auroc"], "did you mean metric?"),
        (["a", "target=79%"], "0.79, not 79%"),
        (["a", "target=nan"], "no number"),
        (["a", "force=yes"], "true, false"),
        (["metric=auroc"], "which runs?"),
    ],
)
def test_mistakes(words, said):
    with pytest.raises(UserError) as refusal:
        read_arguments(words)
    assert said in str(refusal.value)


@pytest.mark.parametrize(("words", "code"), [([], 2), (["--help"], 0), (["missing"], 2), (["x=1"], 2)])
def test_exit_codes(words, code, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert run(["report", *words]) == code
    assert "Traceback" not in capsys.readouterr().err
