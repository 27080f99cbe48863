"""`clrx resume`: continue a run from its directory, or make it longer.

usage: clrx resume RUN [key=value ...] [--config-dir DIR]

Continue the run in the directory RUN with the configuration that it recorded.
Keys that cannot change results may be set: workers, logger, memory_budget, checkpoint.every, device (not from a CPU to
a GPU).

  epochs=+N          N more epochs, of a complete or an interrupted run; epochs=N: N in all
  --config-dir DIR   the folder of your own options and modules, of a run that uses some: it says that you trust them
"""

from pathlib import Path
from typing import Any

from hydra.core.override_parser.overrides_parser import OverridesParser
from omegaconf import DictConfig, OmegaConf

from clrx.config.load import load, recorded
from clrx.config.options import split_config_dir
from clrx.config.target import allow_folder, suggest_folder
from clrx.core.errors import UserError, did_you_mean
from clrx.core.paths import path_of
from clrx.run.directory import refuse_other_run
from clrx.run.read import require_run
from clrx.task import train
from clrx.training.extend import extend_run
from clrx.training.preflight import check_config


def main(arguments: list[str], **options: Any) -> int:
    """Continue the run in the directory named; key=value words may change what cannot change results.

    `epochs=+N` makes the run longer (clrx.training.extend says how), also a complete one. `options` go to train.task.
    """
    path, words, folder = run_and_words("resume", arguments)
    epochs = [word.removeprefix("epochs=") for word in words if word.startswith("epochs=")]
    others = [word for word in words if not word.startswith("epochs=")]
    raw = _with(recorded_config(path, folder), others)
    if epochs:
        check_config(load(raw))
        refuse_other_run(path, recorded(raw))
        config = recorded(recorded_config(path))
        extend_run(path, config, epochs[-1], lambda plain: load(OmegaConf.create(plain)))
        raw = _with(recorded_config(path, folder), others)
    return train.task(raw, **options)


def run_and_words(command: str, arguments: list[str]) -> tuple[Path, list[str], Path | None]:
    """(run directory, key=value words, folder of --config-dir) of the command line of `resume` and `verify`.

    A first word that is an existing directory is the run's, also with an equals sign in it, as a sweep's runs have.
    """
    folders, words = split_config_dir(arguments)
    if not words or ("=" in words[0] and not path_of(words[0]).is_dir()):
        what = f"which run? There is no directory {words[0]}" if words else "which run?"
        fix = f"clrx {command} RUN"
        raise UserError(what, where=f"clrx {command}", allowed="the directory of a run", fix=fix)
    return path_of(words[0]), words[1:], path_of(folders[-1]).absolute() if folders else None


def _with(cfg: DictConfig, words: list[str]) -> DictConfig:
    """The configuration with the given key=value words, in Hydra's grammar, put into it."""
    for word in words:
        key, equals, _ = word.partition("=")
        if not equals or OmegaConf.select(cfg, key, default="missing") == "missing":
            fix = did_you_mean(key, [str(known) for known in cfg if known != "run"])
            raise UserError(f"'{word}' is no key=value of this run", where="clrx resume", fix=fix)
        (parsed,) = OverridesParser.create().parse_overrides([word])
        if parsed.is_sweep_override():
            raise UserError(f"'{word}' is several values", where="clrx resume", allowed="one value")
        value: Any = parsed.value()
        OmegaConf.update(cfg, key, value)
    return cfg


def recorded_config(path: Path, folder: Path | None = None) -> DictConfig:
    """The configuration of a run directory, as `train` takes it; UserError where there is none.

    It may name modules in `folder`, of --config-dir; the folder that the run recorded is only suggested.
    """
    run = require_run(path)
    if run.facts.get("kind") == "find_lr":
        fix = "give the clrx find-lr command again: it goes on where it was"
        raise UserError(f"{path} is the directory of a range test", where=str(path), fix=fix)
    command = run.facts.get("command", "clrx train")
    own = run.facts.get("config_dir")
    if folder:
        allow_folder(folder)
        own = str(folder)
    elif own:
        suggest_folder(Path(own))
    invocation = {"dir": str(path), "choices": run.facts["choices"], "command": command, "config_dir": own}
    return OmegaConf.create({**run.config, "run": invocation})
