"""`clrx completion bash|zsh|fish`: print the script that completes clrx command lines."""

from clrx.cli.completion import SCRIPTS, words
from clrx.cli.main import COMMANDS
from clrx.core.errors import UserError
from clrx.core.paths import conf_dir


def main(arguments: list[str]) -> int:
    """Print a shell's script; `words` is what the scripts themselves call."""
    if arguments[:1] == ["words"]:
        print("\n".join(words(arguments[1:], list(COMMANDS), conf_dir())))
        return 0
    if len(arguments) != 1 or arguments[0] not in SCRIPTS:
        fix = "source <(clrx completion bash)"
        raise UserError("which shell?", where="clrx completion", allowed=", ".join(SCRIPTS), fix=fix)
    print(SCRIPTS[arguments[0]])
    return 0
