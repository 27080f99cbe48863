"""What the tests of faults share: images, a cache of their own, and the process that commands are forked from."""

import os
from pathlib import Path

import pytest
from forker import Forker
from mixture import toys


@pytest.fixture(scope="session")
def forker():
    server = Forker()
    yield server
    server.close()


@pytest.fixture(scope="session")
def images(tmp_path_factory) -> dict[int, Path]:
    """npz files by their number of classes."""
    return toys(tmp_path_factory.mktemp("toys"))


@pytest.fixture(autouse=True)
def cache(images, monkeypatch) -> Path:
    folder = images[2].parent / "cache"
    monkeypatch.setenv("CLRX_CACHE", str(folder))
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parent), prepend=os.pathsep)
    return folder
