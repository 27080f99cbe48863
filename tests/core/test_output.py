"""What a command prints may be lost; what it does goes on."""

import os
import sys

import pytest

from clrx.core.output import forgiving_output, visible


@pytest.fixture
def onto(monkeypatch):
    """Have standard output be a descriptor."""

    streams = []

    def put(number: int) -> None:
        streams.append(os.fdopen(number, "w", encoding="ascii"))
        monkeypatch.setattr(sys, "stdout", streams[-1])

    yield put
    for stream in streams:
        stream.close()


def test_a_closed_pipe_ends_the_printing_alone(onto):
    """`clrx train | head -1` failed with the error "1"."""
    ours, theirs = os.pipe()
    onto(theirs)
    os.close(ours)
    with forgiving_output() as outputs:
        for _ in range(3):
            print("line", flush=True)
        os.write(theirs, b"a library's")  # goes to nowhere, as all after the first failure
    assert [output.lost is not None for output in outputs] == [True, False]
    assert isinstance(outputs[0].lost, BrokenPipeError)


def test_a_full_device_ends_the_printing_alone(onto):
    onto(os.open("/dev/full", os.O_WRONLY))
    with forgiving_output() as outputs:
        print("unflushed")
    assert outputs[0].lost.strerror == "No space left on device"


def test_a_stream_that_was_closed_before_the_start_is_none(monkeypatch):
    monkeypatch.setattr(sys, "stdout", None)
    with forgiving_output():
        print("nowhere")
        assert sys.stdout is None


def test_what_the_encoding_lacks_is_escaped(onto):
    ours, theirs = os.pipe()
    onto(theirs)
    with forgiving_output():
        print("Röntgen 肺 \udcff", flush=True)
    said = os.read(ours, 100)
    os.close(ours)
    assert said == rb"R\xf6ntgen \u80ba \udcff" + b"\n"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain text\n\tand more", "plain text\n\tand more"),
        ("Röntgen 肺 🫁", "Röntgen 肺 🫁"),
        ("\x1b[2J\x1b]0;title\x07\r", r"\x1b[2J\x1b]0;title\x07\x0d"),
        ("a\udcffb", r"a\xffb"),
        ("gnp.exe\u202e \x9b31m", r"gnp.exe\u202e \x9b31m"),
    ],
)
def test_control_characters_are_shown_and_not_sent(text, shown):
    assert visible(text) == shown
