"""Published numbers beside ours. An experiment's YAML carries them in its list `published`:

    published:
      - metric: accuracy                      # what the number is, as below
        value: 0.7983                         # a share (0.7983, not 79.83), seconds or epochs
        std: 0.0042                           # the paper's own standard deviation over runs, where it has one
        source: Chopade 2021, Table 7         # paper and table
        match: {policy: triangular}           # configurations it belongs to; left out: all of the experiment
        differs: the paper split by image     # why it cannot be compared, where that is so; or left out
        target: 0.7926                        # with metric: epochs_to_target alone

`match` holds choices (policy, disease, model, ...) or dotted keys of the configuration, with their values.
`metric` is a metric of the test set (auroc, accuracy, recall, ...; f1_at_0.5 and the like where the paper chose no
threshold), a column of epochs.csv at the last epoch
(val_accuracy, train_accuracy, ...), or one of: epochs, epochs_to_target, seconds, seconds_per_epoch.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from clrx.core.errors import UserError, did_you_mean
from clrx.data.source import UNLIKE
from clrx.report import results
from clrx.report.grouping import ABSENT, Group
from clrx.report.notices import scale_of
from clrx.run.read import Record, as_text

KEYS = ("metric", "value", "std", "source", "match", "differs", "target")
NEEDED = ("metric", "value", "source")
TIMES = ("seconds", "seconds_per_epoch")
LESS_IS_BETTER = (*TIMES, "epochs", "epochs_to_target", "val_loss", "train_loss", *results.LESS_IS_BETTER)


@dataclass(frozen=True)
class Published:
    """One number of a paper and the configurations that it belongs to."""

    metric: str
    value: float
    source: str
    match: dict[str, Any]
    differs: str = ""
    target: float | None = None
    std: float | None = None


def published_of(group: Group) -> list[Published]:
    """The published numbers that a group's experiment carries for its configuration."""
    run = group.runs[0]
    return [entry for node in run.config.get("published") or () if _matches(run, (entry := read(node)).match)]


def read(node: Any) -> Published:
    """One entry of the list; UserError for a key that is missing or unknown, or a value that is no number."""
    if not isinstance(node, dict):
        raise UserError(f"published: {node!r} is no entry", where="published", allowed=", ".join(KEYS))
    where = f"published: {node.get('source', node)}"
    if unknown := [str(key) for key in node if key not in KEYS]:
        fix = did_you_mean(unknown[0], KEYS)
        raise UserError(f"there is no key '{unknown[0]}'", where=where, allowed=", ".join(KEYS), fix=fix)
    if missing := [key for key in NEEDED if node.get(key) is None]:
        raise UserError(f"the key '{missing[0]}' is missing", where=where, fix=f"add {missing[0]}:")
    for key in ("value", "std"):
        number = node.get(key, 0)
        if isinstance(number, bool) or not isinstance(number, int | float):
            raise UserError(f"{key} {number!r} is no number", where=where, allowed="0.7983, not 79.83%")
    needs_target = node["metric"] == "epochs_to_target"
    if needs_target != (node.get("target") is not None):
        raise UserError("`target` goes with the metric epochs_to_target, and only with it", where=where)
    match = {str(key): value for key, value in (node.get("match") or {}).items()}
    differs, target = str(node.get("differs") or ""), node.get("target")
    value, source = float(node["value"]), str(node["source"])
    return Published(str(node["metric"]), value, source, match, differs, target, node.get("std"))


def _matches(run: Record, match: dict[str, Any]) -> bool:
    choices, settings = run.choices, run.settings
    wanted = dict(as_text(match)) if match else {}
    return all(str(choices.get(key, settings.get(key, ABSENT))) == value for key, value in wanted.items())


def ours(entry: Published, run: Record, curve: str) -> float | None:
    """The run's own number for a published one; None where it has none."""
    epochs = run.epochs
    if entry.metric == "epochs":
        return float(len(epochs)) or None
    if entry.metric in TIMES:
        total = float(epochs["seconds"].sum()) if len(epochs) else None
        return total if total is None or entry.metric == "seconds" else total / len(epochs)
    if entry.metric == "epochs_to_target":
        reached = np.flatnonzero(epochs[curve] >= entry.target) if len(epochs) else np.empty(0)
        return float(reached[0] + 1) if len(reached) else None
    if entry.metric in epochs and len(epochs):
        last = float(epochs[entry.metric].iloc[-1])
        return last if np.isfinite(last) else None
    return run.test(entry.metric)


def verdict(
    entry: Published, runs: Sequence[Record], mean: float | None, low: float | None, high: float | None
) -> str:
    """Within interval, better, worse, or not comparable and why. The interval is ours (95%)."""
    if why := _not_comparable(entry, runs, mean):
        return f"not comparable: {why}"
    assert mean is not None
    if low is None or high is None:
        return "no interval to judge by: one seed"
    if low <= entry.value <= high:
        return "within our interval"
    is_better = (mean < entry.value) if entry.metric in LESS_IS_BETTER else (mean > entry.value)
    return "better" if is_better else "worse"


def _not_comparable(entry: Published, runs: Sequence[Record], mean: float | None) -> str:
    unlike = next((str(why) for run in runs if (why := (run.facts.get("facts") or {}).get(UNLIKE))), "")
    reasons = [
        (not runs, "no complete run"),
        (any(run.facts.get("synthetic") for run in runs), "our images are synthetic"),
        (any(scale_of(run) < 1 for run in runs), "our runs are scaled down"),
        (bool(unlike), f"our images are {unlike}"),
        (bool(entry.differs), entry.differs),
        (entry.metric in TIMES, "another machine"),
        (mean is None, "we have no value"),
        (entry.value > 1 and mean is not None and 0 <= mean <= 1, "the published value is no share"),
    ]
    return "; ".join(reason for holds, reason in reasons if holds)
