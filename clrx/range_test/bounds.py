"""`bounds: auto`: a range test before the run, and what it found put where the policies read it."""

from copy import deepcopy
from typing import Any

from omegaconf import DictConfig, ListConfig, OmegaConf, open_dict

from clrx.config.phases import Phase, build_plan
from clrx.core.console import Screen
from clrx.core.errors import RunError, UserError
from clrx.data.open import Data
from clrx.plot.range_test import draw
from clrx.range_test.find import find_range
from clrx.range_test.ramp import check_range_test
from clrx.run.directory import Run, open_run
from clrx.train.records import Place

AUTO, KEYS = "auto", ("base_lr", "max_lr")
FOLDER = "find_lr"  # of the range test, within a run directory
OWN = ("state", "started", "finished", "error", "range_test")  # of run.json: not the range test's


def with_auto_bounds(cfg: DictConfig) -> DictConfig:
    """The configuration with `bounds.base_lr` and `bounds.max_lr` auto where `bounds: auto` or the plan says so.

    UserError where they are auto and no policy reads them, or where the plan asks for them and they are numbers.
    """
    cfg = deepcopy(cfg)
    if (
        cfg.bounds == AUTO
    ):  # a line of an experiment; bounds=auto on the command line takes conf/bounds/auto.yaml
        cfg.bounds = dict.fromkeys(KEYS, AUTO) | {"step_size": "${dataset.recipe.step_size}"}
    if asks_by_plan(cfg):
        for key in KEYS:
            _refuse_number(cfg, key)
            cfg.bounds[key] = AUTO
    if is_auto(cfg):
        check_range_test(cfg)
        if not reads_bounds(cfg):
            what = "bounds=auto finds rates that no policy of the plan reads"
            raise UserError(what, where="bounds", fix="policy=triangular, or clrx find-lr and lr=NUMBER")
    return cfg


def without_bounds(cfg: DictConfig) -> DictConfig:
    """The configuration with both bounds auto: what a range test by itself is asked of, whatever they were."""
    cfg = deepcopy(cfg)
    step_size = "${dataset.recipe.step_size}" if cfg.bounds == AUTO else cfg.bounds.step_size
    cfg.bounds = dict.fromkeys(KEYS, AUTO) | {"step_size": step_size}
    return cfg


def is_auto(cfg: DictConfig) -> bool:
    """Whether the bounds are to be found before the run."""
    return any(cfg.bounds[key] == AUTO for key in KEYS)


def asks_by_plan(cfg: DictConfig) -> bool:
    """Whether the plan begins with a range test (conf/plan/dlr_cla.yaml)."""
    return bool(OmegaConf.select(cfg, "plan.range_test", default=False))


def reads_bounds(cfg: DictConfig) -> bool:
    """Whether other bounds make another plan."""
    other = without_bounds(cfg)
    low, high = cfg.range_test.start, cfg.range_test.end
    return build_plan(with_bounds(other, low, high)) != build_plan(with_bounds(other, low, 2 * high))


def with_bounds(cfg: DictConfig, base_lr: float, max_lr: float) -> DictConfig:
    """A copy in which the rates that are auto are these, in the policies of a recorded configuration too."""
    cfg, rates = deepcopy(cfg), dict(zip(KEYS, (base_lr, max_lr), strict=True))
    for node in (cfg.bounds, cfg.policy, cfg.momentum_policy, cfg.plan):
        _replace(node, rates)
    return cfg


def plan_before(cfg: DictConfig) -> tuple[Phase, ...]:
    """The plan with the ends of the ramp in place of bounds that are still to be found."""
    return build_plan(with_bounds(cfg, cfg.range_test.start, cfg.range_test.end) if is_auto(cfg) else cfg)


def settle_bounds(cfg: DictConfig, run: Run, data: Data, screen: Screen) -> DictConfig:
    """The configuration with the bounds that the run's range test found; a run that is continued reads its record.

    Raises RunError where the test has no usable verdict.
    """
    if not is_auto(cfg):
        return cfg
    found = run.record.get("range_test")
    if found is None:
        found = _test(cfg, run, data, screen)
        run.note(range_test=found)
    word, why, fix = (found["verdict"][name] for name in ("word", "why", "fix"))
    if found["bounds"] is None:
        raise RunError(
            f"the range test found no bounds: {word}: {why}", where=str(run.path / FOLDER), fix=fix
        )
    return with_bounds(cfg, **found["bounds"])


def note_phase(run: Run, place: Place) -> None:
    """The range test as the first of the phases that the run has been through."""
    found = run.record.get("range_test")
    if found and not any(phase["name"] == "range_test" for phase in place.phases):
        took = {"epochs": 0, "steps": found["steps"], "seconds": found["seconds"]}
        place.phases.insert(0, {"name": "range_test", **took})


def _test(cfg: DictConfig, run: Run, data: Data, screen: Screen) -> dict[str, Any]:
    """The range test in a run directory of its own; what run.json of the run keeps of it."""
    path = run.path / FOLDER
    facts = {key: value for key, value in run.record.items() if key not in OWN}
    with open_run(path, cfg, {**facts, "kind": "find_lr"}):
        found = find_range(cfg, data, plan_before(cfg)[0], path, screen)
        draw(path)
    screen.hide()
    chosen = found["suggestions"][found["rule"]]
    kept = {key: found[key] for key in ("bounds", "rule", "verdict", "steps", "seconds")}
    return {**kept, "interval": chosen["max_lr"], "directory": FOLDER}


def _refuse_number(cfg: DictConfig, key: str) -> None:
    """A number that stands there and was not taken over from the dataset's recipe was meant."""
    if cfg.bounds[key] != AUTO and not OmegaConf.is_interpolation(cfg.bounds, key):
        what = f"plan.range_test=true finds bounds.{key}, but it is set to {cfg.bounds[key]}"
        raise UserError(what, where="plan.range_test", fix="plan.range_test=false")


def _replace(node: Any, rates: dict[str, float]) -> None:
    if isinstance(node, ListConfig):
        for item in node:
            _replace(item, rates)
    elif isinstance(node, DictConfig):
        with open_dict(node):
            for key in node:
                if key in rates and node[key] == AUTO:
                    node[str(key)] = rates[str(key)]
                else:
                    _replace(node[key], rates)
