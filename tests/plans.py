"""Plans of phases over the defaults of `clrx train`."""

from typing import Any

from nodes import composed
from omegaconf import DictConfig, OmegaConf, open_dict

from clrx.config.load import load
from clrx.config.phases import Phase, build_phases

CONSTANT = {"_target_": "clrx.policy.constant.Constant", "lr": "${lr}"}
PHASE = {"name": "main", "epochs": 4, "policy": CONSTANT}


def config(*phases: Any, **changed: Any) -> DictConfig:
    """The configuration with these phases and changes, at lr=0.01 and without warm-up or early stopping."""
    raw = composed("lr=0.01")
    with open_dict(raw):
        raw.plan = {"phases": list(phases)}
        for key, value in changed.items():
            OmegaConf.update(raw, key, value, force_add=True)
    return raw


def phases_of(raw: DictConfig) -> tuple[Phase, ...]:
    """The phases that a configuration makes."""
    return build_phases(load(raw))
