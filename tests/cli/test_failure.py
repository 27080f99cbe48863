"""Every end of a command is one message on stderr and one exit code."""

import os
import signal
import sys

import pytest
from hydra.utils import instantiate
from omegaconf import OmegaConf

from clrx.cli.failure import exit_code_of
from clrx.core.errors import RunError, UserError, causes
from clrx.core.signals import Interrupted


def raising(error: BaseException):
    def command() -> int:
        raise error

    return command


HINT = "  fix:     CLRX_DEBUG=1 shows where; train.log in the run directory has it all\n"
ROOM = "  fix:     make room and give the same command again: the run continues\n"
LESS = "  fix:     a smaller batch_size with a larger accumulate, a smaller dataset.size, or precision=bf16 on a GPU\n"
ENDS = [
    (
        UserError("bad", where="lr", allowed="good", fix="lr=1"),
        2,
        "error: bad\n  where:   lr\n  allowed: good\n  fix:     lr=1\n",
    ),
    (RunError("failed"), 1, "error: failed\n"),
    (Interrupted(signal.SIGINT), 130, "error: interrupted by SIGINT\n"),
    (Interrupted(signal.SIGTERM), 143, "error: interrupted by SIGTERM\n"),
    (KeyboardInterrupt(), 130, "error: interrupted by SIGINT\n"),
    (MemoryError(), 1, f"error: memory ran out: MemoryError\n{LESS}"),
    (ZeroDivisionError("by zero"), 1, f"error: ZeroDivisionError: by zero\n{HINT}"),
    (OSError(28, "No space left on device"), 1, f"error: the disk is full: No space left on device\n{ROOM}"),
    (
        OSError(122, "Disk quota exceeded", "/data/x"),
        1,
        f"error: the disk is full: Disk quota exceeded\n  where:   /data/x\n{ROOM}",
    ),
]


@pytest.mark.parametrize(("error", "code", "message"), ENDS)
def test_the_message_and_the_code(capsys, monkeypatch, error, code, message):
    monkeypatch.delenv("CLRX_DEBUG", raising=False)
    assert exit_code_of(raising(error)) == code
    assert capsys.readouterr() == ("", message)


@pytest.mark.parametrize(("error", "code", "message"), ENDS)
def test_the_traceback_is_for_debugging(capsys, monkeypatch, error, code, message):
    monkeypatch.setenv("CLRX_DEBUG", "1")
    assert exit_code_of(raising(error)) == code
    err = capsys.readouterr().err
    assert err.startswith("Traceback (most recent call last)")
    assert "in command" in err
    assert err.endswith(message)


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
@pytest.mark.parametrize("kind", [AttributeError, UserError, ImportError])
def test_what_becomes_of_a_signal_in_a_library_is_told_as_the_signal(capsys, number, code, kind):
    """SIGINT while OmegaConf copied a node ended as its AttributeError, with exit code 1."""

    def command() -> int:
        try:
            os.kill(os.getpid(), number)
        finally:
            raise kind("'NoneType' object has no attribute '_invalidate_flags_cache'")

    assert exit_code_of(command) == code
    assert capsys.readouterr() == ("", f"error: interrupted by {number.name}\n")


def test_a_chain_of_errors_may_be_a_ring(capsys):
    """`raise known from error` makes one where `error` was met while `known` was handled."""
    known, wrapped = UserError("root is missing"), ValueError("wrapped")
    wrapped.__context__, known.__cause__ = known, wrapped
    assert list(causes(wrapped)) == [wrapped, known]
    assert exit_code_of(raising(wrapped)) == 2
    assert capsys.readouterr() == ("", "error: root is missing\n")


@pytest.mark.parametrize("code", [0, 1, 2])
def test_the_commands_own_code_is_kept(capsys, code):
    assert exit_code_of(lambda: code) == code
    assert capsys.readouterr() == ("", "")


def test_argparse_ends_by_itself():
    with pytest.raises(SystemExit):
        exit_code_of(raising(SystemExit(2)))


def refuse(**_):
    raise UserError("root is missing", where="dataset.root")


def test_a_mistake_found_while_something_is_built_is_a_mistake(capsys):
    """Hydra wraps what a `_target_` raises."""
    node = OmegaConf.create({"_target_": f"{__name__}.refuse"})
    assert exit_code_of(lambda: instantiate(node)) == 2
    assert capsys.readouterr().err == "error: root is missing\n  where:   dataset.root\n"


def test_a_key_that_is_not_there_is_named(capsys):
    cfg = OmegaConf.create({"a": {"b": 1}})
    OmegaConf.set_struct(cfg, True)
    assert exit_code_of(lambda: cfg.a.c) == 2
    assert "there is no key 'a.c'" in capsys.readouterr().err


@pytest.mark.parametrize("only_prints", [True, False])
def test_a_closed_pipe_is_the_end_of_what_only_prints(monkeypatch, only_prints):
    ours, theirs = os.pipe()
    os.close(ours)
    done = []

    def command() -> int:
        print("line", flush=True)
        done.append("the rest")
        return 0

    with os.fdopen(theirs, "w") as stream:
        monkeypatch.setattr(sys, "stdout", stream)
        assert exit_code_of(command, only_prints=only_prints) == (141 if only_prints else 0)
        monkeypatch.undo()
    assert done == ["the rest"]


def test_a_message_is_short_and_steers_no_terminal(capsys):
    names = "\n".join(f"  image {n}: \x1b[2J unreadable" for n in range(300))
    exit_code_of(raising(UserError(f"300 of 900 images:\n{names}", where="/data", fix="mend them")))
    said = capsys.readouterr().err
    assert len(said.splitlines()) <= 41
    assert len(said) < 2300
    assert said.endswith("  where:   /data\n  fix:     mend them\n")
    assert "\x1b" not in said


def test_a_file_that_cannot_be_used_is_named(capsys):
    assert exit_code_of(raising(FileNotFoundError(2, "No such file or directory", "/runs/a/steps.csv"))) == 1
    said = capsys.readouterr().err
    assert said.startswith(
        "error: a file cannot be used: No such file or directory\n  where:   /runs/a/steps.csv\n"
    )
