"""What a run says it ran on is what it ran on."""

import os
import platform
import subprocess
from importlib.metadata import version

import numpy
import pytest
import torch

from clrx import __version__
from clrx.core import machine
from clrx.core.machine import git_state, hardware, versions


def test_versions_are_those_that_are_imported():
    found = versions()
    assert found["python"] == platform.python_version()
    assert (found["torch"], found["numpy"]) == (version("torch"), numpy.__version__)
    assert found["clrx"] == __version__


def test_a_package_that_is_not_there_is_said_to_be(monkeypatch):
    monkeypatch.setattr(machine, "PACKAGES", ("torch", "no-such-package"))
    assert versions()["no-such-package"] == "not installed"


def test_the_hardware_is_this_machines():
    found = hardware("cpu")
    assert (found["cores"], found["device"]) == (os.cpu_count(), "cpu")
    assert found["threads"] == torch.get_num_threads()
    assert 2**28 < found["memory"] < 2**46
    assert found["processor"]
    assert "accelerator" not in found


@pytest.fixture
def checkout(tmp_path, monkeypatch):
    """A repository whose package is clrx, with one commit."""
    (tmp_path / "clrx" / "core").mkdir(parents=True)
    (tmp_path / "clrx" / "core" / "machine.py").write_text("")
    monkeypatch.setattr(machine, "ROOT", tmp_path)
    for words in (["init", "-q"], ["add", "."], ["commit", "-q", "-m", "x"]):
        who = ["-c", "user.name=x", "-c", "user.email=x@example.org", "-c", "commit.gpgsign=false"]
        subprocess.run(["git", "-C", str(tmp_path), *who, *words], check=True, capture_output=True)
    return tmp_path


def test_the_state_of_the_code(checkout):
    head = subprocess.run(["git", "-C", str(checkout), "rev-parse", "HEAD"], capture_output=True, text=True)
    assert git_state() == {"commit": head.stdout.strip(), "changed": False}
    (checkout / "outputs").mkdir()
    (checkout / "outputs" / "run.json").write_text("{}")
    assert git_state()["changed"] is False  # the code is what was committed
    (checkout / "clrx" / "core" / "machine.py").write_text("x = 1")
    assert git_state()["changed"] is True


def test_outside_a_checkout_there_is_no_state(checkout, tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", "")
    assert git_state() is None  # no git to ask
    monkeypatch.setattr(machine, "ROOT", tmp_path / "clrx")
    assert git_state() is None
