"""Decoding processes: light, and one that dies harms nothing but its image."""

import errno
import subprocess
import sys
from pathlib import Path

import pytest
from noise_images import save_noise

from clrx.core.errors import RunError
from clrx.data.decode import pool as decode_pool
from clrx.data.decode.pool import Job, decode_all


def test_a_worker_that_meets_a_full_disk_says_so(tmp_path):
    (image,) = save_noise(tmp_path, 1)
    facts = image.stat()
    job = Job(0, str(image), facts.st_size, facts.st_mtime_ns)
    with Path("/dev/full").open("r+b", buffering=0) as disk:
        settings = [disk.fileno(), 128, 12, 1, str(tmp_path)]
        assert list(decode_all([job], 1, settings, 1, (disk.fileno(),))) == [[(0, "disk", str(errno.ENOSPC))]]


STUB = """
import json, os, sys
for line in sys.stdin:
    jobs = json.loads(line)
    if any("bad" in job[1] for job in jobs):
        {death}
    print(json.dumps([[job[0], "done", "00"] for job in jobs]), flush=True)
"""


def run_stub(monkeypatch, death: str) -> list[tuple]:
    monkeypatch.setattr(decode_pool, "RUN", [sys.executable, "-c", STUB.format(death=death)])
    jobs = [Job(row, "bad" if row in (40, 97) else "good", 1, 1) for row in range(200)]
    answers = [one for batch in decode_all(jobs, len(jobs), [], 2, ()) for one in batch]
    assert sorted(one.row for one in answers) == list(range(200))
    return [tuple(one) for one in answers if one.kind != "done"]


def test_an_image_that_crashes_the_decoder_is_found(monkeypatch):
    reason = "it crashes the decoder (SIGSEGV)"
    bad = run_stub(monkeypatch, "os.kill(os.getpid(), 11)")
    assert sorted(bad) == [(40, "unreadable", reason), (97, "unreadable", reason)]


@pytest.mark.parametrize(
    ("death", "reason"),
    [
        ("os.kill(os.getpid(), 9)", r"from outside \(signal 9\)"),
        ("os.kill(os.getpid(), 24)", r"from outside \(signal 24\)"),  # SIGXCPU: a limit of the user's own
        ("os.kill(os.getpid(), 15)", r"from outside \(signal 15\)"),
        ("sys.exit('no Pillow')", "code 1.*no Pillow"),
    ],
)
def test_decoders_ended_from_outside_or_broken_end_the_build(monkeypatch, death, reason):
    with pytest.raises(RunError, match=reason):
        run_stub(monkeypatch, death)


def test_a_crash_that_does_not_come_again_accuses_no_image(monkeypatch, tmp_path):
    """Each image crashes its decoder twice, once among others and once alone, and then no more."""
    count = f"file = {str(tmp_path)!r} + '/' + [str(job[0]) for job in jobs if 'bad' in job[1]][0]"
    crash = "open(file, 'a').write('x'); os.path.getsize(file) < 3 and os.kill(os.getpid(), 11)"
    assert run_stub(monkeypatch, f"{count}; {crash}") == []


def test_an_image_that_takes_too_long_is_found_alone(monkeypatch):
    """JPEG of 5,000 scans and TIFF of 100,000 directories took minutes; nothing said so."""
    monkeypatch.setattr(decode_pool, "DEADLINE", 0.15)
    bad = run_stub(monkeypatch, "while True: pass")
    reason = "decoding it takes longer than 0.15 s of a processor"
    assert sorted(bad) == [(40, "unreadable", reason), (97, "unreadable", reason)]


def test_a_decoder_that_waits_for_its_disk_is_not_late(monkeypatch):
    monkeypatch.setattr(decode_pool, "DEADLINE", 0.05)
    assert run_stub(monkeypatch, "__import__('time').sleep(0.3)") == []


def test_an_image_that_takes_too_much_memory_is_found(monkeypatch, tmp_path):
    (image,) = save_noise(tmp_path, 1)
    facts = image.stat()
    job = Job(0, str(image), facts.st_size, facts.st_mtime_ns)
    code = (
        "from clrx.data.decode import worker as w; w.decode_bytes = lambda *_: bytearray(5 << 30); w.main()"
    )
    monkeypatch.setattr(decode_pool, "RUN", [sys.executable, "-P", "-c", code])
    with (tmp_path / "pixels").open("w+b") as pixels:
        settings = [pixels.fileno(), 128, 12, 1, str(tmp_path)]
        ((answer,),) = decode_all([job], 1, settings, 1, (pixels.fileno(),))
    assert answer == (0, "unreadable", "decoding it takes more than 4 GiB of memory")


def test_decoders_load_neither_torch_nor_numpy():
    code = "import sys, clrx.data.decode.worker; print([m for m in ('torch', 'numpy', 'pandas') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
