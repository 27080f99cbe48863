"""The command line: the first word picks the task, the rest goes to Hydra. Nothing here imports torch."""

import os
import sys
from collections.abc import Sequence
from typing import Any

from clrx.core.paths import conf_dir

COMMANDS = {
    "train": "train one configuration",
    "resume": "continue an interrupted run: clrx resume RUN [epochs=+N]",
    "find-lr": "find the range of rates to cycle in",
    "policy": "draw and tabulate policies without training",
    "sweep": "race configurations over seeds",
    "report": "compare runs: clrx report DIR...",
    "data": "prepare a dataset and show what it is",
    "verify": "run the first steps of a run again and compare: clrx verify RUN",
    "completion": "print the shell completion: clrx completion bash|zsh|fish",
}
PLAIN = ("resume", "report", "verify", "completion")  # commands about paths, not configurations
EXAMPLES = """examples:
  clrx train
  clrx train model=mobilenet policy=triangular disease=pneumothorax
  clrx train dataset=chestxray14 dataset.root=DIR disease=effusion policy=triangular2 seed=1
  clrx find-lr dataset=microcalcification dataset.root=FILE model=cnn4
  clrx sweep policy=constant,triangular,triangular2 seed=0,1,2
  clrx COMMAND --help        what can be set
  clrx COMMAND --cfg job     the configuration, without running"""


def main() -> None:
    """Entry point of `clrx`: exits with 0, 2 (user's mistake), 1 (failed run) or 128 + signal."""
    sys.exit(run(sys.argv[1:]))


def run(arguments: Sequence[str], **options: Any) -> int:
    """Run one command line and return its exit code; `options` go to the task of train and resume."""
    if not arguments or arguments[0] in ("-h", "--help", "help"):
        return _say(usage())
    if arguments[0] in ("-V", "--version"):
        from clrx import __version__

        return _say(f"clrx {__version__}")
    from clrx.cli.failure import exit_code_of

    return exit_code_of(lambda: _dispatch(arguments[0], list(arguments[1:]), options))


def usage() -> str:
    """What `clrx --help` prints."""
    width = max(map(len, COMMANDS))
    lines = [f"  {name:<{width}}  {what}" for name, what in COMMANDS.items()]
    title = "clrx: a laboratory bench for learning-rate policies on image classifiers"
    return "\n".join([title, "", "usage: clrx COMMAND [key=value ...]", "", *lines, "", EXAMPLES])


def _dispatch(command: str, arguments: list[str], options: dict[str, Any]) -> int:
    from clrx.core.errors import UserError, did_you_mean

    if command not in COMMANDS:
        fix = did_you_mean(command, COMMANDS)
        raise UserError(f"there is no command '{command}'", allowed=", ".join(COMMANDS), fix=fix)
    if arguments and arguments[0] in ("-h", "--help"):
        from clrx.cli.usage import command_help

        return _say(command_help(command, COMMANDS[command], conf_dir()))
    if command in PLAIN:
        from importlib import import_module

        return import_module(f"clrx.task.{command}").main(arguments, **options)
    if command == "sweep":
        from clrx.task.sweep import main as sweep

        return sweep(arguments, conf_dir())
    from clrx.config.compose import run_hydra

    return run_hydra(command.replace("-", "_"), arguments, conf_dir(), **options)


def _say(text: str) -> int:
    try:
        print(text, flush=True)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 0


if __name__ == "__main__":
    main()
