"""`python -m clrx.cli.child PARENT COMMAND...`: clrx as a child that is asked to stop when its parent dies.

Without it a sweep that is killed would leave runs behind that hold their directories and the processor.
"""

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1  # prctl(2)


def stop_with(parent: int) -> None:
    """Have the system send SIGTERM when process `parent` ends (Linux alone has this)."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
        if os.getppid() != parent:  # it died before the call
            sys.exit(128 + signal.SIGTERM)


if __name__ == "__main__":
    stop_with(int(sys.argv[1]))
    from clrx.cli.main import run

    sys.exit(run(sys.argv[2:]))
