"""Trackers that people already use, fed from a run's own records: `logger=tensorboard`, `logger=mlflow`.

The records stay the truth. tracker.json in the run directory counts the rows that a tracker has been given,
so that `track` may be called after each epoch, at the end, or after a resume, and gives each row once.
"""

import math
import os
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd

from clrx.core.errors import UserError, did_you_mean
from clrx.core.files import read_json, write_json
from clrx.run.read import Record, read_run

LOGGERS = ("tensorboard", "mlflow")  # each is also the name of its package and of clrx's extra
BATCH = 1000  # metrics that MLflow takes at once; 100 is its limit for parameters
TOO_LONG = 500  # letters of a parameter's value that MLflow keeps


class Point(NamedTuple):
    """One number of a run: `time` in seconds since the run's first step, `step` its place on the x axis."""

    name: str
    step: int
    value: float
    time: float


def require_logger(logger: str) -> None:
    """Raise UserError where a tracker is unknown or its package is not installed; nothing is imported."""
    if logger == "none":
        return
    if logger not in LOGGERS:
        allowed = ", ".join(("none", *LOGGERS))
        raise UserError(f"logger={logger} is unknown", where="logger", allowed=allowed,
                        fix=did_you_mean(logger, LOGGERS))  # fmt: skip
    if find_spec(logger) is None:
        fix = f"pip install 'clrx[{logger}]', or logger=none"
        raise UserError(f"logger={logger} needs the package {logger}", where="logger", fix=fix)


def track(path: Path, logger: str) -> None:
    """Give a tracker what a run's records hold and it has not been given: steps, epochs, then test metrics.

    TensorBoard's files go to `path`/tensorboard; MLflow's run to MLFLOW_TRACKING_URI, in the experiment
    MLFLOW_EXPERIMENT_NAME (`clrx` where that is not set). UserError as `require_logger`.
    """
    require_logger(logger)
    if logger == "none":
        return
    run, noted = read_run(path), _noted(path, logger)
    fresh = list(_new_points(run, noted))
    results = {} if noted.get("results") else _results(run)
    if fresh or results:
        noted["id"] = WRITERS[logger](run, fresh, results, noted.get("id"))
    rows = {"steps": len(run.steps), "epochs": len(run.epochs)}
    noted |= {name: max(noted[name], count) for name, count in rows.items()}
    noted["results"] = noted["results"] or bool(results)
    write_json(path / "tracker.json", noted)


def _noted(path: Path, logger: str) -> dict[str, Any]:
    """What the tracker has been given; nothing where another one was fed before."""
    file = path / "tracker.json"
    noted = read_json(file) if file.exists() else {}
    if noted.get("logger") == logger:
        return noted
    return {"logger": logger, "steps": 0, "epochs": 0, "results": False}


def _new_points(run: Record, noted: dict[str, Any]) -> Iterator[Point]:
    """Rows of epochs.csv by epoch, and of steps.csv by optimizer step, that come after the noted ones."""
    ends = run.epochs["seconds"].cumsum().tolist() if "seconds" in run.epochs else [0.0]
    for row in run.epochs.iloc[noted["epochs"] :].to_dict("records"):
        epoch = int(row.pop("epoch"))
        yield from _points("epoch", row, epoch, ends[epoch - 1])
    for row in run.steps.iloc[noted["steps"] :].to_dict("records"):
        step, epoch = int(row.pop("step")), int(row.pop("epoch"))
        yield from _points("step", row, step, ends[min(epoch, len(ends) - 1)])


def _points(prefix: str, row: dict[Any, Any], step: int, time: float) -> Iterator[Point]:
    for name, value in row.items():
        if isinstance(value, int | float) and math.isfinite(value):
            yield Point(f"{prefix}/{name}", step, float(value), time)


def _results(run: Record) -> dict[str, float]:
    """Test metrics by name; none before the run is concluded."""
    test = run.metrics.get("test") or {}
    return {
        f"test/{name}": float(entry["value"]) for name, entry in test.items() if entry["value"] is not None
    }


def _to_tensorboard(run: Record, points: list[Point], results: dict[str, float], _: str | None) -> None:
    from torch.utils.tensorboard import SummaryWriter

    start = _start(run)
    with SummaryWriter(str(run.path / "tensorboard")) as writer:
        for point in points:
            writer.add_scalar(point.name, point.value, point.step, walltime=start + point.time)
        for name, value in results.items():
            writer.add_scalar(name, value, len(run.epochs))
        if results:
            writer.add_text("config", "\n".join(f"    {key}: {value}" for key, value in run.settings.items()))


def _to_mlflow(run: Record, points: list[Point], results: dict[str, float], identity: str | None) -> str:
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")  # nothing about a run leaves unasked
    from mlflow.entities import Metric, Param
    from mlflow.tracking import MlflowClient

    client, start = MlflowClient(), _start(run)
    if identity is None:
        created = client.create_run(_experiment(client), run_name=run.name, start_time=int(1000 * start))
        identity = created.info.run_id
        settings = [Param(key, value[:TOO_LONG]) for key, value in run.settings.items()]
        _in_parts(settings, 100, lambda part: client.log_batch(identity, params=part))
    end = max((point.time for point in points), default=0.0)
    points = points + [Point(name, len(run.epochs), value, end) for name, value in results.items()]
    metrics = [Metric(p.name, p.value, int(1000 * (start + p.time)), p.step) for p in points]
    _in_parts(metrics, BATCH, lambda part: client.log_batch(identity, metrics=part))
    if results:
        client.set_terminated(identity, "FINISHED")
    return identity


def _in_parts(items: list[Any], size: int, send: Callable[[list[Any]], Any]) -> None:
    for first in range(0, len(items), size):
        send(items[first : first + size])


def _experiment(client: Any) -> str:
    name = os.environ.get("MLFLOW_EXPERIMENT_NAME", "clrx")
    found = client.get_experiment_by_name(name)
    return found.experiment_id if found else client.create_experiment(name)


def _start(run: Record) -> float:
    """Seconds since 1970 at which the run was started."""
    return pd.Timestamp(run.facts["started"]).timestamp()


WRITERS = {"tensorboard": _to_tensorboard, "mlflow": _to_mlflow}
