"""What a key may be, in words, read from its field in the schema: for messages, --help and the documentation."""

from collections.abc import Iterator, Sequence
from dataclasses import is_dataclass
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, NamedTuple, Union, get_args, get_origin

from annotated_types import Ge, Gt, Le, Lt
from pydantic.fields import FieldInfo

WORDS = {Ge: "at least", Gt: "above", Le: "at most", Lt: "below"}
TYPES = {int: "a whole number", float: "a number", str: "text", bool: "true, false"}


class Key(NamedTuple):
    """One key of a section, for people."""

    name: str  # dotted
    meaning: str
    unit: str
    allowed: str


def keys_of(kind: type, prefix: str = "") -> Iterator[Key]:
    """Every key of a section and of those within it, in the order of the schema."""
    for name, info in kind.__pydantic_fields__.items():  # type: ignore[attr-defined]
        extra = _extra(info)
        inner = _section(info.annotation)
        dotted = f"{prefix}{name}"
        if inner is not None and "allowed" not in extra and not _is_sequence(info.annotation):
            yield from keys_of(inner, f"{dotted}.")
        else:
            yield Key(dotted, info.description or "", str(extra.get("unit", "")), _allowed(info))


def allowed_values(kind: type, path: Sequence[int | str]) -> str:
    """What the key at `path` of a section may be, in words: `a number above 0`, `auto, fp32, bf16`, ..."""
    info = _info(kind, path)
    return _allowed(info) if info is not None else ""


def section_at(kind: type, path: Sequence[int | str]) -> type | None:
    """The section that the key at `path` is (`kind` itself for no path); None for a key that holds a value."""
    if not path:
        return kind
    info = _info(kind, path)
    if info is None or "allowed" in _extra(info):
        return None
    return (
        None if _is_sequence(info.annotation) and not isinstance(path[-1], int) else _section(info.annotation)
    )


def _info(kind: type, path: Sequence[int | str]) -> FieldInfo | None:
    info: FieldInfo | None = None
    section: Any = kind
    for name in path:
        if isinstance(name, int):
            continue
        known = getattr(section, "__pydantic_fields__", {})
        if name not in known:
            return info if info is not None and section is None else None
        info = known[name]
        section = _section(info.annotation)
    return info


def _section(annotation: Any) -> type | None:
    """The dataclass of the schema in an annotation, also within a union or a tuple."""
    if (
        isinstance(annotation, type)
        and is_dataclass(annotation)
        and hasattr(annotation, "__pydantic_fields__")
    ):
        return annotation
    for inner in get_args(annotation) if get_origin(annotation) is not Literal else ():
        if (found := _section(inner)) is not None:
            return found
    return None


def _extra(info: FieldInfo) -> dict[str, Any]:
    extra = info.json_schema_extra
    return dict(extra) if isinstance(extra, dict) else {}


def _is_sequence(annotation: Any) -> bool:
    return get_origin(annotation) is tuple


def _allowed(info: FieldInfo) -> str:
    if "allowed" in (extra := _extra(info)):
        return str(extra["allowed"])
    return ", ".join(dict.fromkeys(_words(info.annotation, info.metadata)))


def _words(annotation: Any, metadata: Sequence[Any] = ()) -> list[str]:
    origin = get_origin(annotation)
    if origin is Annotated:
        inner, *more = get_args(annotation)
        return _words(inner, [*more, *metadata])
    if origin in (Union, UnionType):
        parts = [
            word for part in get_args(annotation) if part is not NoneType for word in _words(part, metadata)
        ]
        return [*parts, *(["or null"] if NoneType in get_args(annotation) else [])]
    if origin is Literal:
        return [_literal(value) for value in get_args(annotation)]
    if origin is tuple:
        return [f"a list of {' or '.join(_words(get_args(annotation)[0]))}"]
    if annotation in TYPES:
        return [", ".join(filter(None, [TYPES[annotation], _limits(metadata)]))]
    return ["keys with a _target_" if annotation.__name__ == "Target" else "keys"]


def _literal(value: Any) -> str:
    return {True: "true", False: "false"}[value] if isinstance(value, bool) else str(value)


def _limits(metadata: Sequence[Any]) -> str:
    found = [one for part in metadata for one in (part.metadata if isinstance(part, FieldInfo) else [part])]
    said = [
        f"{word} {_bound(one):g}" for one in found for kind, word in WORDS.items() if isinstance(one, kind)
    ]
    return " and ".join(said)


def _bound(limit: Any) -> float:
    return next(getattr(limit, name) for name in ("ge", "gt", "le", "lt") if hasattr(limit, name))
