"""How long a user waits for an answer that needs no training.

    uv run python benchmarks/startup.py       # half a minute; writes benchmarks/results/startup.json

Each command is started as a process of its own, the commands in turn, `ROUNDS` times after one warm-up. `wall` is
what the user waits, `cpu` the processor time of the process: on a machine with other work the two differ, and
`load` (the system's 1-minute average at the start) says how much other work there was.
"""

import json
import os
import platform
import resource
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from time import perf_counter

from rich.console import Console
from rich.table import Table

from clrx.core.machine import hardware

ROUNDS = 15
COMMANDS = {  # and the seconds that the design allows on two cores
    "clrx --help": 0.3,
    "clrx train --cfg job": 1.5,
    "clrx train --help": None,
    "clrx completion words train policy=tri": None,
}


def start(command: str, folder: str) -> tuple[float, float]:
    """(wall, cpu) seconds of one process."""
    words = [sys.executable, "-m", "clrx", *command.split()[1:]]
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), perf_counter()
    subprocess.run(words, cwd=folder, capture_output=True)
    wall, after = perf_counter() - began, resource.getrusage(resource.RUSAGE_CHILDREN)
    return wall, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def measure() -> dict[str, list[tuple[float, float]]]:
    times: dict[str, list[tuple[float, float]]] = {command: [] for command in COMMANDS}
    with tempfile.TemporaryDirectory() as folder:
        for round_ in range(ROUNDS + 1):
            for command, found in times.items():
                taken = start(command, folder)
                if round_:
                    found.append(taken)
    return times


def summary(values: list[float]) -> dict[str, float]:
    ordered = {"median": statistics.median(values), "least": min(values), "most": max(values)}
    return {name: round(value, 4) for name, value in ordered.items()}


def main() -> None:
    load, times = os.getloadavg()[0], measure()
    rows = [
        {"command": command, "allowed": COMMANDS[command], "rounds": ROUNDS}
        | {"wall": summary([wall for wall, _ in found]), "cpu": summary([cpu for _, cpu in found])}
        for command, found in times.items()
    ]
    facts = hardware("cpu")
    machine = {"processor": facts["processor"], "cores": facts["cores"], "python": platform.python_version()}
    record = {"unit": "s", **machine, "load": round(load, 2), "commands": rows}
    path = Path(__file__).parent / "results" / "startup.json"
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(record, indent=2) + "\n")
    table = Table("command", "allowed", "wall", "cpu", title=f"seconds, median of {ROUNDS}, load {load:.1f}")
    for row in rows:
        cells = [row["command"], row["allowed"], row["wall"]["median"], row["cpu"]["median"]]
        table.add_row(*("-" if cell is None else str(cell) for cell in cells))
    Console().print(table)


if __name__ == "__main__":
    main()
