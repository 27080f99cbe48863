"""Networks as the command line would build them: conf/model and conf/head with keys set, and sizes for tests."""

from pathlib import Path
from typing import Any

from omegaconf import OmegaConf

from clrx.config.schema import MODEL
from clrx.config.sections import Model
from clrx.config.target import Target, read_target
from clrx.network.network import Network, build_network

CONF = Path(__file__).resolve().parents[1] / "conf"


def model_section(name: str, /, **keys: Any) -> Model:
    """conf/model/NAME.yaml over its _common.yaml, with keys set as on the command line."""
    own = OmegaConf.load(CONF / "model" / f"{name}.yaml")
    assert own.pop("defaults") == ["_common", "_self_"]
    merged = OmegaConf.merge(OmegaConf.load(CONF / "model" / "_common.yaml"), own, keys)
    plain = {str(key): value for key, value in OmegaConf.to_container(merged, resolve=True).items()}
    architecture = read_target({key: plain[key] for key in plain if key not in MODEL}, "model")
    return Model(architecture=architecture, **{key: plain[key] for key in MODEL})


def head_target(name: str = "linear", /, **keys: Any) -> Target:
    """conf/head/NAME.yaml with keys set."""
    return read_target(OmegaConf.to_container(OmegaConf.load(CONF / "head" / f"{name}.yaml")) | keys, "head")


def network_of(
    model: str,
    /,
    head: str = "linear",
    *,
    channels: int = 3,
    size: int = 32,
    outputs: int = 2,
    seed: int = 0,
    **keys: Any,
) -> Network:
    """The network of a model with these keys set."""
    section = model_section(model, **keys)
    return build_network(section, head_target(head), channels=channels, size=size, outputs=outputs, seed=seed)
