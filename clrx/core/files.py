"""Files that are whole or absent: written beside, synced, renamed; read only where they are files of a likely size.

What lies in a run directory may come from elsewhere: nothing is written through a link, and neither a pipe nor an
endless file is waited for.
"""

import csv
import errno
import io
import json
import os
import re
import stat
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from secrets import token_hex
from typing import TYPE_CHECKING, Any

from clrx.core.errors import RunError

if TYPE_CHECKING:
    import pandas as pd

LARGEST = 64 << 20  # bytes of a JSON or YAML file that is read
PART = 2**20  # bytes that are read at a time
LONGEST = 4 << 30  # bytes of a table


def write_bytes(path: Path, content: bytes) -> None:
    """Write `path` atomically: a reader sees the old file or the new one, also after a power cut."""
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f".{path.name}.{token_hex(8)}.part")
    try:
        with naming(path):
            with beside.open("xb") as file:  # a name that nobody can have put a link under
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
    """Remove what `write_bytes` of processes that were killed left beside the files of a folder, not of those below."""
    for part in folder.glob(".*.part"):
        if is_part(part.name) and not part.is_symlink():
            part.unlink(missing_ok=True)


def is_part(name: str) -> bool:
    """Whether `write_bytes` gives such a name to what it has not finished; with a process id: before 0.2."""
    return bool(re.fullmatch(r"\..+\.([0-9]+|[0-9a-f]{16})\.part", name))


def open_own(path: Path, flags: int) -> int:
    """A descriptor of a file to write to, made where there is none: OSError for a link, a pipe or a device."""
    file = os.open(path, flags | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK, 0o666)
    if stat.S_ISREG(os.fstat(file).st_mode):
        return file
    os.close(file)
    raise OSError(errno.EINVAL, "not a regular file", str(path))


def read_bytes(path: Path, most: int = LARGEST) -> bytes:
    """The content of a file; OSError for a pipe, a device or a folder, and for more than `most` bytes."""
    file = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    facts = os.fstat(file)
    if not stat.S_ISREG(facts.st_mode):
        os.close(file)
        raise OSError(errno.EINVAL, "not a regular file", str(path))
    with open(file, "rb") as opened:  # noqa: PTH123 - of a descriptor
        parts, count = [], 0  # read(most) would take so much memory at once
        while facts.st_size <= most and count <= most and (part := opened.read(PART)):
            parts.append(part)
            count += len(part)
    if max(facts.st_size, count) > most:
        raise OSError(errno.EINVAL, f"larger than the {most:,} bytes that are read", str(path))
    return b"".join(parts)


def read_text(path: Path, most: int = LARGEST) -> str:
    """`read_bytes` as UTF-8; bytes that are none (of names of files) are kept."""
    return read_bytes(path, most).decode("utf-8", "surrogateescape")


def write_text(path: Path, text: str) -> None:
    """`write_bytes` of UTF-8 text; bytes of file names that are none are kept."""
    write_bytes(path, text.encode("utf-8", "surrogateescape"))


def write_json(path: Path, value: Any) -> None:
    """`write_text` of indented JSON; NaN is refused, since no other program can read it."""
    write_text(path, json.dumps(value, indent=2, allow_nan=False) + "\n")


def read_json(path: Path) -> Any:
    """The value in a JSON file; ValueError where it is none, OSError as `read_bytes`."""
    try:
        return json.loads(read_text(path))
    except RecursionError:
        raise ValueError("nested too deep") from None


class CsvLog:
    """A CSV file that grows by whole rows and can be cut back to its first rows when a run is continued."""

    def __init__(self, path: Path, columns: Sequence[str], keep: int = 0) -> None:
        self.path, self.columns = path, tuple(columns)
        rows = read_rows(path)[:keep] if keep and path.exists() else []
        if len(rows) < keep:
            what = f"{path.name} has {len(rows)} rows, but the checkpoint counts {keep}"
            raise RunError(what, where=str(path), fix="start the run again in a new directory")
        write_text(path, _as_text([self.columns, *([row[c] for c in self.columns] for row in rows)]))
        file = open_own(path, os.O_WRONLY | os.O_APPEND)
        self._file = open(file, "a", newline="", encoding="utf-8")  # noqa: PTH123, SIM115 - of a descriptor

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
    content = read_bytes(path, LONGEST)
    return content[: content.rfind(b"\n") + 1].decode("utf-8", "surrogateescape")


def _as_text(rows: Iterable[Sequence[Any]]) -> str:
    return "".join(",".join(_cell(value) for value in row) + "\n" for row in rows)


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if "\n" in str(value):
        raise ValueError(f"{value!r} has a line break: a row would no longer be a line")
    text = repr(float(value)) if isinstance(value, float) else str(value)  # numpy's own repr names its type
    return '"' + text.replace('"', '""') + '"' if any(mark in text for mark in ',"\r') else text
