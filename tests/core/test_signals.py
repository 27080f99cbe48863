"""A signal stops a run between two steps, never within one; a second one stops it at once."""
# ruff: noqa: PT012 - what comes after the signal, and must not run, is what these blocks are about

import os
import pickle
import signal
import subprocess
import sys
import threading
import time
import weakref
from contextlib import nullcontext, suppress

import pytest

from clrx.core.signals import Interrupted, Stop, kept_from_children, listening, signal_behind


@pytest.mark.parametrize(
    ("number", "code"),
    [
        (signal.SIGINT, 130),
        (signal.SIGTERM, 143),
        (signal.SIGHUP, 129),
        (signal.SIGUSR1, 138),
        (signal.SIGUSR2, 140),
    ],
)
def test_without_a_shield_a_signal_stops_at_once(number, code):
    steps = []
    with pytest.raises(Interrupted) as caught, listening():
        steps.append(1)
        os.kill(os.getpid(), number)
        steps.append(2)
    assert steps == [1]
    assert (caught.value.exit_code, caught.value.within) == (code, False)
    assert str(caught.value) == f"interrupted by {number.name}"


@pytest.mark.parametrize("number", [signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2])
@pytest.mark.parametrize("taken", [signal.SIG_IGN, lambda *_: None])
def test_what_is_ignored_or_a_launchers_own_stays_so(number, taken):
    """`nohup clrx train` ignores SIGHUP; submitit has a handler of its own for the signal of a time limit."""
    before = signal.signal(number, taken)
    try:
        with listening():
            os.kill(os.getpid(), number)
            assert signal.getsignal(number) == taken
        assert signal.getsignal(number) == taken
    finally:
        signal.signal(number, before)


def test_a_signal_for_the_parent_is_not_heard_by_its_child():
    code = "import os, signal; os.kill(os.getpid(), signal.SIGUSR1); os.kill(os.getpid(), signal.SIGUSR2); print(1)"
    with kept_from_children():
        child = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE)
    assert child.communicate()[0] == b"1\n"
    assert child.returncode == 0
    assert signal.pthread_sigmask(signal.SIG_BLOCK, ()) == set()


@pytest.mark.parametrize("shielded", [False, True])
def test_a_signal_heard_where_python_drops_exceptions_is_heard_again(shielded, capfd):
    """SIGINT while matplotlib's weak references died was printed as a traceback and the run went on."""

    class Referred:
        pass

    one, done = Referred(), []
    watch = weakref.ref(one, lambda _: os.kill(os.getpid(), signal.SIGINT))
    with pytest.raises(Interrupted, match="SIGINT"), listening() as stop:
        del one
        with stop.shield() if shielded else nullcontext():
            while not shielded or stop._pending is None:
                time.sleep(0.01)  # pytest's limit ends a test that waits for ever
            done.append("shielded")
        done.append("never")
    assert watch() is None
    assert done == ["shielded"] * shielded
    assert "Traceback" not in capfd.readouterr().err


def mangle() -> None:
    """As a library does whose C code meets an exception in a call back to Python, or whose clean-up fails."""
    with suppress(Interrupted):
        os.kill(os.getpid(), signal.SIGTERM)
    raise ValueError("Invalid bounding box")


def test_what_a_library_makes_of_a_signal_is_the_signal():
    with pytest.raises(Interrupted, match="SIGTERM") as caught, listening():
        mangle()
    assert (caught.value.exit_code, str(caught.value.__cause__)) == (143, "Invalid bounding box")


def test_a_signal_that_a_library_swallows_stops_the_next_step():
    steps = []
    with pytest.raises(Interrupted, match="SIGTERM"), listening() as stop:
        with suppress(ValueError):
            mangle()
        steps.append("between")
        with stop.shield():
            steps.append("never")
    assert steps == ["between"]


def test_within_another_the_same_one_listens():
    """A signal that was swallowed before a task began stops its first step."""
    with pytest.raises(Interrupted, match="SIGTERM"), listening() as outer:
        with suppress(ValueError):
            mangle()
        with listening() as inner:
            assert inner is outer
            assert signal.getsignal(signal.SIGINT) == outer.handle
        assert signal.getsignal(signal.SIGINT) == outer.handle
        with inner.shield():
            pytest.fail("the step was taken")


def test_a_full_disk_is_told_also_after_a_signal():
    with pytest.raises(RuntimeError, match="disk"), listening():
        try:
            os.kill(os.getpid(), signal.SIGTERM)
        except Interrupted:
            try:
                raise OSError(28, "No space left on device")
            except OSError as error:
                raise RuntimeError("the disk is full") from error


