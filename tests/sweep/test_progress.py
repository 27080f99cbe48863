"""What a sweep's screen says of a run, read from files written here by hand."""

import json
from pathlib import Path

import pytest
from rich.console import Console

from clrx.sweep import progress
from clrx.sweep.job import Job

CONFIG = "selection_metric: auto\nplan:\n  phases:\n  - epochs: 3\n  - epochs: 2\n"
EPOCH = "{},0.7{},{}\n"


def job_with(folder: Path, state: str = "", epochs: int = 0, seconds: float = 0, error: str = "") -> Job:
    """A run of 5 epochs in two phases, of which `epochs` are done at `seconds` each; no state: not started."""
    job = Job("seed=0", ("seed=0",), folder)
    if state:
        job.path.mkdir()
        (job.path / "run.json").write_text(json.dumps({"state": state, "task": "binary", "error": error}))
        (job.path / "config.yaml").write_text(CONFIG)
        rows = "".join(EPOCH.format(k, k, seconds) for k in range(1, epochs + 1))
        (job.path / "epochs.csv").write_text("epoch,val_auroc,seconds\n" + rows)
    return job


@pytest.mark.parametrize(
    ("facts", "running", "row"),
    [
        ({}, False, ("waiting", "", "", "")),
        ({"state": "running"}, True, ("running", "", "", "")),
        ({"state": "running", "epochs": 2, "seconds": 25}, True,
         ("running", "epoch 2/5", "val_auroc 0.7200", "1:15 left")),  # 3 epochs of 25 s
        ({"state": "running", "epochs": 5, "seconds": 25}, True,
         ("running", "epoch 5/5", "val_auroc 0.7500", "evaluating on test")),
        ({"state": "complete", "epochs": 5, "seconds": 1}, False, ("complete", "", "val_auroc 0.7500", "")),
        ({"state": "failed", "error": "no paper\nat all"}, False, ("failed", "", "", "no paper")),
    ],
)  # fmt: skip
def test_a_line_says_how_far_a_run_is(tmp_path, facts, running, row):
    assert progress.row_of(job_with(tmp_path, **facts), running) == ("seed=0", *row)


@pytest.mark.parametrize(
    ("seconds", "text"), [(59.4, "59 s"), (60, "1:00"), (3605, "1:00:05"), (7384, "2:03:04")]
)
def test_durations(seconds, text):
    assert progress.duration(seconds) == text


def test_a_small_terminal_shows_what_runs_and_the_totals(tmp_path, monkeypatch):
    """30 runs on 12 lines: the one that runs is among those shown, the totals below them."""
    terminal = Console(force_terminal=True, width=60, height=12, color_system=None)
    monkeypatch.setattr(progress, "console", terminal)
    jobs = [Job(f"policy=modified_triangular2_seed={seed}", (), tmp_path) for seed in range(30)]
    with progress.open_progress(jobs, workers=1) as shown:
        shown.refresh([jobs[29]])
    assert shown.live is not None
    drawn = terminal.render_lines(shown.live.renderable)
    lines = ["".join(part.text for part in line) for line in drawn]
    assert len(lines) < 12
    assert "seed=29" in lines[0]
    assert "running" in lines[0]
    assert "0 of 30 complete" in lines[-1]
