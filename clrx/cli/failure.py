"""Every way a command can end, turned into one clear message and an exit code."""

import os
import signal
import sys
import traceback
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from clrx.core.errors import FULL, ClrxError, RunError, out_of_memory, ran_out
from clrx.core.files import write_text
from clrx.core.output import GONE, forgiving_output, visible
from clrx.core.signals import Interrupted, listening

LINES, LETTERS = 40, 2000  # of a message at most


def exit_code_of(
    command: Callable[[], int], error_file: Path | None = None, only_prints: bool = False
) -> int:
    """Run the command and return its exit code; print one message for whatever it raises.

    2 for a mistake of the user, 1 for a failed run, 130 for Ctrl-C, 143 for SIGTERM. Output that cannot be written
    ends no command; of one that `only_prints` it is the end: 141 where its reader has gone, 1 where a device is full.
    CLRX_DEBUG=1 adds the traceback. The message is written to `error_file` too, where one is given.
    """
    with forgiving_output() as outputs:
        code = _code_of(command, error_file)
    lost = next((output.lost for output in outputs if output.lost and output.stream is not sys.stderr), None)
    if code == 0 and only_prints and lost:
        if lost.errno in GONE:
            return 141
        print(f"error: the output cannot be written: {lost.strerror}", file=sys.stderr)
        return 1
    return code


def _code_of(command: Callable[[], int], error_file: Path | None) -> int:
    try:
        with listening():
            return command()
    except (Exception, KeyboardInterrupt, Interrupted) as error:
        known = _known(error)
        if os.environ.get("CLRX_DEBUG") == "1":
            traceback.print_exc()
        if error_file:
            with suppress(OSError):
                write_text(error_file, visible(str(known)))
        print(f"error: {visible(shortened(str(known)))}", file=sys.stderr, flush=True)
        return known.exit_code


def shortened(message: str) -> str:
    """A message of at most LINES lines and LETTERS letters: its beginning, and its end, where the fix is."""
    if len(message) > LETTERS:
        half = LETTERS // 2 - 20
        left = len(message) - 2 * half
        message = f"{message[:half]} ... {left:,} letters ... {message[-half:]}"
    lines = message.split("\n")
    if len(lines) > LINES:
        lines[LINES // 2 : LINES // 2 + 1 - LINES] = [f"  ... {len(lines) - LINES + 1:,} lines ..."]
    return "\n".join(lines)


def _known(error: BaseException) -> ClrxError | Interrupted:
    """The error as one that has a clear message and an exit code."""
    if isinstance(error, ClrxError | Interrupted):
        return error
    if isinstance(error, KeyboardInterrupt):
        return Interrupted(signal.SIGINT)
    from clrx.config.mistakes import as_user_error  # it brings Hydra

    if known := as_user_error(error):
        return known
    if isinstance(error, OSError) and error.errno in FULL:
        fix = "make room and give the same command again: the run continues"
        return RunError(f"the disk is full: {error.strerror}", where=str(error.filename or ""), fix=fix)
    if ran_out(error):
        return out_of_memory(error)
    if isinstance(error, OSError) and isinstance(error.filename, str | bytes) and error.strerror:
        fix = "see that it is there, a plain file or folder, and yours to read and write"
        what = f"a file cannot be used: {error.strerror}"
        return RunError(what, where=os.fsdecode(error.filename), fix=fix)
    hint = "CLRX_DEBUG=1 shows where; train.log in the run directory has it all"
    return RunError(f"{type(error).__name__}: {error}", fix=hint)
