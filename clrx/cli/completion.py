"""Words that may come next on a `clrx` command line, read from the names of files; no Hydra, no torch."""

from pathlib import Path

SHELLS = ("bash", "zsh", "fish")

SCRIPTS = {
    "bash": """_clrx() {
    local IFS=$'\\n'
    COMPREPLY=($(clrx completion words "${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null))
    [[ ${COMPREPLY[0]} == *= ]] && compopt -o nospace
}
COMP_WORDBREAKS=${COMP_WORDBREAKS//=/}
complete -F _clrx clrx""",
    "zsh": """#compdef clrx
_clrx() {
    local -a found
    found=("${(@f)$(clrx completion words "${words[@]:1:$((CURRENT-1))}" 2>/dev/null)}")
    compadd -S '' -- $found
}
compdef _clrx clrx""",
    "fish": """function __clrx_words
    clrx completion words (commandline -opc)[2..] (commandline -ct) 2>/dev/null
end
complete -c clrx -f -a '(__clrx_words)'""",
}


def words(given: list[str], commands: list[str], conf: Path) -> list[str]:
    """Completions of the last word given; the words before it are the line so far."""
    last = given[-1] if given else ""
    if len(given) <= 1:
        return [name for name in commands if name.startswith(last)]
    group, equals, start = last.partition("=")
    if equals:
        return [f"{group}={name}" for name in options_of(conf / group) if name.startswith(start)]
    known = {*_groups(conf), *_keys(conf / "train.yaml"), *_keys_of_options(conf, last.partition(".")[0])}
    return sorted(f"{key}=" for key in known if key.startswith(last))


def _groups(conf: Path) -> list[str]:
    return [folder.name for folder in conf.iterdir() if folder.is_dir() and folder.name != "hydra"]


def options_of(folder: Path) -> list[str]:
    """Names of a group's options, those in sub-folders as folder/name."""
    files = sorted(folder.rglob("*.yaml"))
    names = [str(file.relative_to(folder).with_suffix("")) for file in files if not file.name.startswith("_")]
    return names if folder.is_dir() else []


def _keys_of_options(conf: Path, group: str) -> list[str]:
    """group.key for the keys that any option of the group has; none for a word that is no group."""
    files = (conf / group).glob("*.yaml") if group else []
    own = {key for file in files for key in _keys(file) if not key.startswith("_")}
    return [f"{group}.{key}" for key in own if "." not in key]


def _keys(file: Path) -> list[str]:
    """Top-level keys of a YAML, and one level below, by its indentation."""
    keys, parent = [], ""
    for line in file.read_text().splitlines():
        name, colon, _ = line.strip().partition(":")
        if not colon or line.lstrip().startswith(("#", "-")):
            continue
        if not line.startswith(" "):
            parent = name
            keys.append(name)
        elif line.startswith("  ") and not line.startswith("   "):
            keys.append(f"{parent}.{name}")
    return [key for key in keys if not key.startswith(("hydra", "defaults"))]
