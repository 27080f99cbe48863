"""evaluation.md: an external evaluation in tables that a person reads, from its record."""

from collections.abc import Iterator
from typing import Any

from clrx.metrics.weighted import HALF

SHOWN = ("auroc", "recall", "specificity", "balanced_accuracy")  # of subgroups


def page(record: dict[str, Any]) -> str:
    """The Markdown page of an evaluation's record (evaluation.json)."""
    parts = [_head(record), _drops(record), _subgroups(record), _calibration(record), _predictive(record)]
    return "\n".join(line for part in parts for line in part) + "\n"


def _head(record: dict[str, Any]) -> Iterator[str]:
    yield f"# External evaluation on {record['dataset']}"
    yield ""
    yield f"- Network: {record['network']}, trained on {record['trained_on']}"
    yield f"- Images: {record['images']} of {record['patients']} patients"
    yield f"- Threshold {record['threshold']:.6g}, frozen: {record['threshold_rule']}"
    yield f"- Patients of the training set: {record['seen']['note']} ({record['seen']['action']})"
    yield from (f"- {note}" for note in record["notes"])
    yield ""


def _drops(record: dict[str, Any]) -> Iterator[str]:
    yield f"## Metrics, {record['level']:.0%} intervals over whole patients"
    yield ""
    yield "| metric | external | interval | own test | difference | interval |"
    yield "|---|---|---|---|---|---|"
    for name, entry in record["metrics"].items():
        if not name.endswith(HALF):
            drop = record["drop"].get(name, {})
            cells = [number(entry["value"]), span(entry), number(drop.get("own"))]
            yield f"| {name} | {' | '.join(cells)} | {number(drop.get('difference'), '+')} | {span(drop, '+')} |"
    yield ""


def _subgroups(record: dict[str, Any]) -> Iterator[str]:
    if not record["subgroups"]:
        return
    names = [name for name in SHOWN if name in record["metrics"]]
    yield "## Subgroups"
    yield ""
    yield f"| column | value | images | patients | positive | {' | '.join(names)} | |"
    yield "|---" * (6 + len(names)) + "|"
    for row in record["subgroups"]:
        cells = [f"{number(row['metrics'][name]['value'])} ({span(row['metrics'][name])})" for name in names]
        counts = f"{row['images']} | {row['patients']} | {', '.join(map(str, row['positives']))}"
        mark = "small: not to be relied on" if row["small"] else ""
        yield f"| {row['column']} | {row['value']} | {counts} | {' | '.join(cells)} | {mark} |"
    yield ""


def _calibration(record: dict[str, Any]) -> Iterator[str]:
    found = record["calibration"]
    yield "## Calibration"
    yield ""
    yield "| | expected calibration error | Brier score | log loss |"
    yield "|---|---|---|---|"
    for name in ("before", "after"):
        if (part := found[name]) is not None:
            title = (
                "as scored"
                if name == "before"
                else f"temperature {found['temperature']:.3f}, of own validation"
            )
            yield f"| {title} | {number(part['error'])} | {number(part['brier'])} | {number(part['log_loss'])} |"
    yield ""
    for name, curve in found["decision_curves"].items():
        better = [row["threshold"] for row in curve if row["net_benefit"] > max(0.0, row["all"])]
        where = f"from {min(better):.2f} to {max(better):.2f}" if better else "at no threshold"
        yield f"Decision curve, {name}: deciding by the score is worth more than calling all or nobody {where}."
    yield ""


def _predictive(record: dict[str, Any]) -> Iterator[str]:
    if found := record["predictive_values"]:
        yield f"At a prevalence of {found['prevalence']:g}:"
        for name in ("positive", "negative"):
            yield f"{name} predictive value {number(found[name]['value'])} ({span(found[name])})."
        yield ""


def number(value: float | None, sign: str = "") -> str:
    """Four digits behind the point, or a dash."""
    return "-" if value is None else f"{value:{sign}.4f}"


def span(entry: dict[str, Any], sign: str = "") -> str:
    """An interval in words, or a dash."""
    if entry.get("low") is None:
        return "-"
    return f"{entry['low']:{sign}.4f} to {entry['high']:{sign}.4f}"
