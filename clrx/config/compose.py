"""From a command line to a configuration and its task, through Hydra."""

import os
import re
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from secrets import token_hex
from typing import Any

import hydra
from hydra.core.hydra_config import HydraConfig
from hydra.errors import HydraException
from omegaconf import DictConfig, OmegaConf, open_dict
from omegaconf.errors import OmegaConfBaseException

from clrx.config.mistakes import Asked, as_user_error, not_an_option, refuse_flags
from clrx.config.options import split_config_dir
from clrx.config.target import allow_folder
from clrx.config.words import flags_last, literal_words
from clrx.core.errors import FULL, UserError
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
    refuse_flags(arguments)
    words = flags_last(literal_words(arguments, several=name == "sweep"))
    program, sys.argv = sys.argv, [f"clrx {name.replace('_', '-')}", *words]
    try:
        hydra.main(config_path=str(conf.absolute()), config_name=name, version_base="1.3")(entry)()
    except (HydraException, OmegaConfBaseException) as error:
        raise as_user_error(error, Asked(name, words, conf)) or error from error
    except ValueError as error:  # Hydra's own, e.g. of policy=null; those of a task are kept by its entry
        raise not_an_option(error) from error
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
    words = [word for word in split_config_dir(arguments)[1] if re.match(r"(?!-|hydra[./])[^=]+=", word)]
    own = allow_own(about)
    choices = {k: v for k, v in about.runtime.choices.items() if not k.startswith("hydra")}
    with open_dict(cfg):
        if not reads_disease(cfg):
            refuse_disease(words)
            del cfg.disease, choices["disease"]
        cfg.run = {
            "dir": _literal(str(directory)),
            "choices": choices,
            "config_dir": _literal(own[-1]) if own else None,
            "command": _literal(" ".join(["clrx", name.replace("_", "-"), *arguments])),
            "overrides": [_literal(word) for word in words],
        }
    try:
        return task(cfg) or 0
    finally:
        remove_empty(directory, Path.cwd() / "outputs")


def allow_own(about: Any) -> list[str]:
    """Let a configuration name the modules in the folders of --config-dir; `about`: its `hydra` node. The folders."""
    own = [one.path for one in about.runtime.config_sources if one.provider == "command-line"]
    for folder in own:
        allow_folder(Path(folder))
    return own


def plain_config(cfg: DictConfig, words: Sequence[str]) -> DictConfig:
    """The configuration of one run of a sweep as its own command would compose it, given the run's words."""
    plain = cfg.copy()
    with open_dict(plain):
        plain.pop("hydra", None)
        if not reads_disease(plain):
            refuse_disease(words)
            plain.pop("disease", None)
    return plain


def reads_disease(cfg: DictConfig) -> bool:
    """Whether the dataset reads conf/disease/: its keys refer to it."""
    return "${disease." in OmegaConf.to_yaml(cfg.dataset)


def refuse_disease(words: Sequence[str]) -> None:
    """UserError where a disease was asked for and the dataset reads none."""
    if asked := [word for word in words if re.match(r"[+~]*disease\b", word)]:
        what = f"{asked[0]}: this dataset reads no disease"
        fix = "leave it out, or dataset=chestxray14"
        raise UserError(what, where="disease", allowed="with dataset=phantom or chestxray14", fix=fix)


def _literal(text: str) -> str:
    """Text that a configuration holds as it is: `lr=${bounds.max_lr}` is what the user typed, not its value."""
    return text.replace("${", "\\${")
