"""From a composed or recorded configuration to typed values: the only reader of a DictConfig."""

from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, TypeVar, overload

from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import InterpolationResolutionError
from pydantic import TypeAdapter, ValidationError
from pydantic_core import ErrorDetails

from clrx.config.aliases import value_here
from clrx.config.limits import allowed_values, section_at
from clrx.config.phases import build_phases
from clrx.config.schema import TrainConfig
from clrx.core.errors import UserError, did_you_mean, first_line

AUTO, RATES = "auto", ("base_lr", "max_lr")
SECTIONS = (  # of the configuration, those of groups among them
    *("bounds", "dataset", "disease", "plan", "model", "head", "optimizer", "policy", "augment"),
    *("warmup", "range_test", "loss", "mix", "split", "early_stopping", "bootstrap", "checkpoint"),
)
POLICIES = ("policy", "momentum_policy", "plan")  # what reads `bounds`
INVOCATION = ("run",)  # keys of one command, not of what it computes
UNKNOWN = ("unexpected_keyword_argument", "extra_forbidden")  # pydantic's types of error
Config = TypeVar("Config", bound=TrainConfig)


@dataclass(frozen=True)
class Invocation:
    """The parts of one command line that are no configuration."""

    directory: Path  # of the run
    command: str = "clrx train"
    choices: Mapping[str, Any] = field(default_factory=dict)  # group -> option
    overrides: tuple[str, ...] = ()
    config_dir: str | None = None  # the user's own folder (--config-dir), absolute


def invocation(raw: DictConfig) -> Invocation:
    """The directory, command line and choices that `clrx.config.compose` or a recorded run put under `run`."""
    run = raw.run
    return Invocation(
        Path(run.dir), run.command, dict(run.choices), tuple(run.get("overrides", ())), run.get("config_dir")
    )


@overload
def load(raw: DictConfig, bounds: Mapping[str, float] | None = None) -> TrainConfig: ...
@overload
def load(raw: DictConfig, bounds: Mapping[str, float] | None = None, *, kind: type[Config]) -> Config: ...
def load(raw: DictConfig, bounds: Mapping[str, float] | None = None, *, kind: Any = TrainConfig) -> Any:
    """The configuration as typed values, every limit checked.

    `bounds` (base_lr, max_lr) are what a range test found, for a configuration whose `bounds` are auto. Before it has
    run, the policies are read with the ends of its ramp. Raises UserError with the key, the value and what is allowed.
    """
    plain = {name: value for name, value in _resolved(raw, bounds).items() if name not in INVOCATION}
    known = kind.__pydantic_fields__
    shared = {name: value for name, value in plain.items() if name in known}
    try:
        return _adapter(kind).validate_python(shared)
    except ValidationError as error:
        mistakes = sorted(
            error.errors(), key=lambda one: one["type"] not in UNKNOWN
        )  # rather than what it hides
        raise _mistake(mistakes[0], kind, shared) from error


def recorded(raw: DictConfig) -> dict[str, Any]:
    """The resolved configuration as plain values, for config.yaml: without what belongs to one command."""
    plain = _resolved(raw, None, keep_auto=True)
    return {name: value for name, value in plain.items() if name not in INVOCATION}


def is_auto(raw: DictConfig) -> bool:
    """Whether a range test is to find the bounds: `bounds=auto`, or a plan with `range_test: true`."""
    if raw.bounds == AUTO or _plan_asks(raw):
        return True
    return isinstance(raw.bounds, DictConfig) and any(_literal(raw.bounds, name) == AUTO for name in RATES)


def with_auto_bounds(raw: DictConfig) -> DictConfig:
    """A copy in which both bounds are auto, whatever they were: what a range test by itself is asked of."""
    _require_sections(raw)
    raw = deepcopy(raw)
    step_size = "${dataset.recipe.step_size}" if raw.bounds == AUTO else raw.bounds.step_size
    raw.bounds = dict.fromkeys(RATES, AUTO) | {"step_size": step_size}
    return raw


def reads_bounds(raw: DictConfig) -> bool:
    """Whether other bounds make another plan."""
    raw, (low, high) = with_auto_bounds(raw), (raw.range_test.start, raw.range_test.end)
    one, other = ({"base_lr": low, "max_lr": top} for top in (high, 2 * high))
    return build_phases(load(raw, one)) != build_phases(load(raw, other))


def check_bounds(raw: DictConfig) -> None:
    """UserError where bounds are to be found and no policy reads them, or a plan finds them and they are set."""
    if _plan_asks(raw) and isinstance(raw.bounds, DictConfig):
        for name in RATES:
            if _literal(raw.bounds, name) != AUTO and not OmegaConf.is_interpolation(raw.bounds, name):
                what = f"plan.range_test=true finds bounds.{name}, but it is set to {raw.bounds[name]}"
                raise UserError(what, where="plan.range_test", fix="plan.range_test=false")
    if is_auto(raw) and not reads_bounds(raw):
        what = "bounds=auto finds rates that no policy of the plan reads"
        raise UserError(what, where="bounds", fix="policy=triangular, or clrx find-lr and lr=NUMBER")


def _plan_asks(raw: DictConfig) -> bool:
    return OmegaConf.is_dict(raw.plan) and raw.plan.get("range_test") is True


