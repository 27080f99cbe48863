"""`clrx report DIR...`: compare runs and write one HTML file, tables and figures."""

from math import isfinite
from pathlib import Path
from typing import Any

from clrx.cli.usage import PLAIN_HELP, REPORT_OPTIONS
from clrx.core.errors import UserError, did_you_mean


def main(arguments: list[str]) -> int:
    """Write the report and say where it is."""
    if not arguments:
        print(PLAIN_HELP["report"])
        return 2
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
        elif key in REPORT_OPTIONS:
            options[key] = _value(key, value)
        else:
            fix = did_you_mean(key, REPORT_OPTIONS)
            raise UserError(f"clrx report has no option '{key}'", allowed=", ".join(REPORT_OPTIONS), fix=fix)
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
