"""What `clrx --help` and `clrx COMMAND --help` print: a task's own docstring, and the configuration's files as written.

The first line of a task's docstring, after "`clrx COMMAND`: ", is its line of `clrx --help`; the rest is its help.
"""

import ast
from collections.abc import Sequence
from pathlib import Path
from textwrap import wrap
from typing import TYPE_CHECKING

from clrx.config.options import groups_of, options_of
from clrx.core.paths import PACKAGE

if TYPE_CHECKING:
    from omegaconf import DictConfig

TITLE = "clrx: a laboratory bench for learning-rate policies on image classifiers"
EXAMPLES = """examples:
  clrx train
  clrx train model=mobilenet policy=triangular disease=pneumothorax
  clrx train dataset=chestxray14 dataset.root=DIR disease=effusion policy=triangular2 seed=1
  clrx find-lr dataset=microcalcification dataset.root=FILE model=cnn4
  clrx sweep policy=constant,triangular,triangular2 seed=0,1,2
  clrx predict RUN FOLDER out=scores.csv
  clrx COMMAND --help        what can be set
  clrx COMMAND --cfg job     the configuration, without running"""
KEYS = "Keys: NAME  [default]  what is allowed; ${...} is the value of the key that it names."
DATA = "Data: dataset=NAME dataset.root=PATH, a folder, an archive or a file; the phantom draws its own."


def usage(commands: Sequence[str]) -> str:
    """What `clrx --help` prints."""
    width = max(map(len, commands))
    lines = [f"  {name:<{width}}  {_described(name)[0]}" for name in commands]
    return "\n".join([TITLE, "", "usage: clrx COMMAND [key=value ...]", "", *lines, "", EXAMPLES])


def command_help(command: str, conf: Path, words: Sequence[str] = ()) -> str:
    """What `clrx COMMAND WORDS... --help` prints; `conf` is the folder of the configuration.

    The defaults are those of the groups that `words` choose: `model=resnet18`.
    """
    from clrx.config.describe import (
        help_lines,
    )  # Hydra and pydantic come with these: `clrx --help` does without
    from clrx.config.use import KINDS, option_lines

    summary, details = _described(command)
    name = command.replace("-", "_")
    if command in KINDS or not (conf / f"{name}.yaml").is_file():
        text = f"clrx {command}: {summary}\n\n{details}"
        options = option_lines(command) if command in KINDS else ()
        return "\n".join(
            [text, *(["", "Options: NAME  [default]  what is allowed", "", *options] if options else [])]
        )
    lines = [
        f"clrx {command}: {summary}",
        "",
        f"usage: clrx {command} [key=value ...] [group=option ...]",
        "",
    ]
    lines += [details, ""] if details else []
    lines += ["Groups and their options:", "", *_groups(command, conf), "", DATA, ""]
    lines += [KEYS, *help_lines(command, _composed(name, conf, words)), ""]
    lines += ["A group's own keys: docs/configuration.md; `--cfg job` prints the whole configuration."]
    return "\n".join(lines)


def _composed(name: str, conf: Path, words: Sequence[str]) -> "DictConfig":
    """The defaults of a command with the groups that `words` choose, without them where they cannot be composed."""
    from hydra import compose, initialize_config_dir
    from hydra.errors import HydraException

    from clrx.config.compose import register_resolvers

    register_resolvers()
    chosen = [word for word in words if word.partition("=")[0] in groups_of(conf)]
    with initialize_config_dir(str(conf.absolute()), version_base="1.3"):
        try:
            return compose(name, chosen)
        except HydraException:  # a list for a sweep, an option of one's own
            return compose(name)


def _described(command: str) -> tuple[str, str]:
    """(summary, details) of a command, from the docstring of its module, which is not imported: it may load torch."""
    name = f"{command.replace('-', '_')}.py"
    file = next(file for file in (PACKAGE / "task" / name, PACKAGE / "cli" / name) if file.is_file())
    text = ast.get_docstring(ast.parse(file.read_text(encoding="utf-8"))) or ""
    first, _, rest = text.partition("\n")
    return first.partition(": ")[2].rstrip("."), rest.strip()


def _groups(command: str, conf: Path) -> list[str]:
    from clrx.config.describe import WIDTH

    groups = [
        name for name in groups_of(conf) if command == "policy" or name != "figure"
    ]  # figures are of policies
    width = max(map(len, groups))
    found = [(name, options_of(conf / name)) for name in groups]
    return [
        line
        for name, options in found
        for line in wrap(
            ", ".join(options),
            WIDTH,
            initial_indent=f"  {name:<{width}}  ",
            subsequent_indent=" " * (width + 4),
        )
    ]
