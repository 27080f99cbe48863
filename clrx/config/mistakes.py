"""What Hydra and OmegaConf raise for a command line, as one clear message: cause, key, what is allowed, fix."""

import re
import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from hydra.errors import HydraException, MissingConfigException, OverrideParseException
from omegaconf import OmegaConf
from omegaconf.errors import OmegaConfBaseException

from clrx.config.aliases import key_here, option_here
from clrx.config.options import options_of, split_config_dir
from clrx.config.words import FLAGS, VALUED, quoted
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


def refuse_flags(words: Sequence[str]) -> None:
    """UserError for an option with dashes, `--epochs 5`: keys are written `epochs=5`."""
    for place, word in enumerate(words):
        flag, equals, value = word.partition("=")
        if not flag.startswith("-") or flag in FLAGS or (place and words[place - 1] in VALUED):
            continue
        behind = words[place + 1] if place + 1 < len(words) and not equals else ""
        name = flag.lstrip("-").replace("-", "_")
        value = value or ("" if "=" in behind or behind.startswith("-") else behind) or "VALUE"
        said = f"{word} {value}" if not equals and value == behind else word
        fix = f"write {key_here(f'{name}={value}') or f'{name}={value}'}" if len(name) > 1 else ALL_KEYS
        raise UserError(f"{said}: keys are set without dashes", where=flag, allowed="KEY=VALUE", fix=fix)


def _no_override(word: str) -> UserError:
    key, equals, text = word.partition("=")
    fix = f"quote the value: {_in_quotes(key, text)}" if equals else f"{word}=VALUE"
    if not re.fullmatch(r"[+~]*[\w.@/:-]+", key):
        fix = "a key has letters, digits, _ and . only"
    return UserError(f"'{word}' is not an override", where=key, allowed="key=value", fix=fix)


def _in_quotes(key: str, text: str) -> str:
    """KEY='TEXT' as a shell is given it."""
    word = f"{key}={quoted(text)}"
    return shlex.quote(word) if re.search(r'["$`\\!]', word) else f'"{word}"'


def _missing_option(error: MissingConfigException, asked: Asked | None) -> UserError:
    group, _, name = (error.missing_cfg_file or "").partition("/")
    if not name:
        what = " ".join(str(error).partition("Config search path")[0].split())
        return UserError(what, where="command line", fix="--config-dir DIR names a folder that exists")
    options = [name for folder in asked.folders for name in options_of(folder / group)] if asked else []
    known = option_here(group, name)
    fix = f"write {known}" if known else did_you_mean(name, options)
    if not fix and group == "model":
        fix = f"write model=timm model.name={name}, if it is one of timm's"
    if not fix and group == "dataset":
        fix = "write dataset=image_folder dataset.root=DIR, or dataset=csv dataset.root=FILE, for images of your own"
    fix = fix or (f"{group}=OPTION" if options else ALL_KEYS)
    what = f"{group}={name}: there is no {group} '{name}'"
    return UserError(what, where=group, allowed=", ".join(options), fix=fix)


def _bad_key(chain: list[BaseException], asked: Asked | None) -> UserError:
    text = "\n".join(str(link) for link in chain)
    if several := re.search(r"Ambiguous value for argument '(.*)'", text):
        return _several_values(several[1])
    if "Additional config directory" in text:
        fix = "--config-dir DIR names a folder that exists"
        return UserError(first_line(chain[0]), where="--config-dir", allowed="a folder", fix=fix)
    found = re.search(r"Could not override '([^']+)'", text) or re.search(r"full_key: (\S+)", text)
    key = found[1] if found else ""
    if key and "not in" in text:
        known = _known_keys(asked) if asked else []
        words = asked.words if asked else []
        given = next((word for word in words if word.partition("=")[0] == key), f"{key}=VALUE")
        known_as = key_here(given)
        fix = f"write {known_as}" if known_as else did_you_mean(key, known) or ALL_KEYS
        allowed = "the keys that `--cfg job` prints"
        return UserError(f"there is no key '{key}'", where="command line", allowed=allowed, fix=fix)
    what = f"{key}: {first_line(chain[-1])}" if key else first_line(chain[0])
    return UserError(what, where=key or "command line", allowed="key=value, group=option", fix=ALL_KEYS)


def _several_values(word: str) -> UserError:
    """The UserError for `lr=0.1,0.2` where one run is asked for."""
    key, _, text = word.partition("=")
    fix = f"clrx sweep {shlex.quote(key_here(word) or word)} has a run for each"
    allowed = _allowed(key)
    if re.fullmatch(r"-?\d+,\d+", text) and allowed.startswith("a number"):
        fix = f"write {key}={text.replace(',', '.')}; {fix}"
    elif allowed.startswith("text"):
        fix += f"; one text: {_in_quotes(key, text)}"
    return UserError(f"{word} is several values", where=key, allowed="one value", fix=fix)


def _allowed(key: str) -> str:
    from clrx.config.limits import allowed_values  # it brings pydantic
    from clrx.config.schema import TrainConfig

    return allowed_values(TrainConfig, key.split("."))


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
