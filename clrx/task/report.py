"""`clrx report`: compare runs in one HTML file, tables and figures.

usage: clrx report DIR... [key=value ...]

One offline HTML page, tables and figures of the runs below the directories.

  baseline=  configuration or policy that the others are compared with (constant, where there is one)
  metric=    of the test set: auroc, f1, f1_at_0.5, ... (the one that the runs were selected by)
  target=    value of the validation curve whose time to target is compared, e.g. 0.8 (the baseline's last)
  force=     true: compare runs of different splits or data all the same; the report says so
  out=       folder to write to (report/ in the first DIR)
"""

from math import isfinite
from pathlib import Path
from typing import Any

from clrx.core.errors import UserError, did_you_mean

OPTIONS = ("baseline", "metric", "target", "force", "out")


def main(arguments: list[str]) -> int:
    """Write the report and say where it is."""
    paths, options = read_arguments(arguments)
    from clrx.report.make import make_report

    print(f"report: {make_report(paths, **options)}")
    return 0


def read_arguments(arguments: list[str]) -> tuple[list[Path], dict[str, Any]]:
    """(directories, options of `make_report`) from the words of the command line.

    A word that is an existing path is a directory even where it has an equals sign, as a sweep's runs have.
    """
    paths, options = [], {}
    for word in arguments:
        key, equals, value = word.partition("=")
        if Path(word).exists() or not equals:
            paths.append(Path(word))
        elif key in OPTIONS:
            options[key] = _value(key, value)
        else:
            fix = did_you_mean(key, OPTIONS)
            raise UserError(f"clrx report has no option '{key}'", allowed=", ".join(OPTIONS), fix=fix)
    if not paths:
        raise UserError("which runs?", where="clrx report", fix="clrx report DIR... names their directories")
    return paths, options


def _value(key: str, text: str) -> Any:
    if key == "out":
        return Path(text)
    if key == "force":
        if text not in ("true", "false"):
            raise UserError(f"force={text}", where="force", allowed="true, false")
        return text == "true"
    if key == "target":
        return _number(text)
    return text


def _number(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = float("nan")
    if not isfinite(value):
        raise UserError(f"target={text} is no number", where="target", allowed="a share: 0.79, not 79%")
    return value
