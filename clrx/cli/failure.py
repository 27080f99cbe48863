"""Every way a command can end, turned into one clear message and an exit code."""

import os
import sys
import traceback
from collections.abc import Callable

from clrx.core.errors import FULL, ClrxError, RunError, out_of_memory, ran_out
from clrx.core.signals import Interrupted, listening


def exit_code_of(command: Callable[[], int]) -> int:
    """Run the command; print one message for whatever it raises and return the exit code.

    2 for a mistake of the user, 1 for a failed run, 130 for Ctrl-C, 143 for SIGTERM, 141 where the reader of a pipe
    has gone. CLRX_DEBUG=1 adds the traceback.
    """
    try:
        with listening():
            return command()
    except KeyboardInterrupt:
        return _tell("interrupted", 130)
    except (ClrxError, Interrupted) as error:
        return _tell(f"error: {error}", error.exit_code)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # or Python complains at its exit
        return 141
    except Exception as error:
        return _unexpected(error)


def _unexpected(error: Exception) -> int:
    from clrx.config.compose import as_user_error

    if known := as_user_error(error):
        return _tell(f"error: {known}", known.exit_code)
    if isinstance(error, OSError) and error.errno in FULL:
        fix = "make room and give the same command again: the run continues"
        where = str(error.filename or "")
        return _tell(f"error: {RunError(f'the disk is full: {error.strerror}', where=where, fix=fix)}", 1)
    if ran_out(error):
        return _tell(f"error: {out_of_memory(error)}", 1)
    hint = "CLRX_DEBUG=1 shows where; train.log in the run directory has it all"
    return _tell(f"error: {type(error).__name__}: {error}\n  fix:     {hint}", 1)


def _tell(message: str, code: int) -> int:
    if os.environ.get("CLRX_DEBUG") == "1":
        traceback.print_exc()
    print(message, file=sys.stderr, flush=True)
    return code
