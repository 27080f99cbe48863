"""A `_target_` of the configuration as a value, and the only place that turns one into an object."""

import sys
from collections.abc import Mapping, Sequence
from dataclasses import MISSING, dataclass, field, fields
from importlib import import_module, invalidate_caches
from importlib.util import find_spec
from pathlib import Path
from traceback import extract_tb
from types import NoneType
from typing import Any, get_args, get_type_hints

from clrx.core.errors import ClrxError, UserError, causes, did_you_mean, first_line

# What a configuration from elsewhere may name: what is made to be built, and nothing that writes files or runs code.
ALLOWED = (
    *("clrx.policy", "clrx.dataset", "clrx.model", "clrx.data.augment", "clrx.training.keras_optim"),
    *("clrx.survey.chopade2021", "torch.optim", "timm.models", "timm.optim", "torchvision.models"),
)
MOVED = {  # where recorded configurations of 0.1 name what now lies elsewhere
    "clrx.augment": "clrx.data.augment",
    "clrx.keras_optim": "clrx.training.keras_optim",
}
TYPES = {str: "text", int: "a whole number", float: "a number", bool: "true or false", NoneType: "null"}
_own_folders: list[Path] = []  # of the user, given with --config-dir
_suggested: list[Path] = []  # that runs were begun with: named in messages, and used only when they are given


@dataclass(frozen=True)
class Target:
    """What a configuration names to be built: a dotted path, and the keyword arguments that stand beside it.

    `where` is the key that it was read from, for messages.
    """

    path: str
    arguments: Mapping[str, Any] = field(default_factory=dict)
    where: str = ""


def read_target(node: Any, where: str = "") -> Target | None:
    """The Target of a mapping with `_target_`; None for null and for `_target_: null`.

    Nested mappings with a `_target_` become Targets too. Raises UserError for anything else.
    """
    if node is None or isinstance(node, Target):
        return node
    fix = f"{where}=NAME of conf/{where}/" if where else ""
    if not isinstance(node, Mapping):
        what = f"{where}={node} takes the place of its keys"
        raise UserError(what, where=where, allowed=f"the keys under {where}", fix=fix)
    arguments = {str(key): value for key, value in node.items()}
    path = arguments.pop("_target_", None)
    if path is None:
        return None
    if not isinstance(path, str) or not path:
        raise UserError(
            f"{where}._target_ names nothing", where=where, allowed="the path of a class", fix=fix
        )
    if odd := [key for key in arguments if key.startswith("_")]:
        raise UserError(f"{where}.{odd[0]} is no argument", where=where, allowed="_target_ and its arguments")
    nested = {key: _nested(value, f"{where}.{key}") for key, value in arguments.items()}
    return Target(_moved(path), nested, where)


def build(target: Target, /, *positional: Any, **more: Any) -> Any:
    """Call what the target names with `positional`, its arguments and `more`; nested targets are built first.

    Raises UserError for a path outside the allow list (ALLOWED and the user's own `--config-dir`), for one that
    cannot be imported, and for arguments that it does not take. What the call itself raises passes as it is, except
    for the TypeError and ValueError of a bad argument, and whatever comes of a value of another type than the call's
    annotation names.
    """
    call = locate(target)
    arguments = {key: _built(value) for key, value in target.arguments.items()}
    try:
        return call(*positional, **arguments, **more)
    except ClrxError:
        raise
    except Exception as error:
        for link in causes(error):
            if isinstance(link, UserError):
                raise link from error
        _check_types(call, target)
        if not isinstance(error, TypeError | ValueError):
            raise
        name = target.where or target.path
        what = f"{name} cannot be built: {first_line(error)}"
        known = ", ".join(target.arguments) or "no keys"
        fix = "clrx COMMAND --cfg job prints them"
        raise UserError(
            what, where=name, allowed=f"values of its keys ({known}) that it takes", fix=fix
        ) from error


def defaults_of(path: str) -> dict[str, Any]:
    """{key: value} that a policy of clrx takes where a configuration lacks the key; {} for any other `_target_`."""
    module, _, name = path.rpartition(".")
    if not _under(path, ("clrx.policy",)):
        return {}
    try:
        kind = getattr(import_module(module), name)
    except (ImportError, AttributeError):
        return {}
    return {one.name: one.default for one in fields(kind) if one.default is not MISSING}


def _check_types(call: Any, target: Target) -> None:
    """UserError for the first argument whose value is none of the plain types that the call's annotation names."""
    try:
        hints = get_type_hints(call.__init__ if isinstance(call, type) else call)  # type: ignore[misc]
    except (NameError, TypeError):
        return
    for key, value in target.arguments.items():
        kinds = get_args(hints.get(key)) or (hints.get(key),)
        taken = float if type(value) is int and float in kinds else type(value)
        if set(kinds) <= set(TYPES) and taken not in kinds:
            where = f"{target.where}.{key}" if target.where else key
            shown = (
                {None: "null", True: "true", False: "false"}.get(value, value) if taken in TYPES else value
            )
            fix = f"write it as text: \"{where}='{shown}'\"" if str in kinds else f"{where}=VALUE"
            allowed = " or ".join(TYPES[kind] for kind in kinds)
            raise UserError(
                f"{where} is {TYPES.get(taken, 'no plain value')}: {shown}",
                where=where,
                allowed=allowed,
                fix=fix,
            )


