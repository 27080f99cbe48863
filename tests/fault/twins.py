"""What a run leaves behind, such that two runs of one configuration can be compared byte by byte."""

import csv
import io
import json
from pathlib import Path

# Of one process or one moment: its place, its times, what it said. The checkpoint holds seconds too.
OWN = ("lock", "train.log", "run.json")
TIMES = ("seconds", "images_per_second", "data_wait")


def remains(run: Path) -> dict[str, bytes]:
    """Every file of a run directory by its name, without what belongs to one process, and without timings."""
    found = {}
    for file in sorted(path for path in run.rglob("*") if path.is_file()):
        name = str(file.relative_to(run))
        if file.name not in OWN:
            found[name] = b"" if file.suffix == ".ckpt" else _without_times(file)
    return found


def differing(run: Path, twin: Path) -> list[str]:
    """Names of the files that the two do not share byte by byte."""
    mine, other = remains(run), remains(twin)
    return sorted(name for name in mine.keys() | other.keys() if mine.get(name) != other.get(name))


def _without_times(file: Path) -> bytes:
    if file.name == "epochs.csv":
        rows = csv.DictReader(io.StringIO(file.read_text(encoding="utf-8"), newline=""))
        return json.dumps([{k: v for k, v in row.items() if k not in TIMES} for row in rows]).encode()
    if file.name in ("metrics.json", "suggestions.json"):
        content = json.loads(file.read_text(encoding="utf-8"))
        for node in (content, *content.get("phases", [])):
            node.pop("seconds", None)
        return json.dumps(content).encode()
    return file.read_bytes()
