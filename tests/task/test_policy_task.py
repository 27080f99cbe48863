"""`clrx policy` as a user runs it: the papers' figures, policies side by side, and mistakes."""

import csv
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

from clrx.cli.main import run

CONF = Path(__file__).parents[2] / "conf"


@pytest.fixture
def policy(tmp_path, monkeypatch):
    """Runs `clrx policy` with these overrides; returns its exit code and its directory."""
    monkeypatch.chdir(tmp_path)

    def command(*overrides: str) -> tuple[int, Path]:
        place = tmp_path / "run"
        return run(["policy", "dataset=chestxray14", f"hydra.run.dir={place}", *overrides]), place

    return command


def read_columns(path: Path) -> dict[str, list[float]]:
    with path.open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    return {name: [float(row[name]) for row in rows] for name in rows[0]}


def slow(*case):
    return pytest.param(*case, marks=pytest.mark.slow)


@pytest.mark.everyday(1)
@pytest.mark.parametrize(
    ("figure", "name", "steps", "expected"),
    [
        # 36 epochs of 541 batches, peaks of 0.03 at 2, 6, ..., 34 and 0.0075 between them
        slow("chopade2021_4", "triangular", 19476, {0: 0.0075, 1082: 0.03, 2164: 0.0075, 541 * 34: 0.03}),
        # 42 epochs: the peaks named in section A5, and the start of the second and third round
        (
            "chopade2021_5",
            "modified_triangular2",
            22722,
            {1082: 0.03, 541 * 6: 0.01875, 541 * 10: 0.013125, 541 * 14: 0.03, 541 * 26: 0.03},
        ),
        # 12 epochs of 2000 iterations, 0.002 to 0.03 and back in 8000
        slow(
            "alyafi2019_1", "triangular", 24000, {0: 0.002, 4000: 0.03, 6000: 0.016, 8000: 0.002, 20000: 0.03}
        ),
        slow("alyafi2019_2", "triangular2", 24000, {4000: 0.03, 8000: 0.002, 12000: 0.016, 20000: 0.009}),
        # gamma ** 4000 = exp(4000 * ln 0.99994) = 0.786622, ** 12000 = 0.486740
        slow("alyafi2019_3", "exp_range", 24000, {0: 0.002, 4000: 0.0240254, 8000: 0.002, 12000: 0.0156287}),
        ("alyafi2019_6", "triangular", 1880, {0: 0.002, 470: 0.009, 940: 0.016, 1410: 0.023}),
    ],
)
def test_figure_of_a_paper(policy, figure, name, steps, expected):
    code, place = policy(f"figure={figure}")
    assert code == 0
    columns = read_columns(place / "policy.csv")
    assert list(columns) == ["step", "epoch", name]
    assert len(columns["step"]) == steps
    assert [columns[name][step] for step in expected] == pytest.approx(list(expected.values()), rel=1e-5)
    with Image.open(place / "policy.png") as picture:
        assert picture.size == (1000, 640)


@pytest.mark.slow
def test_all_policies_side_by_side(blank_pictures, policy, capsys):
    code, place = policy("figure=all", "steps_per_epoch=20")
    assert code == 0
    columns = read_columns(place / "policy.csv")
    known = {path.stem for path in (CONF / "policy").glob("*.yaml")}
    assert set(columns) == known | {"step", "epoch", "momentum"}
    assert all(len(values) == 15 * 20 for values in columns.values())
    assert columns["momentum"][30] == pytest.approx(0.85)
    assert columns["triangular"][30] == pytest.approx(0.03)
    shown = capsys.readouterr().out
    assert all(name in shown for name in known)
    assert "warning" not in shown


def test_issue_example_warns_of_the_unfinished_cycle(blank_pictures, policy, capsys):
    code, place = policy("policy=sgdr", "epochs=30", "policy.T_0=1")
    shown = capsys.readouterr().out
    assert code == 0
    assert "warning: sgdr" in shown
    assert "epochs=15 or epochs=31" in shown
    assert shown.count("cycle ends") == 4  # after 1, 3, 7 and 15 epochs
    assert str(place) in shown.replace("\n", "")


def test_named_policies_and_an_override_of_the_chosen_one(policy, tmp_path):
    chosen = ["policy=sgdr", "policy.T_0=4", "policy.T_mult=1", "epochs=8"]
    code, place = policy(*chosen, "compare=[triangular]", f"picture={tmp_path}/docs/two.svg")
    assert code == 0
    assert (tmp_path / "docs/two.svg").read_text().startswith("<?xml")
    columns = read_columns(place / "policy.csv")
    assert list(columns) == ["step", "epoch", "sgdr", "triangular"]
    assert [step for step, lr in enumerate(columns["sgdr"]) if lr == max(columns["sgdr"])] == [0, 400]


@pytest.mark.everyday(5)
@pytest.mark.parametrize(
    ("overrides", "said"),
    [
        (["compare=[sgd]"], "there is no policy 'sgd'"),
        (["compare=[sgd]"], "did you mean sgdr"),
        (["policy=triangluar"], "did you mean triangular"),
        (["epochs=0"], "epochs=0"),
        (["steps_per_epoch=1.5"], "steps_per_epoch=1.5"),
        (["bounds.base_lr=1"], "bounds.max_lr"),
        (["bounds.max_lr=-1"], "bounds.max_lr=-1"),
        (["lr=nan", "policy=constant"], "lr=nan"),
        (["figure=chopade2021_7"], "there is no figure 'chopade2021_7'"),
        (["picture=policies.jpeg"], ".png, .svg or .pdf"),
    ],
)
def test_mistake(policy, capsys, overrides, said):
    code, place = policy(*overrides)
    shown = capsys.readouterr().err
    assert code == 2
    assert said in shown
    assert "Traceback" not in shown
    assert not place.exists()


def test_torch_is_not_imported():
    names = sorted(path.stem for path in (CONF / "policy").glob("*.yaml"))
    modules = ", ".join(["clrx.cli.main", "clrx.task.policy", *(f"clrx.policy.{name}" for name in names)])
    script = f"import sys, {modules}; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", script]).returncode == 0
