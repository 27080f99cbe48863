"""`clrx completion`: print the script that completes command lines in a shell.

usage: clrx completion bash|zsh|fish

Print the script of a shell, to be read by it at its start: source <(clrx completion bash)
"""

from collections.abc import Sequence
from pathlib import Path

from clrx.config.limits import keys_of as keys_of_kind
from clrx.config.options import PATH_KEYS, groups_of, keys_of, keys_of_group, options_of, values_of
from clrx.config.use import KINDS, option_values
from clrx.core.errors import UserError
from clrx.core.paths import path_of

OF_RUNS = (
    "resume",
    "report",
    "verify",
    "predict",
    "evaluate",
    "explain",
    "export",
)  # commands that take paths
SCRIPTS = {  # bash splits words at `=` and `:`, and takes only what stands behind the last of them
    "bash": """_clrx() {
    local IFS=$'\\n' line=${COMP_LINE:0:COMP_POINT} last found
    last=${line##*[[:space:]]}
    found=($(clrx completion line "$line" 2>/dev/null))
    last=${last%"${last##*[=:]}"}
    COMPREPLY=("${found[@]#"$last"}")
    [[ ${COMPREPLY[0]} == *[=/] ]] && compopt -o nospace
}
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


def main(arguments: Sequence[str], commands: Sequence[str], conf: Path) -> int:
    """Print a shell's script, or, for the scripts, what may come next; the exit code 0.

    `words WORD...` has the words behind `clrx`, the last of them under the cursor; `line TEXT` the whole line.
    """
    if arguments[:1] == ["words"]:
        print("\n".join(words(arguments[1:], commands, conf)))
        return 0
    if arguments[:1] == ["line"]:
        print("\n".join(words(" ".join(arguments[1:]).split(" ")[1:], commands, conf)))
        return 0
    if len(arguments) != 1 or arguments[0] not in SCRIPTS:
        fix = "source <(clrx completion bash)"
        raise UserError("which shell?", where="clrx completion", allowed=", ".join(SCRIPTS), fix=fix)
    print(SCRIPTS[arguments[0]])
    return 0


def words(given: Sequence[str], commands: Sequence[str], conf: Path) -> list[str]:
    """Completions of the last word given; the words before it are the line so far."""
    command, last = (given[0], given[-1]) if given else ("", "")
    if len(given) <= 1:
        return [name for name in commands if name.startswith(last)]
    if command == "list":
        return [name for name in groups_of(conf) if name.startswith(last)]
    if command == "completion":
        return [name for name in SCRIPTS if name.startswith(last)]
    key, equals, text = last.partition("=")
    if command in OF_RUNS and (command not in KINDS or "/" in key):
        return paths(last)
    if command in KINDS:
        return _options(command, key, equals, text) or paths(last)
    if equals and key in PATH_KEYS:
        return [f"{key}={path}" for path in paths(text)]
    if equals:
        before, comma, start = text.rpartition(",")  # a sweep takes several
        names = options_of(conf / key) or values_of(key)
        known = [name for name in names if name.startswith(start) and name not in before.split(",")]
        return [f"{key}={before}{comma}{name}" for name in known]
    return _keys(key, conf)


def _options(command: str, name: str, equals: str, start: str) -> list[str]:
    """Completions of an option of a command that uses a trained network."""
    if equals:
        return [f"{name}={value}" for value in option_values(command, name) if value.startswith(start)]
    return sorted(f"{key.name}=" for key in keys_of_kind(KINDS[command]) if key.name.startswith(name))


def _keys(start: str, conf: Path) -> list[str]:
    within = start.partition(".")[0]
    known = {
        *groups_of(conf),
        *keys_of(conf / "train.yaml"),
        *(keys_of_group(conf / within) if within else ()),
    }
    return sorted(f"{key}=" for key in known if key.startswith(start))


def paths(start: str) -> list[str]:
    """The files and folders whose path begins with `start`, folders with a slash behind them; hidden ones if asked."""
    head, slash, name = start.rpartition("/")
    folder = path_of(head + slash or ".")
    try:
        found = sorted(entry.name + "/" * entry.is_dir() for entry in folder.iterdir())
    except OSError:
        return []
    shown = [one for one in found if one.startswith(name) and (name or not one.startswith("."))]
    return [f"{head}{slash}{one}" for one in shown]
