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
    *("predict", "evaluate", "explain", "export", "list", "completion"),
)
# commands about run directories: Hydra composes nothing for them
PLAIN = ("resume", "report", "verify", "predict", "evaluate", "explain", "export")
# nothing is run with them
PRINTING = {"-h", "--help", "-V", "--version", "--versions", "--cfg", "cache=list"}
HELP = ("-h", "--help")


def main() -> None:
    """Entry point of `clrx`: exits with 0, 2 (user's mistake), 1 (failed run) or 128 + signal.

    The child of a sweep finds in its environment whose child it is, and where to leave its error.
    """
    if parent := os.environ.pop(PARENT, None):
        stop_with(int(parent))
    error_file = os.environ.pop(ERROR_FILE, None)
    # a run of its own has a report; the sweep of a child writes one on all
    alone = sys.argv[1:2] in (["train"], ["resume"]) and not parent
    options = {"report": True} if alone else {}
    sys.exit(run(sys.argv[1:], Path(error_file) if error_file else None, **options))


def run(arguments: Sequence[str], error_file: Path | None = None, **options: Any) -> int:
    """Run one command line and return its exit code; the message of an error also goes to `error_file`.

    `options` are keyword arguments of the task.
    """
    if arguments and arguments[0] == "help":
        arguments = [*arguments[1:2], "--help"]
    from clrx.cli.failure import exit_code_of

    only_prints = (
        not arguments or bool(PRINTING & {*arguments}) or arguments[0] in ("policy", "list", "completion")
    )
    words = list(arguments) or ["--help"]
    return exit_code_of(lambda: _dispatch(words[0], words[1:], options), error_file, only_prints)


def _dispatch(command: str, arguments: list[str], options: dict[str, Any]) -> int:
    if command in HELP:
        from clrx.cli.usage import usage

        return _say(usage(COMMANDS))
    if command in ("-V", "--version"):
        from clrx import __version__

        return _say(f"clrx {__version__}")
    if command == "--versions":
        from clrx.core.machine import all_versions

        return _say("\n".join(f"{name}=={version}" for name, version in all_versions().items()))
    if command not in COMMANDS:
        fix = did_you_mean(command, COMMANDS)
        raise UserError(f"there is no command '{command}'", allowed=", ".join(COMMANDS), fix=fix)
    if any(word in HELP for word in arguments):
        from clrx.cli.usage import command_help

        words = [word for word in arguments if word not in HELP]
        return _say(command_help(command, conf_dir(), words))
    if arguments[:1] == [command]:
        raise UserError(f"{command} stands twice", where="command line", fix="write it once")
    return _start(command, arguments, options)


def _start(command: str, arguments: list[str], options: dict[str, Any]) -> int:
    if command == "list":
        from clrx.cli.list import main as list_options

        return list_options(arguments, conf_dir())
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
    print(text, flush=True)
    return 0


if __name__ == "__main__":
    main()
