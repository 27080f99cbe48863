"""Small runs in this process: what they train on, and what it is left as."""

import pytest
import torch
from toy import write_toy


@pytest.fixture
def threads():
    """Runs leave the number of threads as it was."""
    threads = torch.get_num_threads()
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return write_toy(tmp_path_factory.mktemp("data") / "toy.npz")
