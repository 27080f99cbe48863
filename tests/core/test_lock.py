"""The lock on a file: held by one process, until that ends."""

import subprocess
import sys
import textwrap

from clrx.core.lock import locked


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
    assert not (tmp_path / "x.lock").exists()