def _literal(node: DictConfig, name: str) -> Any:
    """A value as it is written, its interpolation unresolved; None where it is missing."""
    return None if OmegaConf.is_interpolation(node, name) else node.get(name)


def _resolved(raw: DictConfig, bounds: Mapping[str, float] | None, keep_auto: bool = False) -> dict[str, Any]:
    """The configuration resolved to plain values; bounds that are auto are `bounds`, or the ends of the ramp."""
    _require_sections(raw)
    if not is_auto(raw):
        return _plain(raw)
    free = with_auto_bounds(raw) if raw.bounds == AUTO or _plan_asks(raw) else deepcopy(raw)
    names = [name for name in RATES if _literal(free.bounds, name) == AUTO]
    before = _plain(free)
    if keep_auto:
        return before
    test = before["range_test"]
    found = bounds or {"base_lr": test["start"], "max_lr": test["end"]}
    for name in names:
        free.bounds[name] = found[name]
    plain = _plain(free)
    for (
        section
    ) in POLICIES:  # of a recorded configuration: there the word stands in place of its interpolation
        _replace(plain[section], {name: found[name] for name in names})
    return plain if bounds else {**plain, "bounds": before["bounds"]}


def _require_sections(raw: DictConfig) -> None:
    """UserError where a value stands in place of a section's keys: others refer to them."""
    for name in SECTIONS:
        if name not in raw or OmegaConf.is_interpolation(raw, name):
            continue
        if not OmegaConf.is_dict(raw[name]) and not (name == "bounds" and raw[name] == AUTO):
            what = f"{name}={raw[name]} takes the place of its keys"
            fix = _written(name, raw[name]) or f"set {name}.KEY=VALUE"
            raise UserError(what, where=name, allowed=f"the keys under {name}", fix=fix)


def _plain(raw: DictConfig) -> dict[str, Any]:
    try:
        plain = OmegaConf.to_container(raw, resolve=True)
    except (RecursionError, InterpolationResolutionError) as error:
        itself = isinstance(error, RecursionError) or "Recursive" in str(error) or "parent node" in str(error)
        where = getattr(error, "full_key", None) or "command line"
        what = f"a value refers to {'itself' if itself else 'what is not there'}: {first_line(error)}"
        fix = "look for ${...} in the values that were set"
        raise UserError(what, where=where, allowed="a value, or ${KEY} of another one", fix=fix) from error
    assert isinstance(plain, dict)
    return {str(name): value for name, value in plain.items()}


def _replace(node: Any, rates: Mapping[str, float]) -> None:
    if isinstance(node, dict):
        for name, value in node.items():
            if name in rates and value == AUTO:
                node[name] = rates[name]
            else:
                _replace(value, rates)
    elif isinstance(node, list):
        for value in node:
            _replace(value, rates)


@cache
def _adapter(kind: type) -> TypeAdapter:
    return TypeAdapter(kind)


def _mistake(error: ErrorDetails, kind: type, plain: Mapping[str, Any]) -> UserError:
    """The first of pydantic's complaints as a UserError: which key, its value, what is allowed, what is near."""
    inner = (error.get("ctx") or {}).get("error")
    if isinstance(inner, UserError):
        return inner
    missing = error["type"] in ("missing", "missing_argument")
    path = _path(error["loc"], plain, missing)
    where = ".".join(map(str, path))
    if error["type"] in UNKNOWN:
        holder = section_at(kind, path[:-1])
        known = list(holder.__pydantic_fields__) if holder else []  # type: ignore[attr-defined]
        fix = did_you_mean(str(path[-1]), known)
        return UserError(f"there is no key '{where}'", where=where, allowed=", ".join(known), fix=fix)
    if missing:
        allowed = allowed_values(kind, path)
        return UserError(f"{where} is missing", where=where, allowed=allowed, fix=f"set {where}=VALUE")
    value = _value_at(plain, path)
    allowed = allowed_values(kind, path)
    if section_at(kind, path):
        what = f"{where}={value} takes the place of its keys"
        fix = _written(where, value) or f"set {where}.KEY=VALUE"
        return UserError(what, where=where, allowed=f"the keys under {where}", fix=fix)
    near = did_you_mean(str(value), allowed.split(", ")) if isinstance(value, str) else ""
    fix = _written(where, value) or near or f"set {where}=VALUE"
    return UserError(f"{where}={_shown(value)} is not possible", where=where, allowed=allowed, fix=fix)


def _written(where: str, value: Any) -> str:
    found = value_here(where, value)
    return f"write {found}" if found else ""


def _path(location: tuple[int | str, ...], plain: Any, missing: bool) -> tuple[int | str, ...]:
    """The keys that lead to a value of the configuration; pydantic also names the branches of unions that it tried.

    `missing`: the last of them is a key that is not there.
    """
    path: list[int | str] = []
    for number, part in enumerate(location, 1):
        if isinstance(plain, Mapping) and (part in plain or (missing and number == len(location))):
            path.append(part)
            plain = plain.get(part)
        elif isinstance(plain, list | tuple) and isinstance(part, int) and part < len(plain):
            path.append(part)
            plain = plain[part]
    return tuple(path)


def _value_at(plain: Any, path: tuple[int | str, ...]) -> Any:
    for part in path:
        plain = plain[part]
    return plain


def _shown(value: Any) -> str:
    """A value as a user types it."""
    return {"None": "null", "True": "true", "False": "false"}.get(str(value), str(value))
