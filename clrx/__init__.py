"""clrx: a laboratory bench for learning-rate policies on image classifiers.

The names below are all that notebooks and extensions import (docs/python.md); everything else may move.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from clrx.core.errors import RunError, UserError
    from clrx.data.source import Source
    from clrx.network.body import Body
    from clrx.schedule.progress import Policy, Progress
    from clrx.task.python import Run, find_lr, load_run, train

__version__ = "0.1.0"
__all__ = [
    "Body",
    "Policy",
    "Progress",
    "Run",
    "RunError",
    "Source",
    "UserError",
    "find_lr",
    "load_run",
    "train",
]

_HOMES = {
    "Body": "clrx.network.body",
    "Policy": "clrx.schedule.progress",
    "Progress": "clrx.schedule.progress",
    "RunError": "clrx.core.errors",
    "Source": "clrx.data.source",
    "UserError": "clrx.core.errors",
    **dict.fromkeys(("Run", "find_lr", "load_run", "train"), "clrx.task.python"),
}


def __getattr__(name: str) -> Any:
    """Load a public name when it is first asked for: `import clrx` stays quick."""
    if name not in _HOMES:
        raise AttributeError(f"module 'clrx' has no attribute '{name}'")
    return getattr(import_module(_HOMES[name]), name)
