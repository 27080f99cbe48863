"""Trackers get each recorded number once, whenever they are fed."""

import importlib.util
from pathlib import Path

import pytest

from clrx.core.errors import UserError
from clrx.run import trackers as tracking
from clrx.run.trackers import require_logger, track

EPOCHS = "phase,epoch,train_loss,val_auroc,lr,seconds\n"
STEPS = "step,epoch,lr,momentum,loss\n"


@pytest.fixture
def run(tmp_path) -> Path:
    path = tmp_path / "run"
    path.mkdir()
    (path / "run.json").write_text('{"state": "running", "started": "2025-01-01T00:00:00+00:00"}')
    (path / "config.yaml").write_text("seed: 3\nbounds:\n  max_lr: 0.1\n")
    grow(path, 1)
    return path


def grow(path: Path, epochs: int) -> None:
    """Records of so many epochs of two steps: loss 1/epoch, AUROC missing in the first, 10 s an epoch."""
    rows = [f"main,{k},{1 / k},{'' if k == 1 else 0.5 + k / 100},0.1,10.0\n" for k in range(1, epochs + 1)]
    (path / "epochs.csv").write_text(EPOCHS + "".join(rows))
    (path / "steps.csv").write_text(STEPS + "".join(f"{k},{k / 2},0.1,,{k}.5\n" for k in range(2 * epochs)))


def conclude(path: Path) -> None:
    (path / "metrics.json").write_text('{"test": {"auroc": {"value": 0.75}, "f1": {"value": null}}}')


@pytest.mark.parametrize("name", ["tensorboard", "mlflow"])
def test_a_missing_package_is_named_with_its_extra_before_anything_is_trained(name, monkeypatch):
    monkeypatch.setattr(tracking, "find_spec", lambda package: None)
    with pytest.raises(UserError, match=name) as refusal:
        require_logger(name)
    assert f"pip install 'clrx[{name}]'" in refusal.value.fix


def test_an_unknown_tracker_is_refused_with_the_nearest_name():
    with pytest.raises(UserError) as refusal:
        require_logger("tensorbord")
    assert "tensorboard" in refusal.value.fix


def test_no_tracker_leaves_nothing_behind(run):
    before = sorted(run.iterdir())
    track(run, "none")
    assert sorted(run.iterdir()) == before


def test_each_row_is_given_once_also_after_a_resume_that_cut_the_records_back(run, monkeypatch):
    given = []
    monkeypatch.setattr(tracking, "find_spec", lambda package: True)
    take = lambda run, points, results, identity: given.append((points, results))  # noqa: E731
    monkeypatch.setitem(tracking.WRITERS, "tensorboard", take)
    for epochs in (1, 2, 1, 2, 3):
        grow(run, epochs)
        track(run, "tensorboard")
    conclude(run)
    track(run, "tensorboard")
    track(run, "tensorboard")
    names = [(point.name, point.step) for points, _ in given for point in points]
    assert len(names) == len(set(names))
    assert [n for n in names if n[0] == "epoch/train_loss"] == [("epoch/train_loss", k) for k in (1, 2, 3)]
    assert [n for n in names if n[0] == "epoch/val_auroc"] == [("epoch/val_auroc", k) for k in (2, 3)]
    assert [n[1] for n in names if n[0] == "step/loss"] == [0, 1, 2, 3, 4, 5]
    assert [results for _, results in given if results] == [{"test/auroc": 0.75}]


def needs(package: str) -> None:
    if importlib.util.find_spec(package) is None:
        pytest.skip(f"{package} is not installed (pip install 'clrx[{package}]')")


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")  # the packages' own
def test_tensorboard_reads_back_what_was_recorded(run):
    needs("tensorboard")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    for epochs in (1, 2, 3):
        grow(run, epochs)
        track(run, "tensorboard")
    conclude(run)
    track(run, "tensorboard")
    events = [scalars(file, EventAccumulator) for file in sorted((run / "tensorboard").glob("events*"))]
    losses = sorted(point for found in events for point in found.get("epoch/train_loss", []))
    assert losses == [(1, 1.0), (2, 0.5), (3, pytest.approx(1 / 3))]
    assert [point for found in events for point in found.get("test/auroc", [])] == [(3, 0.75)]


def scalars(file: Path, reader) -> dict[str, list[tuple[int, float]]]:
    events = reader(str(file))
    events.Reload()
    return {name: [(e.step, e.value) for e in events.Scalars(name)] for name in events.Tags()["scalars"]}


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")  # the packages' own
def test_mlflow_reads_back_what_was_recorded(run, tmp_path, monkeypatch):
    needs("mlflow")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path / 'mlflow.db'}")
    monkeypatch.setenv("MLFLOW_EXPERIMENT_NAME", "of a test")
    monkeypatch.chdir(tmp_path)
    from mlflow.tracking import MlflowClient

    for epochs in (1, 2, 3):
        grow(run, epochs)
        track(run, "mlflow")
    conclude(run)
    track(run, "mlflow")
    client = MlflowClient()
    (found,) = client.search_runs([client.get_experiment_by_name("of a test").experiment_id])
    assert found.info.status == "FINISHED"
    assert found.data.params["bounds.max_lr"] == "0.1"
    assert found.data.metrics["test/auroc"] == 0.75
    losses = client.get_metric_history(found.info.run_id, "epoch/train_loss")
    assert [(m.step, m.value) for m in losses] == [(1, 1.0), (2, 0.5), (3, pytest.approx(1 / 3))]
    assert losses[1].timestamp - losses[0].timestamp == 10_000  # milliseconds
