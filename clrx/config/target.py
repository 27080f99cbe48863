"""A `_target_` of the configuration as a value, and the only place that turns one into an object."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib import import_module, invalidate_caches
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from clrx.core.errors import UserError, causes, did_you_mean, first_line

ALLOWED = ("clrx", "torch.optim", "timm", "torchvision")  # what a configuration from elsewhere may name
MOVED = {  # where recorded configurations of 0.1 name what now lies elsewhere
    "clrx.augment": "clrx.data.augment",
    "clrx.keras_optim": "clrx.training.keras_optim",
}
_own_folders: list[Path] = []  # of the user, given with --config-dir


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
    for the TypeError and ValueError of a bad argument.
    """
    call = locate(target)
    arguments = {key: _built(value) for key, value in target.arguments.items()}
    try:
        return call(*positional, **arguments, **more)
    except (TypeError, ValueError) as error:
        for link in causes(error):
            if isinstance(link, UserError):
                raise link from error
        name = target.where or target.path
        what = f"{name} cannot be built: {first_line(error)}"
        known = ", ".join(target.arguments) or "no keys"
        raise UserError(what, where=name, allowed=f"values of its keys ({known}) that it takes") from error


def locate(target: Target) -> Any:
    """The class or function that a target names; UserError where that is not allowed or not there."""
    module, _, name = target.path.rpartition(".")
    if not (_under(target.path, ALLOWED) or _is_own(module)):
        allowed = f"{', '.join(ALLOWED)}, and modules in the folder of --config-dir"
        raise UserError(f"{target.path} is not allowed as a _target_", where=target.where, allowed=allowed)
    try:
        return getattr(import_module(module), name)
    except AttributeError as error:
        fix = did_you_mean(name, vars(import_module(module)))
        raise UserError(f"{module} has no {name}", where=target.where or target.path, fix=fix) from error
    except ImportError as error:
        what = f"{target.path} cannot be imported: {first_line(error)}"
        raise UserError(
            what, where=target.where or target.path, fix="mend the module, or its path"
        ) from error


def allow_folder(folder: Path) -> None:
    """Let configurations name modules that lie in a folder of the user's own (--config-dir)."""
    if folder.resolve() not in _own_folders:
        _own_folders.append(folder.resolve())
        invalidate_caches()


def _is_own(module: str) -> bool:
    """Whether a module's first part is a file or folder in one of the user's own folders."""
    first = module.partition(".")[0]
    try:
        found = find_spec(first) if first else None
    except (ImportError, ValueError):
        return False
    origins = [found.origin, *(found.submodule_search_locations or ())] if found else []
    return any(
        Path(origin).resolve().is_relative_to(own) for origin in origins if origin for own in _own_folders
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
