"""`clrx completion`: print the script that completes command lines in a shell.

usage: clrx completion bash|zsh|fish

Print the script of a shell, to be read by it at its start: source <(clrx completion bash)
"""

from collections.abc import Sequence
from pathlib import Path

from clrx.config.limits import keys_of as keys_of_kind
from clrx.config.options import groups_of, keys_of, keys_of_group, options_of, values_of
from clrx.config.use import KINDS, option_values
from clrx.core.errors import UserError

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


def main(arguments: Sequence[str], commands: Sequence[str], conf: Path) -> int:
    """Print a shell's script, or for `words WORD...`, which the scripts call, what may come next; the exit code 0."""
    if arguments[:1] == ["words"]:
        print("\n".join(words(arguments[1:], commands, conf)))
        return 0
    if len(arguments) != 1 or arguments[0] not in SCRIPTS:
        fix = "source <(clrx completion bash)"
        raise UserError("which shell?", where="clrx completion", allowed=", ".join(SCRIPTS), fix=fix)
    print(SCRIPTS[arguments[0]])
    return 0


def words(given: Sequence[str], commands: Sequence[str], conf: Path) -> list[str]:
    """Completions of the last word given; the words before it are the line so far."""
    last = given[-1] if given else ""
    if len(given) <= 1:
        return [name for name in commands if name.startswith(last)]
    group, equals, start = last.partition("=")
    if given[0] in KINDS:
        return _options(given[0], group, equals, start)
    if equals:
        return [
            f"{group}={name}"
            for name in options_of(conf / group) or values_of(group)
            if name.startswith(start)
        ]
    within = group.partition(".")[0]
    known = {
        *groups_of(conf),
        *keys_of(conf / "train.yaml"),
        *(keys_of_group(conf / within) if within else ()),
    }
    return sorted(f"{key}=" for key in known if key.startswith(last))


def _options(command: str, name: str, equals: str, start: str) -> list[str]:
    """Completions of an option of a command that uses a trained network; paths are the shell's own to complete."""
    if equals:
        return [f"{name}={value}" for value in option_values(command, name) if value.startswith(start)]
    return sorted(f"{key.name}=" for key in keys_of_kind(KINDS[command]) if key.name.startswith(name))
