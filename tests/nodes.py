"""Configuration nodes as the command line would compose them, for tests of what is built from them."""

from pathlib import Path
from typing import Any

from omegaconf import DictConfig, OmegaConf

CONF = Path(__file__).resolve().parents[1] / "conf"


def names(group: str) -> list[str]:
    """Every option of a configuration group."""
    return sorted(path.stem for path in (CONF / group).glob("[!_]*.yaml"))


def model_node(model: str, /, **keys: Any) -> DictConfig:
    """conf/model/NAME.yaml over its _common.yaml, with keys set as on the command line."""
    own = OmegaConf.load(CONF / "model" / f"{model}.yaml")
    assert own.pop("defaults") == ["_common", "_self_"]
    node = OmegaConf.merge(OmegaConf.load(CONF / "model" / "_common.yaml"), own)
    OmegaConf.set_struct(node, True)
    if "options" in keys:
        OmegaConf.set_struct(node.options, False)  # as `+model.options.KEY=...` does
    return OmegaConf.merge(node, keys)


def head_node(head: str = "linear", /, **keys: Any) -> DictConfig:
    return OmegaConf.merge(OmegaConf.load(CONF / "head" / f"{head}.yaml"), keys)


def optimizer_node(
    name: str, lr: float = 0.01, momentum: float = 0.9, weight_decay: float = 0.0, **keys: Any
) -> DictConfig:
    """conf/optimizer/NAME.yaml below a root that has the keys of train.yaml which it reads."""
    own = OmegaConf.merge(OmegaConf.load(CONF / "optimizer" / f"{name}.yaml"), keys)
    root = OmegaConf.create({"lr": lr, "momentum": momentum, "weight_decay": weight_decay, "optimizer": own})
    return root.optimizer
