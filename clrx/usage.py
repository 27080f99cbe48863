"""What `clrx COMMAND --help` prints: the groups with their options and the keys with their comments, as written."""

from itertools import takewhile
from pathlib import Path

from clrx.completion import options_of

PLAIN_HELP = {
    "resume": "usage: clrx resume RUN [key=value ...]\n\nContinue the run in the directory RUN with the configuration "
    "that it recorded.\nKeys that cannot change results may be set: workers, logger, memory_budget, "
    "checkpoint.every, device.",
    "report": "usage: clrx report DIR... [key=value ...]\n\nOne offline HTML page, tables and figures of the runs "
    "below the directories.\n\n"
    "  baseline=NAME    configuration or policy that the others are compared with (constant, where there is one)\n"
    "  metric=NAME      of the test set, e.g. auroc, f1, f1_at_0.5 (the one that the runs were selected by)\n"
    "  target=0.8       value of the validation curve to be reached (the baseline's last)\n"
    "  out=DIR          where to write (report/ in the first DIR)\n"
    "  force=true       compare runs on different data or splits; the report says so",
    "verify": "usage: clrx verify RUN [steps=N]\n\nRun the first steps of RUN again and say whether they agree with "
    "its record.",
    "completion": "usage: clrx completion bash|zsh|fish\n\nPrint the script: source <(clrx completion bash)",
}


def command_help(command: str, what: str, conf: Path) -> str:
    """The help of one command, from the configuration's own files."""
    if command in PLAIN_HELP:
        return PLAIN_HELP[command]
    name = command.replace("-", "_")
    own = [] if name == "train" else _own(command, conf / f"{name}.yaml")
    lines = [f"clrx {command}: {what}", "", f"usage: clrx {command} [key=value ...] [group=option ...]", ""]
    lines += ["Groups and their options:", "", *_groups(conf), "", *own]
    lines += ["Keys (conf/train.yaml):", "", *_keys(conf / "train.yaml"), ""]
    lines += ["A group's own keys: --cfg job prints them all; conf/GROUP/OPTION.yaml explains them."]
    return "\n".join(lines)


def _own(command: str, file: Path) -> list[str]:
    """Keys of a command's own; of one that has none what its file says at its head: its words are no keys."""
    if keys := _keys(file):
        return [f"Keys of {command} alone (conf/{file.name}):", "", *keys, ""]
    head = takewhile(lambda line: line.startswith("#"), file.read_text().splitlines())
    return [*(line.removeprefix("#").removeprefix(" ") for line in head), ""]


def _groups(conf: Path) -> list[str]:
    folders = sorted(folder for folder in conf.iterdir() if folder.is_dir() and folder.name != "hydra")
    width = max(len(folder.name) for folder in folders)
    found = [(folder.name, options_of(folder)) for folder in folders]
    return [f"  {name:<{width}}  {', '.join(names)}" for name, names in found if names]


def _keys(file: Path) -> list[str]:
    """The lines of a primary configuration, without its defaults list and what it tells Hydra."""
    kept, skipping = [], False
    for line in file.read_text().splitlines():
        if line and not line[0].isspace() and not line.startswith(("-", "#")):
            skipping = line.startswith(("defaults:", "hydra:"))
        if not skipping and not line.startswith("#"):
            kept.append(f"  {line}".rstrip())
    return "\n".join(kept).strip("\n").splitlines()
