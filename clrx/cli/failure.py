"""Every way a command can end, turned into one clear message and an exit code."""

import os
import signal
import sys
import traceback
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from clrx.core.errors import FULL, ClrxError, RunError, out_of_memory, ran_out
from clrx.core.signals import Interrupted, listening


def exit_code_of(command: Callable[[], int], error_file: Path | None = None) -> int:
    """Run the command and return its exit code; print one message for whatever it raises.

    2 for a mistake of the user, 1 for a failed run, 130 for Ctrl-C, 143 for SIGTERM, 141 where the reader of a pipe
    has gone. CLRX_DEBUG=1 adds the traceback. The message is written to `error_file` too, where one is given.
    """
    try:
        with listening():
            return command()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # or Python complains at its exit
        return 141
    except (Exception, KeyboardInterrupt, Interrupted) as error:
        known = _known(error)
        if os.environ.get("CLRX_DEBUG") == "1":
            traceback.print_exc()
        if error_file:
            with suppress(OSError):
                error_file.write_text(str(known), encoding="utf-8")
        print(f"error: {known}", file=sys.stderr, flush=True)
        return known.exit_code


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
    hint = "CLRX_DEBUG=1 shows where; train.log in the run directory has it all"
    return RunError(f"{type(error).__name__}: {error}", fix=hint)
