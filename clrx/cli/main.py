"""The command line: the first word is the command, the rest goes to its task. Nothing here imports torch."""

import os
import sys
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

from clrx.core.errors import ERROR_FILE, UserError, did_you_mean
from clrx.core.paths import conf_dir
from clrx.core.signals import PARENT, stop_with

COMMANDS = (
    *("train", "resume", "find-lr", "policy", "sweep", "report", "data", "verify"),
    *("predict", "completion"),
)
PLAIN = (
    "resume",
    "report",
    "verify",
    "predict",
    "evaluate",
    "explain",
    "export",
)  # commands about run directories: Hydra composes nothing for them


HELP = ("-h", "--help")


def main() -> None:
    """Entry point of `clrx`: exits with 0, 2 (user's mistake), 1 (failed run) or 128 + signal.

    The child of a sweep finds in its environment whose child it is, and where to leave its error.
    """
    if parent := os.environ.pop(PARENT, None):
        stop_with(int(parent))
    error_file = os.environ.pop(ERROR_FILE, None)
    sys.exit(run(sys.argv[1:], Path(error_file) if error_file else None))


def run(arguments: Sequence[str], error_file: Path | None = None, **options: Any) -> int:
    """Run one command line and return its exit code; the message of an error also goes to `error_file`.

    `options` are keyword arguments of the task.
    """
    if arguments and arguments[0] == "help":
        arguments = [*arguments[1:2], "--help"]
    if not arguments or arguments[0] in HELP:
        from clrx.cli.usage import usage

        return _say(usage(COMMANDS))
    if arguments[0] in ("-V", "--version"):
        from clrx import __version__

        return _say(f"clrx {__version__}")
    from clrx.cli.failure import exit_code_of

    return exit_code_of(lambda: _dispatch(arguments[0], list(arguments[1:]), options), error_file)


def _dispatch(command: str, arguments: list[str], options: dict[str, Any]) -> int:
    if command not in COMMANDS:
        fix = did_you_mean(command, COMMANDS)
        raise UserError(f"there is no command '{command}'", allowed=", ".join(COMMANDS), fix=fix)
    if any(word in HELP for word in arguments):
        from clrx.cli.usage import command_help

        words = [word for word in arguments if word not in HELP]
        return _say(command_help(command, conf_dir(), words))
    if arguments[:1] == [command]:
        raise UserError(f"{command} stands twice", where="command line", fix="write it once")
    if command == "completion":
        from clrx.cli.completion import main as completion

        return completion(arguments, COMMANDS, conf_dir())
    task = command.replace("-", "_")
    if command in PLAIN:
        return import_module(f"clrx.task.{task}").main(arguments, **options)
    if command == "sweep":
        from clrx.task.sweep import main as sweep

        return sweep(arguments, conf_dir())
    from clrx.config.compose import run_hydra

    def run_task(cfg: Any) -> int | None:  # imported now: a mistake in the composition is told without torch
        return import_module(f"clrx.task.{task}").task(cfg, **options)

    return run_hydra(task, run_task, arguments, conf_dir())


def _say(text: str) -> int:
    try:
        print(text, flush=True)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 0


if __name__ == "__main__":
    main()
