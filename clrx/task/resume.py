"""`clrx resume RUN`: continue a run from its directory, with the configuration that it recorded."""

from pathlib import Path

from omegaconf import DictConfig, OmegaConf

from clrx.errors import UserError
from clrx.files import read_json
from clrx.task import train


def main(arguments: list[str]) -> int:
    """Continue the run in the directory named; key=value words may change what cannot change results."""
    if not arguments or "=" in arguments[0]:
        raise UserError(
            "which run?", where="clrx resume", allowed="the directory of a run", fix="clrx resume RUN"
        )
    path = Path(arguments[0])
    cfg = recorded_config(path)
    for word in arguments[1:]:
        key, equals, value = word.partition("=")
        if not equals or OmegaConf.select(cfg, key, default="missing") == "missing":
            raise UserError(f"'{word}' is no key=value of this run", where="clrx resume")
        OmegaConf.update(cfg, key, OmegaConf.create([value])[0])
    return train.task(cfg)


def recorded_config(path: Path) -> DictConfig:
    """The configuration of a run directory, as `train` takes it; UserError where there is none."""
    if not (path / "config.yaml").is_file() or not (path / "run.json").is_file():
        what = f"{path} is not the directory of a run"
        raise UserError(what, allowed="a directory with config.yaml and run.json")
    cfg = OmegaConf.load(path / "config.yaml")
    record = read_json(path / "run.json")
    cfg.run = {"dir": str(path), "choices": record["choices"], "command": record["command"]}
    assert isinstance(cfg, DictConfig)
    return cfg
