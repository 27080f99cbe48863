"""What a person sees: a live line on a terminal, plain whole lines elsewhere."""

import io
import logging
import os
import pty
import subprocess
import sys

import pytest
from rich.console import Console

from clrx.core import console as screen
from clrx.core.console import open_screen, say
from clrx.training.finish import metrics_table

log = logging.getLogger("clrx")
LONG = "main  1/8  lr 1.00e-02  " + "train loss 0.6931 " * 10 + "in /runs/[bold]x[1]/:smile:"


@pytest.fixture
def plain(monkeypatch):
    """What is printed where there is no terminal."""
    out = io.StringIO()
    monkeypatch.setattr(screen, "console", Console(file=out, highlight=False, emoji=False, width=80))
    return out


def test_a_line_is_a_line_as_it_is(plain):
    with open_screen():
        log.info(LONG)
        log.warning("%s: %d", "watch out", 3)
        log.debug("not for people")
        say(LONG)
    assert plain.getvalue().splitlines() == [LONG, "warning: watch out: 3", LONG]


def test_a_traceback_is_for_the_log_alone(plain):
    with open_screen():
        log.error("failed: %s", "x", exc_info=ZeroDivisionError("x"))
        log.error("without one")
    assert plain.getvalue() == "error: without one\n"


def test_the_bar_is_silent_without_a_terminal(plain):
    with open_screen() as seen:
        seen.start("[/main] 1", 10, 2)
        seen.advance(3, "lr [0.1]  loss 0.5")
        seen.decoding()(5, 100)
        seen.hide()
    assert plain.getvalue() == ""


def test_the_log_is_as_it_was_afterwards(plain):
    before = list(log.handlers)
    with open_screen():
        assert len(log.handlers) == len(before) + 1
    assert log.handlers == before
    with pytest.raises(KeyError), open_screen():
        raise KeyError
    assert log.handlers == before


LIVE = """
import logging
from clrx.core.console import open_screen
with open_screen() as seen:
    seen.decoding()(50, 400)
    seen.start("[/main] 1", 10, 2)
    seen.advance(7, "lr [0.1]  loss 0.5")
    logging.getLogger("clrx").info("epoch [1] done")
"""


def test_a_terminal_shows_the_live_line_beside_the_log():
    ours, theirs = pty.openpty()
    environment = os.environ | {"TERM": "xterm", "COLUMNS": "120"}
    done = subprocess.run(
        [sys.executable, "-c", LIVE], stdout=theirs, stderr=theirs, env=environment, timeout=60
    )
    os.close(theirs)
    shown = os.read(ours, 100_000).decode()
    os.close(ours)
    assert done.returncode == 0, shown
    for part in ("[/main] 1", "7/10", "lr [0.1]  loss 0.5", "epoch [1] done"):
        assert part in shown


@pytest.mark.parametrize("columns", ["0", "10", "80"])
def test_a_narrow_terminal_loses_no_number(monkeypatch, columns):
    """Columns of a table were cut to `0...`, or left out."""
    out = io.StringIO()
    known = {} if columns == "0" else {"COLUMNS": columns}
    monkeypatch.setattr(screen, "console", Console(file=out, _environ=known))
    entry = {"value": 0.12345, "low": 0.1, "high": 0.25}
    screen.show(metrics_table({"auroc": entry, "auroc_[red]x[/]": entry, "f1_at_0.5": entry, "f1": entry}))
    shown = out.getvalue()
    assert shown.count("0.1235") == 4
    assert shown.count("0.2500") == 3
    assert "auroc_[red]x[/]" in shown
