"""The nodes of a configuration: each has its keys, and what is built its `_target_`. Nothing here imports torch."""

from collections.abc import Iterator
from typing import Any

from omegaconf import DictConfig, OmegaConf

from clrx.core.errors import UserError

NODES = (
    *("bounds", "warmup", "loss", "mix", "split", "early_stopping", "bootstrap", "checkpoint", "range_test"),
    *("dataset", "disease", "model", "head", "optimizer", "policy", "momentum_policy", "augment", "plan"),
)
BUILT = ("dataset", "model", "head", "optimizer", "policy", "augment")  # each by its `_target_`


def check_nodes(cfg: DictConfig) -> None:
    """Raise UserError where a value stands in place of a node's keys, or a node refers to itself."""
    try:
        for key in NODES:
            _check_node(cfg, key)
        OmegaConf.to_container(cfg, resolve=True)
    except RecursionError as error:
        what = "a value of the configuration refers to a node that it stands in"
        raise UserError(
            what, where="command line", fix="look for ${...} in the values that were set"
        ) from error


def _check_node(cfg: DictConfig, key: str) -> None:
    if key == "bounds" and cfg[key] == "auto":
        return
    if not isinstance(cfg[key], DictConfig):
        what, fix = f"{key}={cfg[key]} takes the place of its keys", f"set {key}.KEY=VALUE"
        raise UserError(what, where=key, allowed=f"the keys under {key}", fix=fix)
    if key in BUILT and not isinstance(cfg[key].get("_target_"), str):
        raise UserError(f"{key}._target_ names nothing", where=key, fix=f"{key}=NAME of conf/{key}/")


def leaves(node: Any, prefix: str = "") -> Iterator[tuple[str, Any]]:
    """(dotted key, value) of all in a plain configuration; an empty node and a list without nodes are values."""
    if isinstance(node, dict) and node:
        for key, value in node.items():
            yield from leaves(value, f"{prefix}.{key}" if prefix else str(key))
    elif isinstance(node, list) and any(isinstance(value, dict) for value in node):
        for index, value in enumerate(node):
            yield from leaves(value, f"{prefix}.{index}")
    else:
        yield prefix, node
