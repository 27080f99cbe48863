"""Configuration as the command line would compose it, typed, whole and in parts."""

from copy import deepcopy
from functools import cache
from pathlib import Path
from typing import Any

from hydra import compose, initialize_config_dir
from omegaconf import DictConfig, open_dict

from clrx.config.compose import register_resolvers
from clrx.config.load import load
from clrx.config.schema import TrainConfig
from clrx.config.sections import Model
from clrx.config.target import Target

CONF = Path(__file__).resolve().parents[1] / "conf"


def names(group: str) -> list[str]:
    """Every option of a configuration group."""
    return sorted(path.stem for path in (CONF / group).glob("[!_]*.yaml"))


def composed(*words: str, task: str = "train") -> DictConfig:
    """What Hydra composes of the words of a command line."""
    return deepcopy(_composed(task, *words))


@cache
def _composed(task: str, *words: str) -> DictConfig:
    register_resolvers()
    with initialize_config_dir(str(CONF), version_base="1.3"):
        return compose(task, list(words))


def configured(*words: str) -> TrainConfig:
    """The typed configuration of the words of a command line."""
    return load(composed(*words))


def _part(group: str, option: str, keys: dict[str, Any], *words: str) -> Any:
    raw = composed(f"{group}={option}", *words)
    with open_dict(raw):
        for key, value in keys.items():
            raw[group][key] = value
    return getattr(load(raw), group)


def model_node(model: str, /, **keys: Any) -> Model:
    """The model section of `model=NAME` with keys set."""
    return _part("model", model, keys)


def head_node(head: str = "linear", /, **keys: Any) -> Target:
    """The target of `head=NAME` with keys set."""
    return _part("head", head, keys)


def optimizer_node(
    name: str, lr: float = 0.01, momentum: float = 0.9, weight_decay: float = 0.0, **keys: Any
) -> Target:
    """The target of `optimizer=NAME` with keys set."""
    settings = {"lr": lr, "momentum": momentum, "weight_decay": weight_decay}
    return _part("optimizer", name, keys, *(f"{key}={value}" for key, value in settings.items()))
