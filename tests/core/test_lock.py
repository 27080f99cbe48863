"""The lock on a file: held by one process, until that ends."""

import errno
import fcntl
import os
import re
import subprocess
import sys
import textwrap

import pytest

from clrx.core.errors import UserError
from clrx.core.lock import holder, is_held, locked
from clrx.core.paths import ROOT


def test_a_lock_ends_with_its_process(tmp_path):
    code = f"""
        from pathlib import Path; from clrx.core.lock import locked
        with locked(Path({str(tmp_path / "x.lock")!r})):
            print("held", flush=True); input()
    """
    command = [sys.executable, "-c", textwrap.dedent(code)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout.readline() == b"held\n"
        with locked(tmp_path / "x.lock", wait=False) as lock:
            assert lock is None
        process.kill()
        process.wait()
        with locked(tmp_path / "x.lock", wait=False) as lock:
            assert lock is not None
    assert (tmp_path / "x.lock").exists()  # a lock file that goes would let two hold what is called so


def test_looking_takes_nothing_and_says_who_holds_it(tmp_path):
    """A look took the lock for a moment, so that who asked for it just then was refused."""
    path = tmp_path / "x.lock"
    assert (is_held(path), holder(path)) == (False, "")
    with locked(path) as lock:
        assert lock is not None
        assert is_held(path)
        assert re.fullmatch(rf"process {os.getpid()} on \S+ since 20\S+", holder(path))
    assert not is_held(path)
    with path.open() as looking:  # as one that looks has it open at any moment
        assert is_held(path) is False
        with locked(path, wait=False) as lock:
            assert lock is not None
        assert not looking.closed


def test_a_link_a_pipe_and_a_folder_are_no_lock(tmp_path):
    (tmp_path / "link").symlink_to(tmp_path / "outside")
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "folder").mkdir()
    for name in ("link", "pipe", "folder"):
        assert not is_held(tmp_path / name)
        with pytest.raises(UserError, match="cannot be written"), locked(tmp_path / name):
            pytest.fail("must not lock")
    assert not (tmp_path / "outside").exists()


@pytest.mark.parametrize("number", [errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP])
def test_a_file_system_without_locks_is_named(tmp_path, monkeypatch, number):
    def none(*_):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(fcntl, "fcntl", none)
    with pytest.raises(UserError, match="has no locks") as caught, locked(tmp_path / "x"):
        pytest.fail("must not lock")
    assert "CLRX_CACHE" in caught.value.fix


def test_where_there_are_no_locks_of_files_flock_is_used(tmp_path, monkeypatch):
    def unknown(*_):
        raise OSError(errno.EINVAL, "Invalid argument")

    monkeypatch.setattr(fcntl, "fcntl", unknown)
    with locked(tmp_path / "x", wait=False) as lock, locked(tmp_path / "x", wait=False) as other:
        assert (lock is not None, other, is_held(tmp_path / "x")) == (True, None, True)
    assert not is_held(tmp_path / "x")


HOLDERS = """
import os, sys
from pathlib import Path
from clrx.core.lock import is_held, locked
path, rounds = Path(sys.argv[1]), int(sys.argv[2])
for _ in range(rounds):
    with locked(path) as lock:
        os.close(os.open(path.with_name("held"), os.O_CREAT | os.O_EXCL))  # fails where another holds it too
        assert is_held(path)
        path.with_name("held").unlink()
        with locked(path, wait=False) as again:
            assert again is None
"""


@pytest.mark.parametrize("rounds", [20, pytest.param(1000, marks=pytest.mark.slow)])
def test_no_two_processes_hold_it_at_once(tmp_path, rounds):
    """The holder removed the file: the next one held what was gone, a third what lay there now."""
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-c", HOLDERS, str(tmp_path / "x.lock"), str(rounds)]
    both = [subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=environment) for _ in range(3)]
    said = [process.communicate(timeout=200)[1] for process in both]
    assert [process.returncode for process in both] == [0, 0, 0], said
