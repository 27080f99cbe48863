"""What a command prints may be lost (a pipe closed, a terminal gone, a device full); what it does goes on."""

import errno
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any, TextIO

GONE = (
    errno.EPIPE,
    errno.EIO,
    errno.ENXIO,
    errno.ENOTCONN,
)  # whoever read it has gone: a pipe's reader, a terminal
INVISIBLE = {127, *range(0x80, 0xA0), *range(0x200E, 0x2010), *range(0x202A, 0x202F), *range(0x2066, 0x206A)}


class Output:
    """A text stream whose failures end the printing alone: from the first one on all goes to nowhere."""

    def __init__(self, stream: TextIO) -> None:
        self.stream = stream
        self.lost: OSError | None = None  # what the first failure was

    def write(self, text: str) -> int:
        """Write, as long as that is possible."""
        with self._losing():
            self.stream.write(text)
        return len(text)

    def flush(self) -> None:
        """Hand on what was written, as long as that is possible."""
        with self._losing():
            self.stream.flush()

    def __getattr__(self, name: str) -> Any:
        return getattr(self.stream, name)

    @contextmanager
    def _losing(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            if self.lost is None:
                self.lost = error
                with suppress(OSError, ValueError):  # not every stream has a descriptor
                    nowhere = os.open(os.devnull, os.O_WRONLY)
                    os.dup2(
                        nowhere, self.stream.fileno()
                    )  # also for what libraries and the end of Python write
                    os.close(nowhere)


@contextmanager
def forgiving_output() -> Iterator[list[Output]]:
    """Standard output and error as Outputs while the block runs; each says at its end whether something was lost.

    Text that the encoding of the stream lacks is written as escapes.
    """
    before = sys.stdout, sys.stderr
    outputs = [Output(stream) for stream in before if stream is not None]  # None: closed before the start
    for stream in before:
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
    found = iter(outputs)
    sys.stdout, sys.stderr = (None if stream is None else next(found) for stream in before)  # type: ignore[assignment]
    try:
        yield outputs
    finally:
        for output in outputs:
            output.flush()
        sys.stdout, sys.stderr = before


def visible(text: str) -> str:
    r"""The text with its control characters as escapes (`\x1b`): names from elsewhere steer no terminal.

    Line breaks and tabs stay; so do all letters. Bytes that are no UTF-8 are shown as `\xff`.
    """
    if text.isascii() and text.isprintable():
        return text
    return "".join(letter if _is_shown(ord(letter)) else _escape(ord(letter)) for letter in text)


def _is_shown(code: int) -> bool:
    if code < 32:
        return code in (9, 10)
    return code not in INVISIBLE and not 0xD800 <= code < 0xE000


def _escape(code: int) -> str:
    if 0xDC80 <= code < 0xDD00:  # how Python holds a byte of a file's name that is no UTF-8
        code -= 0xDC00
    return f"\\x{code:02x}" if code < 256 else f"\\u{code:04x}"
