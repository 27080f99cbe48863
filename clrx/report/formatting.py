"""How metrics, numbers, times and lists are written everywhere in a report."""

import math

from clrx.metrics.weighted import HALF

NOTHING = "–"


def metric_name(metric: str) -> str:
    """A metric of the test set, or a column of epochs.csv, as it is written in a sentence: validation AUROC."""
    part = "validation " if metric.startswith("val_") else "training " if metric.startswith("train_") else ""
    words = metric.removeprefix("val_").removeprefix("train_").replace(HALF, " at threshold 0.5")
    return part + words.replace("_", " ").replace("auroc", "AUROC").replace("f1", "F1")


def metric_title(metric: str) -> str:
    """A metric as it is written at the beginning of a sentence."""
    name = metric_name(metric)
    return name[:1].upper() + name[1:]


def shortened(label: str, most: int = 30) -> str:
    """A label that fits beside an axis."""
    return label if len(label) <= most else f"{label[: most - 1]}…"


def number(value: float | None, digits: int = 4) -> str:
    """A share or a loss: 0.8712; a dash for no value."""
    if value is None or not math.isfinite(value):
        return NOTHING
    return f"{value:.{digits}f}" if abs(value) < 1000 else f"{value:.4g}"


def signed(value: float | None, digits: int = 4) -> str:
    """A difference: +0.0123, −0.0045; exactly 0 is 0."""
    if value is None or not math.isfinite(value):
        return NOTHING
    return "0" if value == 0 else f"{value:+.{digits}f}".replace("-", "−")


def span(low: float | None, high: float | None, digits: int = 4) -> str:
    """An interval: 0.84 to 0.90; a dash for none."""
    if low is None or high is None or not (math.isfinite(low) and math.isfinite(high)):
        return NOTHING
    if low == high == 0:
        return "0 to 0"
    return f"{low:.{digits}f} to {high:.{digits}f}".replace("-", "−")


def p_value(value: float | None) -> str:
    """A p value: 0.032, < 0.0001; a dash for none."""
    if value is None or not math.isfinite(value):
        return NOTHING
    return "< 0.0001" if value < 1e-4 else f"{value:.2g}" if value < 0.1 else f"{value:.2f}"


def duration(seconds: float | None) -> str:
    """A time: 12.3 s, 4 min 05 s, 2 h 07 min; a dash for none."""
    if seconds is None or not math.isfinite(seconds):
        return NOTHING
    if seconds < 60:
        return f"{seconds:.2f} s" if seconds < 10 else f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02d} min"


def count(value: float | None) -> str:
    """Epochs or steps, without decimals where they are whole: 36, 35.7, 12,500; a dash for none."""
    if value is None or not math.isfinite(value):
        return NOTHING
    return f"{value:,.0f}" if value == round(value) or value >= 100 else f"{value:,.1f}"


def plural(amount: int, noun: str) -> str:
    """1 run, 2 runs."""
    return f"{amount} {noun}" if amount == 1 else f"{amount} {noun}s"


def listed(words: list[str], most: int = 12) -> str:
    """a, b and c; of many the first, and how many more there are."""
    if len(words) > most:
        return ", ".join(words[:most]) + f" and {len(words) - most} more"
    return " and ".join(filter(None, [", ".join(words[:-1]), *words[-1:]]))
