"""The options of the commands that use a trained network: `clrx predict`, `evaluate`, `explain`, `export`.

Each option has its type, limits and meaning in its field. `read_options` reads them from the words of a command line;
`--help`, completion and messages are made from the same fields.
"""

from collections.abc import Iterator, Sequence
from dataclasses import fields
from textwrap import wrap
from typing import Annotated, Any, Literal, TypeVar, get_args, get_origin

import yaml
from pydantic import Field, TypeAdapter, ValidationError
from pydantic.dataclasses import dataclass

from clrx.config.limits import allowed_values, keys_of
from clrx.config.sections import CONFIG
from clrx.core.errors import UserError, did_you_mean

Device = Annotated[str, Field(pattern=r"^(auto|cpu|cuda(:\d+)?)$")]
Options = TypeVar("Options")
NULL = ("null", "")


def option(default: Any, meaning: str, allowed: str = "", **limits: Any) -> Any:
    """A field: its default, its meaning in a sentence, what is allowed in words, and its limits."""
    extra: dict[str, Any] = {"allowed": allowed} if allowed else {}
    return Field(default=default, description=meaning, json_schema_extra=extra, **limits)


@dataclass(frozen=True, kw_only=True, config=CONFIG)
class Machine:
    """What every command that runs a network can be told about the machine."""

    device: Device = option("auto", "what to compute on", allowed="auto, cpu, cuda, cuda:N")
    batch_size: int | None = option(
        None, "images at once; null: as the run scored its own, less where memory ends", ge=1
    )
    threads: int | None = option(None, "CPU threads; null: all cores", ge=1)
    workers: int | None = option(None, "processes that decode images; null: all cores", ge=1)
    weights: str | None = option(
        None,
        "of a run: best, last, cycle_0004, or cycles (the scores of all are averaged); null: as it chose",
    )
    flips: bool | None = option(
        None, "true: scores are averaged over image and mirror image; null: as the run did"
    )


@dataclass(frozen=True, kw_only=True, config=CONFIG)
class PredictOptions(Machine):
    """What `clrx predict` can be asked for."""

    out: str | None = option(None, "CSV file to write; null: to the standard output")
    column: str | None = option(
        None, "of a CSV list: the column with the paths; null: path, image or the first"
    )
    cam: str | None = option(None, "folder for an overlay of each image: what its score rests on; null: none")


@dataclass(frozen=True, kw_only=True, config=CONFIG)
class EvaluateOptions(Machine):
    """What `clrx evaluate` can be asked for, beside the keys of its dataset."""

    out: str | None = option(None, "run directory to write; null: outputs/evaluate/...")
    classes: dict[str, str] | None = option(
        None, "names of the dataset's classes: the bundle's own", allowed="{NAME: CLASS, ...}"
    )
    subgroups: tuple[str, ...] = option((), "columns of the dataset whose values are tabled: sex,view,age")
    small: int = option(30, "a subgroup with fewer images, or fewer than 10 of a class, is marked", ge=1)
    seen: Literal["drop", "refuse", "keep"] = option("drop", "images of patients that training has seen")
    prevalence: float | None = option(
        None, "share of positives that predictive values are adjusted to", gt=0, lt=1
    )
    resamples: int = option(1000, "resamples of whole patients", ge=1)
    level: float = option(0.95, "share of the resamples within an interval", gt=0, lt=1)
    seed: int = option(0, "of the resamples", ge=0)


@dataclass(frozen=True, kw_only=True, config=CONFIG)
class ExplainOptions(Machine):
    """What `clrx explain` can be asked for."""

    out: str | None = option(None, "folder to write; null: explain/ in the run")
    method: Literal["gradcam", "gradcam++", "scorecam"] = option("gradcam", "how the map is made")
    target: str | None = option(None, "class whose score is explained; null: the predicted one")
    layer: str | None = option(None, "module of the body whose maps are weighed; null: the last with a map")
    count: int = option(4, "test images on the sheet of each kind: right, wrong, least sure", ge=1, le=50)
    boxes: str | None = option(None, "BBox_List_2017.csv of the NIH: how often the maximum lies in a box")
    check: bool = option(True, "true: compare with the maps of a network with random weights")


