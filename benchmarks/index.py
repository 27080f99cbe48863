"""Write benchmarks/README.md: what each benchmark measures, its command and its latest figures.

    uv run python benchmarks/index.py

The words come from the docstrings of the benchmarks, the figures from benchmarks/results.
"""

import ast
import csv
import json
from collections.abc import Iterable, Sequence
from itertools import groupby
from pathlib import Path
from statistics import median

HERE = Path(__file__).parent
HEAD = """# Benchmarks

Each is a script that says in its first lines how it measures, and writes its figures to `benchmarks/results/`. They
are run by hand, on a machine that does nothing else where that matters; no test depends on their times. This page is
written by `uv run python benchmarks/index.py`.
"""


def table(header: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A Markdown table."""
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join("| " + " | ".join(map(str, line)) + " |" for line in lines)


def stops(rows: list[dict[str, str]]) -> str:
    """Seconds from each signal to the end of the run: the number, the median and the largest."""
    times = sorted((row["signal"], float(row["seconds"])) for row in rows)
    groups = [(name, [seconds for _, seconds in group]) for name, group in groupby(times, lambda row: row[0])]
    found = [(name, len(each), f"{median(each):.2f}", f"{max(each):.2f}") for name, each in groups]
    return table(("signal", "n", "median seconds", "most seconds"), found)


def figures(path: Path) -> str:
    """A file of results as a Markdown table."""
    if path.suffix == ".json":
        found = json.loads(path.read_text(encoding="utf-8"))
        rows = [
            (one["command"], one["rounds"], one["wall"]["median"], one["cpu"]["median"])
            for one in found["commands"]
        ]
        shown = table(("command", "rounds", "wall, median s", "processor, median s"), rows)
        return f"{shown}\n\n{found['processor']}, {found['cores']} cores, load {found['load']:g}."
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    if path.stem == "stop":
        return stops(rows)
    return table(list(rows[0]), [list(row.values()) for row in rows])


def section(path: Path) -> str:
    """What the page says of one benchmark."""
    text = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""
    title, *rest = text.splitlines()
    commands = [line.strip().partition("  ")[0] for line in rest if "python benchmarks/" in line]
    parts = [f"## {path.stem}", title, "\n".join(f"    {command}" for command in commands)]
    for file in sorted((HERE / "results").glob(f"{path.stem}*")):
        parts += [f"`results/{file.name}`:", figures(file)]
    return "\n\n".join(parts)


def page() -> str:
    """The whole of benchmarks/README.md."""
    scripts = sorted(path for path in HERE.glob("*.py") if path.stem != "index")
    return "\n\n".join([HEAD.strip(), *map(section, scripts)]) + "\n"


if __name__ == "__main__":
    (HERE / "README.md").write_text(page())
    print(HERE / "README.md")
