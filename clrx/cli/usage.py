"""What `clrx COMMAND --help` prints: the groups with their options and the keys with their comments, as written."""

from itertools import takewhile
from pathlib import Path

from clrx.cli.completion import options_of

DATA = "Data: dataset=NAME dataset.root=PLACE, a folder, an archive or a file; the phantom draws its own."
REPORT_OPTIONS = {
    "baseline": "configuration or policy that the others are compared with (constant, where there is one)",
    "metric": "of the test set: auroc, f1, f1_at_0.5, ... (the one that the runs were selected by)",
    "target": "value of the validation curve that the runs race to, e.g. 0.8 (the baseline's last)",
    "force": "true: compare runs of different splits or data all the same; the report says so",
    "out": "folder to write to (report/ in the first DIR)",
}
PLAIN_HELP = {
    "resume": "usage: clrx resume RUN [key=value ...]\n\nContinue the run in the directory RUN with the configuration "
    "that it recorded.\nKeys that cannot change results may be set: workers, logger, memory_budget, "
    "checkpoint.every, device (not from a CPU to a GPU).\n\n"
    "  epochs=+N   N more epochs, of a complete or an interrupted run; epochs=N: N in all",
    "report": "usage: clrx report DIR... [key=value ...]\n\nOne offline HTML page, tables and figures of the runs "
    "below the directories.\n\n"
    + "\n".join(f"  {name + '=':<10} {what}" for name, what in REPORT_OPTIONS.items()),
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
    lines += ["Groups and their options:", "", *_groups(command, conf), "", DATA, "", *own]
    lines += ["Keys (conf/train.yaml):", "", *_keys(conf / "train.yaml"), ""]
    lines += ["A group's own keys: --cfg job prints them all; conf/GROUP/OPTION.yaml explains them."]
    return "\n".join(lines)


def _own(command: str, file: Path) -> list[str]:
    """Keys of a command's own; of one that has none what its file says at its head: its words are no keys."""
    if keys := _keys(file):
        return [f"Keys of {command} alone (conf/{file.name}):", "", *keys, ""]
    head = takewhile(lambda line: line.startswith("#"), file.read_text().splitlines())
    return [*(line.removeprefix("#").removeprefix(" ") for line in head), ""]


def _groups(command: str, conf: Path) -> list[str]:
    others = {"hydra"} if command == "policy" else {"hydra", "figure"}  # figures are of policies
    folders = sorted(folder for folder in conf.iterdir() if folder.is_dir() and folder.name not in others)
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
