"""From a command line to a configuration and its task, through Hydra; Hydra's complaints in plain words."""

import os
import re
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from secrets import token_hex
from typing import Any

import hydra
from hydra.core.hydra_config import HydraConfig
from hydra.errors import HydraException, MissingConfigException, OverrideParseException
from omegaconf import DictConfig, OmegaConf, open_dict
from omegaconf.errors import OmegaConfBaseException

from clrx.config.options import options_of
from clrx.config.target import allow_folder
from clrx.core.errors import FULL, ClrxError, UserError, causes, did_you_mean
from clrx.core.paths import remove_empty

Task = Callable[[DictConfig], int | None]  # runs a composed configuration; its exit code, None for 0


def run_hydra(name: str, task: Task, arguments: list[str], conf: Path) -> int:
    """Compose conf/<name>.yaml with the overrides and run the task with it; the exit code."""
    codes: list[int] = []
    errors: list[BaseException] = []

    def entry(cfg: DictConfig) -> None:
        try:
            codes.append(run_task(name, task, cfg, arguments))
        except Exception as error:  # kept from Hydra, which would print it its own way
            errors.append(error)

    call_hydra(name, arguments, conf, entry)
    if errors:
        raise errors[0]
    return max(codes, default=0)


def call_hydra(name: str, arguments: list[str], conf: Path, entry: Callable[[DictConfig], object]) -> None:
    """Have Hydra compose conf/<name>.yaml with the overrides and call `entry`, once or once a job of a sweep."""
    register_resolvers()
    os.environ["HYDRA_FULL_ERROR"] = "1"  # exceptions reach our own handler instead of Hydra's printer
    program, sys.argv = sys.argv, [f"clrx {name.replace('_', '-')}", *arguments]
    try:
        hydra.main(config_path=str(conf.absolute()), config_name=name, version_base="1.3")(entry)()
    except (HydraException, OmegaConfBaseException) as error:
        chosen = [word for word in arguments if (conf / word.partition("=")[0]).is_dir()]
        raise as_user_error(error, conf / f"{name}.yaml", chosen) or error from error
    except ValueError as error:  # Hydra's own, e.g. of policy=null; those of a task are kept by its entry
        raise UserError(str(error).splitlines()[0], where="command line") from error
    except OSError as error:
        if error.filename is None or error.errno in FULL:
            raise
        fix = "hydra.run.dir=DIR names another place"
        what = f"the run directory cannot be made: {error.strerror}"
        raise UserError(what, where=str(Path(error.filename).absolute()), fix=fix) from error
    finally:
        sys.argv = program


def register_resolvers() -> None:
    """`${unique:}`: eight random hex digits, the same wherever one configuration uses it."""
    OmegaConf.register_new_resolver("unique", lambda: token_hex(4), replace=True, use_cache=True)


def run_task(name: str, task: Task, cfg: DictConfig, arguments: list[str]) -> int:
    """Run a task with the directory, the choices and the words of this invocation written under `cfg.run`."""
    about = HydraConfig.get()
    directory = Path(about.runtime.output_dir)
    words = OmegaConf.to_container(about.overrides.task)  # a loop over the node would resolve what is in them
    assert isinstance(words, list)
    own = [one.path for one in about.runtime.config_sources if one.provider == "command-line"]
    for folder in own:
        allow_folder(Path(folder))
    choices = {k: v for k, v in about.runtime.choices.items() if not k.startswith("hydra")}
    with open_dict(cfg):
        if not reads_disease(cfg):
            refuse_disease(cfg, words)
            del cfg.disease, choices["disease"]
        cfg.run = {
            "dir": _literal(str(directory)),
            "choices": choices,
            "config_dir": _literal(own[-1]) if own else None,
            "command": _literal(" ".join(["clrx", name.replace("_", "-"), *arguments])),
            "overrides": [_literal(str(word)) for word in words],
        }
    try:
        return task(cfg) or 0
    finally:
        remove_empty(directory, Path.cwd() / "outputs")


