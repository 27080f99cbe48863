"""Files that are whole or absent: written beside, synced, renamed."""

import csv
import io
import json
import os
import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from clrx.core.errors import RunError

if TYPE_CHECKING:
    import pandas as pd


def write_bytes(path: Path, content: bytes) -> None:
    """Write `path` atomically: a reader sees the old file or the new one, also after a power cut."""
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        with naming(path):
            with beside.open("wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            beside.replace(path)
    except BaseException:
        beside.unlink(missing_ok=True)
        raise


@contextmanager
def naming(path: Path) -> Iterator[None]:
    """Have an OSError name the file: a full disk does not say where it is."""
    try:
        yield
    except OSError as error:
        error.filename = str(path)
        raise


def remove_parts(folder: Path) -> None:
    """Remove what `write_bytes` of processes that were killed left beside the files below a folder."""
    for part in folder.rglob(".*.part"):
        if re.fullmatch(r"\..+\.[0-9]+\.part", part.name):
            part.unlink(missing_ok=True)


def write_text(path: Path, text: str) -> None:
    """`write_bytes` of UTF-8 text."""
    write_bytes(path, text.encode())


def write_json(path: Path, value: Any) -> None:
    """`write_text` of indented JSON; NaN is refused, since no other program can read it."""
    write_text(path, json.dumps(value, indent=2, allow_nan=False) + "\n")


def read_json(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))


class CsvLog:
    """A CSV file that grows by whole rows and can be cut back to its first rows when a run is continued."""

    def __init__(self, path: Path, columns: Sequence[str], keep: int = 0) -> None:
        self.path, self.columns = path, tuple(columns)
        rows = read_rows(path)[:keep] if path.exists() else []
        if len(rows) < keep:
            what = f"{path.name} has {len(rows)} rows, but the checkpoint counts {keep}"
            raise RunError(what, where=str(path), fix="start the run again in a new directory")
        write_text(path, _as_text([self.columns, *([row[c] for c in self.columns] for row in rows)]))
        self._file = path.open("a", newline="", encoding="utf-8")

    def append(self, rows: Iterable[dict[str, Any]]) -> None:
        """Add rows, each with every column (None is an empty cell), and hand them to the system."""
        text = _as_text([row[c] for c in self.columns] for row in rows)
        with naming(self.path):
            self._file.write(text)
            self._file.flush()

    def sync(self) -> None:
        """Have the rows on the disk before going on."""
        with naming(self.path):
            os.fsync(self._file.fileno())

    def close(self) -> None:
        with naming(self.path):
            self._file.close()


def read_rows(path: Path) -> list[dict[str, str]]:
    """The whole rows of a CSV file as text; a last line that was cut off by a crash is left out."""
    return list(csv.DictReader(io.StringIO(_whole_rows(path), newline="")))


def read_table(path: Path) -> "pd.DataFrame":
    """`read_rows` as a table of numbers, NaN in empty cells; empty where there is no file."""
    import pandas as pd  # half a second, which most commands do without

    text = _whole_rows(path) if path.exists() else ""
    return pd.read_csv(io.StringIO(text)) if text else pd.DataFrame()


def _whole_rows(path: Path) -> str:
    content = path.read_bytes()
    return content[: content.rfind(b"\n") + 1].decode()


def _as_text(rows: Iterable[Sequence[Any]]) -> str:
    return "".join(",".join(_cell(value) for value in row) + "\n" for row in rows)


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if "\n" in str(value):
        raise ValueError(f"{value!r} has a line break: a row would no longer be a line")
    text = repr(float(value)) if isinstance(value, float) else str(value)  # numpy's own repr names its type
    return '"' + text.replace('"', '""') + '"' if any(mark in text for mark in ',"\r') else text
