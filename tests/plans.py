"""Plans of a phase or more over the keys of train.yaml that they read."""

from omegaconf import OmegaConf

CONSTANT = {"_target_": "clrx.policy.constant.Constant", "lr": "${lr}"}
PHASE = {"name": "main", "epochs": 4, "policy": CONSTANT}


def config(*phases, **changed):
    base = {"lr": 0.01, "warmup": {"epochs": 0, "start_factor": 0.1}}
    base["early_stopping"] = {"patience": None, "metric": "auto", "min_delta": 0.0}
    return OmegaConf.create(base | {"plan": {"phases": list(phases)}} | changed)