def reads_disease(cfg: DictConfig) -> bool:
    """Whether the dataset reads conf/disease/: its keys refer to it."""
    return "${disease." in OmegaConf.to_yaml(cfg.dataset)


def refuse_disease(cfg: DictConfig, words: list[Any]) -> None:
    """UserError where a disease was asked for and the dataset reads none."""
    if asked := [word for word in map(str, words) if re.match(r"[+~]*disease\b", word)]:
        what = f"{asked[0]}: this dataset reads no disease"
        fix = "leave it out, or dataset=chestxray14"
        raise UserError(what, where="disease", allowed="with dataset=phantom or chestxray14", fix=fix)


def _literal(text: str) -> str:
    """Text that a configuration holds as it is: `lr=${bounds.max_lr}` is what the user typed, not its value."""
    return text.replace("${", "\\${")


def as_user_error(
    error: BaseException, primary: Path | None = None, chosen: Sequence[str] = ()
) -> ClrxError | None:
    """A configuration mistake as a UserError; None where the error is not about configuration.

    `chosen` are the group=option overrides: their keys are among those that an unknown key is compared with.
    """
    chain = list(causes(error))
    for link in chain:
        if isinstance(link, ClrxError):
            return link
    for link in chain:
        if isinstance(link, MissingConfigException):
            return _missing_option(link, primary and primary.parent)
        if isinstance(link, OverrideParseException):
            fix = "write key=value; quote values with spaces or commas: 'key=\"a b\"'"
            return UserError(f"'{link.override}' is not an override", allowed="key=value", fix=fix)
        if isinstance(link, HydraException | OmegaConfBaseException):
            return _bad_key(chain, primary, chosen)
    return None


def _missing_option(error: MissingConfigException, conf: Path | None) -> UserError:
    group, _, name = (error.missing_cfg_file or "").partition("/")
    if not name:
        return UserError(" ".join(str(error).partition("Config search path")[0].split()))
    options = options_of(conf / group) if conf else []
    what = f"{group}={name}: there is no {group} '{name}'"
    return UserError(what, allowed=", ".join(options), fix=did_you_mean(name, options))


def _bad_key(chain: list[BaseException], primary: Path | None, chosen: Sequence[str]) -> UserError:
    text = "\n".join(str(link) for link in chain)
    if key := re.search(r"Could not override '([^']+)'", text) or re.search(r"full_key: (\S+)", text):
        unknown = "not in struct" in text or "not in" in text
        if unknown:
            return unknown_key(key.group(1), primary, chosen)
        return UserError(f"{key.group(1)}: {str(chain[-1]).splitlines()[0]}", where=key.group(1))
    return UserError(str(chain[0]).splitlines()[0])


def unknown_key(key: str, primary: Path | None, chosen: Sequence[str] = ()) -> UserError:
    """The message for a key that no YAML has, with the nearest names that one has."""
    fix = did_you_mean(key, known_keys(primary, chosen)) if primary else ""
    allowed = "the keys that `--cfg job` prints"
    return UserError(f"there is no key '{key}'", where="command line", allowed=allowed, fix=fix)


def known_keys(primary: Path, chosen: Sequence[str] = ()) -> list[str]:
    """Dotted names of all keys of the primary configuration with its groups, chosen or default."""
    from hydra import compose, initialize_config_dir
    from hydra.core.global_hydra import GlobalHydra

    GlobalHydra.instance().clear()
    with initialize_config_dir(str(primary.parent.absolute()), version_base="1.3"):
        return list(_dotted(OmegaConf.to_container(compose(primary.stem, list(chosen)), resolve=False)))


def _dotted(node: object, prefix: str = ""):
    if isinstance(node, dict):
        for key, value in node.items():
            yield f"{prefix}{key}"
            yield from _dotted(value, f"{prefix}{key}.")
