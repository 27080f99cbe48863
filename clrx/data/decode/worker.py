"""One decoding process: lines of jobs on stdin, pixels straight into the shared file, lines of answers out.

It imports Pillow and nothing heavier, so that it starts in about a tenth of a second. It ends when its stdin
ends, which is also how it notices that the process that started it has died.
"""

import json
import os
import resource
import sys
from contextlib import suppress
from hashlib import blake2b

from clrx.data.decode.image import decode_bytes
from clrx.data.decode.limits import Unreadable

# kinds of answers: what happened to one row
MEMORY = (
    4 << 30
)  # bytes of address space: the largest image that is read takes a quarter of it as RGBA, twice over
DONE, UNREADABLE, FAILED, DISK = "done", "unreadable", "failed", "disk"


def main() -> None:
    """Arguments, as one JSON list: file descriptor of the pixels, offset of row 0, size, channels, root."""
    pixels, offset, size, channels, root = json.loads(sys.argv[1])
    limit_memory(MEMORY)
    for line in sys.stdin.buffer:
        answers = [_answer(job, pixels, offset, size, channels, root) for job in json.loads(line)]
        sys.stdout.buffer.write(json.dumps(answers).encode() + b"\n")
        sys.stdout.buffer.flush()


def limit_memory(most: int) -> None:
    """Have an allocation beyond `most` bytes of this process fail, rather than the machine run out of memory."""
    with suppress(OSError, ValueError):
        soft, hard = resource.getrlimit(resource.RLIMIT_AS)
        known = [one for one in (soft, hard, most) if one != resource.RLIM_INFINITY]
        resource.setrlimit(resource.RLIMIT_AS, (min(known), hard))


def row_digest(row: bytes) -> str:
    """BLAKE2b digest of the pixels of one row, 16 bytes as hex."""
    return blake2b(row, digest_size=16).hexdigest()


def write_at(file: int, data: bytes, offset: int) -> None:
    """Write all of `data` at `offset` (bytes): near a full disk one call may write a part only."""
    view = memoryview(data)
    while view:
        written = os.pwrite(file, view, offset)
        view, offset = view[written:], offset + written


def identity(path: str) -> tuple[int, int]:
    """Bytes and modification time (ns) of a file; (-1, -1) where there is none."""
    try:
        facts = os.stat(path)  # noqa: PTH116 (called 100,000 times in a row: a Path each would double the time)
    except OSError:
        return -1, -1
    return facts.st_size, facts.st_mtime_ns


def _answer(job: list, pixels: int, offset: int, size: int, channels: int, root: str) -> tuple[int, str, str]:
    row, path, *listed = job
    kind, text, data = _decode(path, size, channels, root)
    if list(identity(path)) != listed:
        return row, FAILED, "it changed while it was being read"
    try:
        write_at(pixels, data, offset + row * len(data))
    except OSError as error:
        return row, DISK, str(error.errno)
    return row, kind, text


def _decode(path: str, size: int, channels: int, root: str) -> tuple[str, str, bytes]:
    blank = bytes(channels * size * size)
    try:
        data = decode_bytes(path, size, channels, root)
        return DONE, row_digest(data), data
    except Unreadable as error:
        return UNREADABLE, str(error), blank
    except MemoryError:
        return UNREADABLE, f"decoding it takes more than {MEMORY >> 30} GiB of memory", blank
    except Exception as error:  # permission, failing disk, memory, a missing package: may be well next time
        return FAILED, str(error) or type(error).__name__, blank
