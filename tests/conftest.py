"""Where tests find the real data and weights; those that need them skip, with the reason, where they are absent."""

import os
from pathlib import Path

import pytest

# One thread a process: several at once on few cores wait for each other far longer than they compute.
os.environ.setdefault("OMP_NUM_THREADS", "1")

SHARED = Path(__file__).resolve().parents[2] / "shared"


@pytest.fixture(scope="session")
def shared_data() -> Path:
    if not (SHARED / "data").is_dir():
        pytest.skip("the real data (../shared/data beside the repository) is not here")
    return SHARED / "data"


@pytest.fixture(scope="session")
def shared_weights() -> Path:
    if not (SHARED / "weights").is_dir():
        pytest.skip("the real weights (../shared/weights beside the repository) are not here")
    return SHARED / "weights"