@dataclass(frozen=True, kw_only=True, config=CONFIG)
class ExportOptions(Machine):
    """What `clrx export` can be asked for."""

    format: Literal["bundle", "onnx", "torch"] = option(
        "bundle", "a folder or zip to hand over, or the network's graph"
    )
    out: str | None = option(None, "folder, .zip, .onnx or .pt2 to write; null: in the run")
    opset: int | None = option(None, "version of ONNX operators; null: 18", ge=18, le=23)
    images: int = option(64, "test images that the graph is compared on", ge=1)


KINDS: dict[str, type] = {
    "predict": PredictOptions,
    "evaluate": EvaluateOptions,
    "explain": ExplainOptions,
    "export": ExportOptions,
}


def is_option(command: str, word: str) -> bool:
    """Whether a word of a command line sets an option of the command."""
    key, equals, _ = word.partition("=")
    return bool(equals) and key in {one.name for one in fields(KINDS[command])}  # type: ignore[arg-type]


def read_options(command: str, kind: type[Options], words: Sequence[str]) -> Options:
    """The options of a command from its key=value words; UserError with what is allowed."""
    known = {one.name: one for one in fields(kind)}  # type: ignore[arg-type]
    values: dict[str, Any] = {}
    for word in words:
        key, equals, text = word.partition("=")
        if not equals or key not in known:
            fix = did_you_mean(key, known)
            what = f"clrx {command} has no option '{key}'"
            raise UserError(what, where=f"clrx {command}", allowed=", ".join(known), fix=fix)
        values[key] = _parsed(key, text, kind)
    try:
        return TypeAdapter(kind).validate_python(values)
    except ValidationError as error:
        name = str(error.errors()[0]["loc"][0])
        allowed = allowed_values(kind, (name,))
        text = next(word.partition("=")[2] for word in reversed(words) if word.startswith(f"{name}="))
        what = f"{name}={text} is not possible"
        raise UserError(what, where=name, allowed=allowed, fix=f"set {name}=VALUE") from error


def _parsed(key: str, text: str, kind: type) -> Any:
    """The text of an option as what pydantic takes: a list at commas, a mapping in braces, null, else the text."""
    annotation = kind.__pydantic_fields__[key].annotation  # type: ignore[attr-defined]
    kinds = {get_origin(one) or one for one in (annotation, *get_args(annotation))}
    if text in NULL and type(None) in kinds:
        return None
    if tuple in kinds:
        return tuple(part.strip() for part in text.strip("[]").split(",") if part.strip())
    if dict in kinds:
        return _mapping(key, text)
    return text


def _mapping(key: str, text: str) -> dict[str, str]:
    try:
        found = yaml.safe_load(text if text.startswith("{") else f"{{{text}}}".replace(":", ": "))
        return {str(name): str(value) for name, value in found.items() if value is not None}
    except (yaml.YAMLError, AttributeError):
        what, allowed = f"{key}={text} is no mapping", "{NAME: CLASS, ...}"
        raise UserError(what, where=key, allowed=allowed, fix=f"'{key}={{PNEUMONIA: Pneumonia}}'") from None


def option_lines(command: str) -> Iterator[str]:
    """For --help: each option of a command with its default, what is allowed, and its meaning."""
    kind: Any = KINDS[command]
    for key in keys_of(kind):
        default = kind.__pydantic_fields__[key.name].default
        shown = {"None": "null", "True": "true", "False": "false", "()": "none"}.get(str(default), default)
        text = f"{key.name}  [default {shown}]  {key.allowed}"
        yield from wrap(text, 100, initial_indent="  ", subsequent_indent=" " * 6)
        yield from wrap(key.meaning, 100, initial_indent=" " * 6, subsequent_indent=" " * 6)


def option_values(command: str, name: str) -> list[str]:
    """For completion: the words that an option takes."""
    kind: Any = KINDS[command]
    if name not in kind.__pydantic_fields__:
        return []
    words = allowed_values(kind, (name,)).removesuffix(", or null").split(", ")
    return [word for word in words if word.replace("_", "").replace(":", "").isalnum() and word != "text"]
