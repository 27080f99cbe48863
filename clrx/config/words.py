"""The words of a command line as Hydra's grammar reads them: paths and names are taken as they are typed."""

import re
from collections.abc import Sequence

from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override
from hydra.errors import HydraException

from clrx.config.options import CONFIG_DIR, PATH_KEYS, name_keys
from clrx.core.paths import path_of

VALUED = (  # flags of Hydra that take the next word as their value
    *CONFIG_DIR,
    *("--cfg", "-c", "--package", "-p", "--config-path", "-cp", "--config-name", "-cn"),
    "--experimental-rerun",
)
FLAGS = (  # all that Hydra knows
    *VALUED,
    *("--help", "-h", "--hydra-help", "--version", "--resolve", "--run", "-r", "--multirun", "-m"),
    *("--shell-completion", "-sc", "--info", "-i"),
)


def quoted(text: str) -> str:
    """A value that Hydra's grammar reads as this very text; `${...}` in it is still the value of a key."""
    escaped = re.sub(r"(\\*)('|$)", lambda found: found[1] * 2 + ("\\'" if found[2] else ""), text)
    return f"'{escaped}'"


def flags_last(words: Sequence[str]) -> list[str]:
    """The words with flags and their values behind the overrides: Hydra's parser takes overrides in one row only."""
    overrides, flags, rest = [], [], list(words)
    while rest:
        word = rest.pop(0)
        if not word.startswith("-"):
            overrides.append(word)
            continue
        flags.append(word)
        if rest and (word in VALUED or (word in ("--info", "-i") and "=" not in rest[0])):
            flags.append(rest.pop(0))
    return [*overrides, *flags]


def literal_words(words: Sequence[str], several: bool = False) -> list[str]:
    """The words with the values of path and name keys quoted where Hydra would read another value than the text.

    `~` at the start of a path is the home directory. `null`, interpolations and values that are quoted already stay
    as they are. `several`: a value may also be a list, as `clrx sweep` takes them.
    """
    names = name_keys(words)
    return [_literal(word, names, several) for word in words]


def _literal(word: str, names: Sequence[str], several: bool) -> str:
    key, equals, text = word.partition("=")
    name = key.lstrip("+")
    if equals and key in CONFIG_DIR:
        return f"{key}={path_of(text)}"
    if not equals or text == "null" or name not in (*PATH_KEYS, *names):
        return word
    is_path = name in PATH_KEYS
    if several and not (is_path and path_of(text).exists()):
        parts = text.split(",")
        if is_path and len(parts) > 1 and all(path_of(part).exists() for part in parts):
            return f"{key}={','.join(quoted(str(path_of(part))) for part in parts)}"
        if (parsed := _parsed(word)) and parsed.is_sweep_override():
            return word
    text = _unquoted(word, text)
    wanted = str(path_of(text)) if is_path and text.startswith("~") else text
    parsed = _parsed(f"{key}={wanted}")
    same = parsed and not parsed.is_sweep_override() and parsed.value() == wanted
    return f"{key}={wanted if same else quoted(wanted)}"


def _unquoted(word: str, text: str) -> str:
    parsed = _parsed(word) if text[:1] in ("'", '"') else None
    return str(parsed.value()) if parsed and not parsed.is_sweep_override() else text


def _parsed(word: str) -> Override | None:
    """The word in Hydra's grammar; None where it is no override."""
    try:
        return OverridesParser.create().parse_override(word)
    except HydraException:
        return None