def locate(target: Target) -> Any:
    """The class or function that a target names; UserError where that is not allowed, not there, or not importable."""
    module, _, name = target.path.rpartition(".")
    where = target.where or target.path
    if not _under(target.path, ALLOWED):
        _require_own(target.path, where)
    try:
        loaded = import_module(module)
    except Exception as error:
        if isinstance(error, ClrxError):
            raise
        raise _import_error(target.path, where, error) from error
    if name.startswith("_") or (_under(target.path, ALLOWED) and not _is_of(vars(loaded).get(name), ALLOWED)):
        known = [one for one, value in vars(loaded).items() if one[0] != "_" and _is_of(value, (module,))]
        what = (
            f"{target.path} is not allowed as a _target_"
            if name in vars(loaded)
            else f"{module} has no {name}"
        )
        raise UserError(what, where=where, allowed=", ".join(known), fix=did_you_mean(name, known))
    if not hasattr(loaded, name):
        fix = did_you_mean(name, vars(loaded)) or f"look into {getattr(loaded, '__file__', module)}"
        raise UserError(f"{module} has no {name}", where=where, fix=fix)
    return getattr(loaded, name)


def allow_folder(folder: Path) -> None:
    """Let configurations name modules that lie in a folder of the user's own (--config-dir).

    The folder comes last on `sys.path`: a module in it hides none of Python's, of clrx's or of an installed package.
    """
    folder = folder.resolve()
    if folder not in _own_folders:
        _own_folders.append(folder)
        sys.path.append(str(folder))
        invalidate_caches()


def suggest_folder(folder: Path) -> None:
    """Have messages name a folder that a recorded run was begun with: only --config-dir says that it is trusted."""
    if folder not in _suggested:
        _suggested.append(folder)


def _is_of(value: Any, packages: Sequence[str]) -> bool:
    """Whether a class or function was defined in one of these packages, and not imported there from elsewhere."""
    return callable(value) and _under(f"{getattr(value, '__module__', '')}.", packages)


def _require_own(path: str, where: str) -> None:
    """UserError unless the module at the head of a dotted path is found in one of the user's own folders."""
    first = path.partition(".")[0]
    mine = [
        folder for folder in _own_folders if (folder / f"{first}.py").exists() or (folder / first).is_dir()
    ]
    try:
        found = find_spec(first)
    except (ImportError, ValueError):
        found = None
    origins = [found.origin, *(found.submodule_search_locations or ())] if found else []
    if any(Path(one).resolve().is_relative_to(own) for one in origins if one for own in _own_folders):
        return
    if mine and found:
        what = f"{mine[0] / first} is hidden by another module of that name"
        raise UserError(
            what, where=str(found.origin), fix=f"give it another name, here and in {where}._target_"
        )
    folders = ", ".join(map(str, _own_folders)) or "the folder of --config-dir"
    allowed = f"{', '.join(ALLOWED)}, and modules in {folders}"
    if found:
        raise UserError(f"{path} is not allowed as a _target_", where=where, allowed=allowed)
    known = [file.stem for folder in _own_folders for file in folder.glob("*.py")]
    there = [
        folder for folder in _suggested if (folder / f"{first}.py").exists() or (folder / first).is_dir()
    ]
    trusted = f"--config-dir {there[0]}, where the run had it, if you trust what lies there" if there else ""
    fix = (
        trusted
        or did_you_mean(first, known)
        or f"put {first}.py there, or name the folder that has it: --config-dir DIR"
    )
    raise UserError(f"{path}: there is no module '{first}'", where=where, allowed=allowed, fix=fix)


def _import_error(path: str, where: str, error: Exception) -> UserError:
    """The UserError for a module that raised `error` while it was imported: with its file, line and exception."""
    what = f"{path} cannot be imported: {type(error).__name__}: {first_line(error)}"
    frames = [one for one in extract_tb(error.__traceback__) if "importlib" not in one.filename]
    file, line = (frames[-1].filename, frames[-1].lineno) if len(frames) > 1 else ("", None)
    if isinstance(error, SyntaxError):
        file, line = error.filename or file, error.lineno
    place = f"{file}, line {line}" if file else where
    return UserError(
        what, where=place, allowed="a module that can be imported", fix=f"mend it ({where}._target_ names it)"
    )


def _under(path: str, prefixes: Sequence[str]) -> bool:
    return any(path.startswith(f"{prefix}.") for prefix in prefixes)


def _moved(path: str) -> str:
    for old, new in MOVED.items():
        if path.startswith(f"{old}."):
            return new + path.removeprefix(old)
    return path


def _nested(value: Any, where: str) -> Any:
    if isinstance(value, Mapping) and "_target_" in value:
        return read_target(value, where)
    return value


def _built(value: Any) -> Any:
    return build(value) if isinstance(value, Target) else value
