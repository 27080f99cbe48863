"""Files of which only the names matter, and what a refusal says."""

from pathlib import Path

import pytest

from clrx.core.errors import UserError


def make(folder: Path, *names: str) -> Path:
    """The folder, with files of these paths below it that hold no image."""
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"not read here")
    return folder


def refusal(call, *args, **keys) -> str:
    """The message of the UserError that a call raises."""
    with pytest.raises(UserError) as error:
        call(*args, **keys)
    return str(error.value)
