"""What Hydra and OmegaConf raise for a command line, as one clear message: cause, key, what is allowed, fix."""

import re
import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from hydra.errors import HydraException, MissingConfigException, OverrideParseException
from omegaconf import OmegaConf
from omegaconf.errors import OmegaConfBaseException

from clrx.config.options import options_of, split_config_dir
from clrx.config.words import quoted
from clrx.core.errors import ClrxError, UserError, causes, did_you_mean, first_line

ALL_KEYS = "clrx COMMAND --help lists all keys, --cfg job prints their values"


class Asked(NamedTuple):
    """A command line that was composed when something went wrong."""

    name: str  # of the primary configuration: train, find_lr, ...
    words: Sequence[str]
    conf: Path  # the folder of the packaged configuration

    @property
    def folders(self) -> list[Path]:
        """The folders that options come from: the packaged configuration, and those of --config-dir."""
        return [self.conf, *map(Path, split_config_dir(self.words)[0])]


def as_user_error(error: BaseException, asked: Asked | None = None) -> ClrxError | None:
    """A mistake in the configuration as a UserError; None where the error is not about configuration.

    `asked`, where it is known, tells the names that a misspelt one is compared with.
    """
    chain = list(causes(error))
    for link in chain:
        if isinstance(link, ClrxError):
            return link
    for link in chain:
        if isinstance(link, MissingConfigException):
            return _missing_option(link, asked)
        if isinstance(link, OverrideParseException):
            return _no_override(link.override)
        if isinstance(link, HydraException | OmegaConfBaseException):
            return _bad_key(chain, asked)
    return None


def not_an_option(error: ValueError) -> UserError:
    """The UserError for what Hydra raises where a group is given something that is no name, e.g. `policy=null`."""
    what = f"a group takes the name of one of its options: {first_line(error)}"
    return UserError(what, where="command line", allowed="GROUP=OPTION", fix="clrx COMMAND --help lists them")


def _no_override(word: str) -> UserError:
    key, equals, text = word.partition("=")
    fix = f"quote the value: {shlex.quote(f'{key}={quoted(text)}')}" if equals else f"{word}=VALUE"
    if not re.fullmatch(r"[+~]*[\w.@/:-]+", key):
        fix = "a key has letters, digits, _ and . only"
    return UserError(f"'{word}' is not an override", where=key, allowed="key=value", fix=fix)


def _missing_option(error: MissingConfigException, asked: Asked | None) -> UserError:
    group, _, name = (error.missing_cfg_file or "").partition("/")
    if not name:
        what = " ".join(str(error).partition("Config search path")[0].split())
        return UserError(what, where="command line", fix="--config-dir DIR names a folder that exists")
    options = [name for folder in asked.folders for name in options_of(folder / group)] if asked else []
    fix = did_you_mean(name, options) or (f"{group}=OPTION" if options else ALL_KEYS)
    what = f"{group}={name}: there is no {group} '{name}'"
    return UserError(what, where=group, allowed=", ".join(options), fix=fix)


def _bad_key(chain: list[BaseException], asked: Asked | None) -> UserError:
    text = "\n".join(str(link) for link in chain)
    if several := re.search(r"Ambiguous value for argument '(.*)'", text):
        word = several[1]
        fix = f"clrx sweep {shlex.quote(word)}; or, of one text: {_no_override(word).fix.removeprefix('quote ')}"
        return UserError(
            f"{word} is several values", where=word.partition("=")[0], allowed="one value", fix=fix
        )
    if "Additional config directory" in text:
        fix = "--config-dir DIR names a folder that exists"
        return UserError(first_line(chain[0]), where="--config-dir", allowed="a folder", fix=fix)
    found = re.search(r"Could not override '([^']+)'", text) or re.search(r"full_key: (\S+)", text)
    key = found[1] if found else ""
    if key and "not in" in text:
        known = _known_keys(asked) if asked else []
        fix = did_you_mean(key, known) or ALL_KEYS
        allowed = "the keys that `--cfg job` prints"
        return UserError(f"there is no key '{key}'", where="command line", allowed=allowed, fix=fix)
    what = f"{key}: {first_line(chain[-1])}" if key else first_line(chain[0])
    return UserError(what, where=key or "command line", allowed="key=value, group=option", fix=ALL_KEYS)


def _known_keys(asked: Asked) -> list[str]:
    """Dotted names of all keys of the configuration with its groups, by default or as chosen."""
    from hydra import compose, initialize_config_dir
    from hydra.core.global_hydra import GlobalHydra

    chosen = [
        word for word in asked.words if (asked.conf / word.partition("=")[0]).is_dir() and "," not in word
    ]
    own = ",".join(quoted(f"file://{folder.absolute()}") for folder in asked.folders[1:])
    GlobalHydra.instance().clear()
    with initialize_config_dir(str(asked.conf.absolute()), version_base="1.3"):
        composed = compose(asked.name, [*chosen, f"hydra.searchpath=[{own}]"])
        return list(_dotted(OmegaConf.to_container(composed, resolve=False)))


def _dotted(node: object, prefix: str = ""):
    if isinstance(node, dict):
        for key, value in node.items():
            yield f"{prefix}{key}"
            yield from _dotted(value, f"{prefix}{key}.")
