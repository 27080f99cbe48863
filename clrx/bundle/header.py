"""The text that a safetensors file carries beside its tensors, read and written without touching a tensor's bytes.

Format: 8 bytes with the length of the header (little-endian), the header as JSON, then the tensors
(https://github.com/huggingface/safetensors, "Format"). The header's `__metadata__` maps text to text.
"""

import json
from pathlib import Path
from typing import Any

from clrx.core.errors import UserError
from clrx.core.files import write_bytes

ALIGNMENT = 8  # bytes that the beginning of the tensors is a multiple of; the header is padded with spaces
LONGEST = 100_000_000  # bytes of a header, the bound of the format
METADATA = "__metadata__"


def read_metadata(content: bytes | Path) -> dict[str, str]:
    """The metadata of a safetensors file, given its path or its bytes; UserError for what is no such file."""
    return {str(key): str(value) for key, value in _header(content)[0].get(METADATA, {}).items()}


def with_metadata(content: bytes, metadata: dict[str, str]) -> bytes:
    """The bytes of a safetensors file with other metadata; equal bytes and metadata give equal bytes."""
    header, start = _header(content)
    tensors = {name: entry for name, entry in header.items() if name != METADATA}
    text = json.dumps({METADATA: metadata, **tensors}, separators=(",", ":"), ensure_ascii=False).encode()
    text += b" " * (-len(text) % ALIGNMENT)
    return len(text).to_bytes(8, "little") + text + content[start:]


def stamp(file: Path, metadata: dict[str, str]) -> None:
    """Give a safetensors file this metadata, atomically; a file that has it already is left as it is."""
    before = file.read_bytes()
    after = with_metadata(before, metadata)
    if after != before:
        write_bytes(file, after)


def _header(content: bytes | Path) -> tuple[dict[str, Any], int]:
    """(header, where the tensors begin) of a safetensors file."""
    if isinstance(content, Path):
        with content.open("rb") as file:
            size = int.from_bytes(file.read(8), "little")
            text = file.read(size) if size <= LONGEST else b""
    else:
        size = int.from_bytes(content[:8], "little")
        text = content[8 : 8 + size] if size <= LONGEST else b""
    try:
        if len(text) != size:
            raise ValueError("cut off")
        header = json.loads(text)
        if not isinstance(header, dict) or not isinstance(header.get(METADATA, {}), dict):
            raise ValueError("no mapping")
    except ValueError:
        where = str(content) if isinstance(content, Path) else "weights.safetensors"
        raise UserError("this is not a whole safetensors file", where=where) from None
    return header, 8 + size