def test_without_a_signal_an_error_is_itself():
    with pytest.raises(ValueError, match="box"), listening():
        assert signal_behind(ValueError("Invalid bounding box")) is None
        raise ValueError("Invalid bounding box")
    assert signal_behind(ValueError("nobody listens")) is None


def test_other_exceptions_of_finalizers_are_told_as_ever(monkeypatch):
    class Broken:
        def __del__(self):
            raise ValueError("in a finalizer")

    heard = []
    monkeypatch.setattr(sys, "unraisablehook", heard.append)
    with listening():
        Broken()
    assert [str(one.exc_value) for one in heard] == ["in a finalizer"]
    assert sys.unraisablehook == heard.append


def test_a_shield_is_finished_first():
    steps = []
    with pytest.raises(Interrupted, match="SIGTERM") as caught, listening() as stop:
        with stop.shield():
            os.kill(os.getpid(), signal.SIGTERM)
            steps.append("rest of the step")
        steps.append("next step")
    assert steps == ["rest of the step"]
    assert not caught.value.within


def test_the_outermost_shield_decides():
    steps = []
    with pytest.raises(Interrupted), listening() as stop, stop.shield():
        with stop.shield():
            os.kill(os.getpid(), signal.SIGINT)
        steps.append("outer")
    assert steps == ["outer"]


def test_a_second_signal_stops_within_the_shield():
    steps = []
    with pytest.raises(Interrupted, match="SIGTERM") as caught, listening() as stop, stop.shield():
        os.kill(os.getpid(), signal.SIGINT)
        steps.append("first is held back")
        os.kill(os.getpid(), signal.SIGTERM)
        steps.append("never")
    assert steps == ["first is held back"]
    assert caught.value.within  # the state is half of a step's: no checkpoint of it


def test_after_a_second_signal_nothing_is_pending():
    """A shield after it is not broken off by the signals before it."""
    steps = []
    with pytest.raises(Interrupted), listening() as stop:
        try:
            with stop.shield():
                os.kill(os.getpid(), signal.SIGINT)
                os.kill(os.getpid(), signal.SIGINT)
        except Interrupted:
            with stop.shield():
                steps.append("checkpoint")
            steps.append("and on")
            raise
    assert steps == ["checkpoint", "and on"]


def test_an_error_within_the_shield_is_not_hidden_by_the_signal():
    with pytest.raises(ZeroDivisionError), listening() as stop, stop.shield():
        os.kill(os.getpid(), signal.SIGINT)
        raise ZeroDivisionError


def test_quiet_shields_do_nothing():
    with listening() as stop:
        for _ in range(3):
            with stop.shield():
                pass


def test_the_handlers_of_before_come_back():
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    with listening() as stop:
        assert signal.getsignal(signal.SIGINT) == stop.handle
        assert signal.getsignal(signal.SIGTERM) == stop.handle
    with pytest.raises(KeyError), listening():
        raise KeyError
    assert {number: signal.getsignal(number) for number in before} == before


def test_a_thread_hears_nothing_and_changes_nothing():
    before, found = signal.getsignal(signal.SIGINT), []

    def work():
        with listening() as stop, stop.shield():
            found.append((isinstance(stop, Stop), signal.getsignal(signal.SIGINT)))

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert found == [(True, before)]


def test_it_can_be_sent_to_another_process():
    sent = pickle.loads(pickle.dumps(Interrupted(signal.SIGTERM, within=True)))
    assert (type(sent), str(sent)) == (Interrupted, "interrupted by SIGTERM")
    assert (sent.exit_code, sent.within) == (143, True)


COMMAND = """
import sys, time
from clrx.cli.failure import exit_code_of
from clrx.core.signals import listening

def command():
    with listening() as stop:
        while True:
            with stop.shield():
                print("step", flush=True)
                time.sleep(0.02)
                print("done", flush=True)

sys.exit(exit_code_of(command))
"""


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_command_ends_with_a_whole_step_one_line_and_its_code(number, code):
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    with subprocess.Popen([sys.executable, "-c", COMMAND], **pipes) as process:
        assert process.stdout.readline() == "step\n"
        process.send_signal(number)
        out, err = process.communicate(timeout=60)
    assert process.returncode == code
    assert out.splitlines()[-1] == "done"
    assert err == f"error: interrupted by {number.name}\n"
