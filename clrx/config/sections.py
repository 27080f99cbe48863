"""The sections of the configuration: keys with their types, limits, units and meanings; see `clrx.config.schema`."""

import re
from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import AllowInfNan, BeforeValidator, ConfigDict, Field, Strict
from pydantic.dataclasses import dataclass

from clrx.config.target import Target, read_target

CONFIG = ConfigDict(extra="forbid", arbitrary_types_allowed=True)

Whole = Annotated[int, Strict()]
Number = Annotated[float, Strict(), AllowInfNan(False)]
Flag = Annotated[bool, Strict()]
Text = Annotated[str, Strict()]
Auto = Literal["auto"]
Section = Literal["early", "middle", "head"]  # of a network, from its input on


def key(meaning: str, unit: str = "", allowed: str = "", **limits: Any) -> Any:
    """A field: its meaning in a sentence, its unit, and its limits (ge, gt, le, lt, pattern)."""
    extra: dict[str, Any] = {name: text for name, text in (("unit", unit), ("allowed", allowed)) if text}
    return Field(description=meaning, json_schema_extra=extra, **limits)


def target_of(where: str) -> BeforeValidator:
    """Reads a mapping with `_target_` as a Target that knows its key."""
    return BeforeValidator(lambda node: read_target(node, where))


def _metric(name: Any) -> Any:
    return name.removeprefix("val_") if isinstance(name, str) else name


MetricName = Literal[
    "auto",
    "loss",
    "accuracy",
    "auroc",
    "average_precision",
    "f1",
    "balanced_accuracy",
    "precision",
    "recall",
    "specificity",
    "train_loss",
    "train_accuracy",
]
Metric = Annotated[MetricName, BeforeValidator(_metric)]


@dataclass(frozen=True, kw_only=True, config=CONFIG)
class Warmup:
    """A linear warm-up before the policy starts."""

    epochs: Number = key("length of the warm-up; 0: none", "epochs", ge=0)
    start_factor: Number = key("share of the policy's first rate at which it starts", ge=0, le=1)


@dataclass(frozen=True, kw_only=True, config=CONFIG)
class Bounds:
    """The rates that cyclical policies move between; all of them read these keys."""

    base_lr: Annotated[Number, Field(ge=0)] | Auto = key(
        "floor of the cycle; auto: found by a range test first"
    )
    max_lr: Annotated[Number, Field(gt=0)] | Auto = key("top of the cycle; auto: found by a range test first")
    step_size: Number = key("length of half a cycle", "epochs", gt=0)


@dataclass(frozen=True, kw_only=True, config=CONFIG)
class RangeTest:
    """The learning-rate range test: of `clrx find-lr`, `bounds=auto` and plans with `range_test: true`."""

    shape: Literal["exponential", "linear"] = key("how the rate rises (Chopade A6; Alyafi III-C)")
    start: Number = key("first rate", gt=0)
    end: Number = key("last rate", gt=0)
    steps: Whole = key("length of the ramp", "optimizer steps", ge=20)
    epochs: Number | None = key("length of the ramp, instead of steps", "epochs", gt=0)
    repeats: Whole = key("passes, from the same initial weights in other batch orders", ge=1)
    smoothing: Number = key("standard deviation of the smoothing weights", "share of the ramp", gt=0, le=0.2)
    stop_at: Number = key("a pass ends when its smoothed loss is so many times its best", gt=1)
    curve: Literal["loss", "val_loss", "val_accuracy", "val_auroc"] = key("what is read: loss is of training")
    images: Whole = key(
        "validation images that val_... is measured on, the same in all passes", "images", ge=1
    )
    every: Whole = key("distance between two measurements of val_...", "optimizer steps", ge=1)
    rule: Literal["bottom", "valley", "steepest", "minimum_tenth", "smith2017", "chopade2021"] = key(
        "the rule whose bounds are printed to paste, and that bounds=auto takes"
    )


@dataclass(frozen=True, kw_only=True, config=CONFIG)
class Loss:
    """What is added to or changed in the cross-entropy."""

    class_weights: Literal["none", "balanced"] = key(
        "balanced: n / (classes * n_class), mean 1 over the training set"
    )
    label_smoothing: Number = key("share of each target spread over all classes", ge=0, lt=1)
    focal_gamma: Number = key("exponent of the focal loss (Lin et al. 2017, eq. 4); 0: cross-entropy", ge=0)


@dataclass(frozen=True, kw_only=True, config=CONFIG)
class Mix:
    """Mixing the images of a batch with each other; multi-class tasks only."""

    mixup: Number = key("alpha of mixup's Beta distribution (Zhang et al. 2018); 0: off", ge=0)
    cutmix: Number = key("alpha of cutmix's Beta distribution (Yun et al. 2019); 0: off", ge=0)


@dataclass(frozen=True, kw_only=True, config=CONFIG)
class Split:
    """How images are divided into training, validation and test."""

    validation: Number = key("share of all images, by whole groups", ge=0, lt=1)
    test: Number = key("share of all images, by whole groups", gt=0, lt=1)
    folds: Whole | None = key("k of k-fold", ge=2)
    fold: Whole | None = key("0 to folds - 1: this fold is the test set; null: no k-fold", ge=0)
    seed: Whole = key("of the split, not of the run: runs over seeds share one split", ge=0)


@dataclass(frozen=True, kw_only=True, config=CONFIG)
class EarlyStopping:
    """When a phase ends before its epochs are over."""

    patience: Whole | None = Field(
        default=None,
        description="how long without a better value; null: off",
        json_schema_extra={"unit": "epochs, or whole cycles under a cyclical policy"},
        ge=1,
    )
    metric: Metric = Field(
        default="auto", description="auto: the selection metric; loss or any metric of epochs.csv"
    )
    min_delta: Number = Field(default=0.0, description="smallest change that counts as better", ge=0)


@dataclass(frozen=True, kw_only=True, config=CONFIG)
class Bootstrap:
    """Intervals of the test metrics."""

    resamples: Whole = key("resamples of whole patients", ge=1)
    level: Number = key("share of the resamples within the interval", gt=0, lt=1)


@dataclass(frozen=True, kw_only=True, config=CONFIG)
class Every:
    """How often something is done: a number of steps, epochs or minutes."""

    number: Number = key("how many", gt=0)
    unit: Literal["step", "epoch", "minute"] = key("of what")


def _read_every(text: Any) -> Any:
    match = re.fullmatch(r"\s*([0-9]{0,9}\.?[0-9]{1,9})\s*(step|epoch|minute)s?\s*", str(text))
    if match is None or (match[2] == "step" and not float(match[1]).is_integer()):
        return text
    return {"number": float(match[1]), "unit": match[2]}


@dataclass(frozen=True, kw_only=True, config=CONFIG)
class Checkpoint:
    """When the state of a run is written."""

    every: Annotated[Every, BeforeValidator(_read_every)] = key(
        "time between two checkpoints", allowed="'N steps' (N whole), 'N epochs' or 'N minutes' with N > 0"
    )


DATASET = ("size", "channels", "split", "unreadable", "duplicates", "links", "balanced", "survey", "recipe")
MODEL = ("weights", "mean", "std", "binary_outputs")


def apart(where: str, common: tuple[str, ...], name: str) -> BeforeValidator:
    """Puts the keys of a group's option that are not common to all options into a Target under `name`."""

    def read(node: Any) -> Any:
        if not isinstance(node, Mapping):
            return read_target(node, where)
        own = {key: value for key, value in node.items() if key not in common}
        return {**{key: node[key] for key in common if key in node}, name: read_target(own, where)}

    return BeforeValidator(read)


@dataclass(frozen=True, kw_only=True, config=CONFIG)
class Dataset:
    """Where images, labels and groups come from, and what size they are brought to."""

    source: Target = key("the dataset's own keys, for its `_target_`")
    size: Whole | None = key(
        "side of the square that images are resized to, once, in the cache; null: as the images of an array are",
        "pixels",
        ge=8,
        le=4096,
    )
    channels: Literal[1, 3] | None = key("1 (grey) or 3 (colour); null: as the dataset has them")
    split: Literal["group", "official", "image", "given", "auto"] = key(
        "how the parts are made: by group (patient, lesion, film), the official lists, image by image, as given"
    )
    unreadable: Literal["error", "drop"] = key(
        "error: stop and list every unreadable image; drop: leave them out"
    )
    duplicates: Literal["keep", "drop", "error"] = Field(
        default="keep",
        description="images that are, pixel for pixel, in several parts of the split; keep: they are counted and "
        "said; drop: left out of the part that trains; error: refused",
    )
    links: Literal["inside", "follow"] = Field(
        default="inside",
        description="linked image files; inside: they must lead to a file below dataset.root; follow: anywhere",
    )
    balanced: Whole | None = key("training images kept of each class, by seed; null: all", "images", ge=1)
    survey: Annotated[Target | None, target_of("dataset.survey")] = key(
        "numbers of papers on the whole release, for clrx data"
    )
    recipe: dict[str, Any] = key("the dataset's usual settings: conf/train.yaml reads them as its defaults")


@dataclass(frozen=True, kw_only=True, config=CONFIG)
class Model:
    """The network without its head, and the weights it starts from."""

    architecture: Target = key("the model's own keys, for its `_target_`")
    weights: Text | None = key(
        "null: fresh, from the seed; imagenet; PATH of a .safetensors or weights-only .pth file; a former run"
    )
    mean: tuple[Number, ...] | None = key(
        "per channel of images in [0, 1], what the weights expect; null: their own"
    )
    std: tuple[Number, ...] | None = key("per channel, beside mean")
    binary_outputs: Literal[1, 2] = key("outputs of a binary task: 1 (sigmoid) or 2 (softmax)")


@dataclass(frozen=True, kw_only=True, config=CONFIG)
class RateScales:
    """Factors on the rate of each section of the network."""

    early: Number = Field(default=1.0, description="sections near the input", ge=0)
    middle: Number = Field(default=1.0, description="sections in between", ge=0)
    head: Number = Field(default=1.0, description="the head", ge=0)


@dataclass(frozen=True, kw_only=True, config=CONFIG)
class PhaseConfig:
    """One phase of a run (conf/plan/single.yaml lists every key)."""

    name: Annotated[str, Strict(), Field(pattern=r"^[^\x00-\x1f\x7f]*[^\x00-\x20\x7f][^\x00-\x1f\x7f]*$")] = (
        key("a name, for records and the log", allowed="printable text")
    )
    epochs: Whole = key("length of the phase", "epochs", ge=1)
    policy: Annotated[Target, target_of("policy")] = key("the learning rate over the phase")
    momentum_policy: Annotated[Target | None, target_of("momentum_policy")] = Field(
        default=None, description="momentum over the phase; null: it stays as the optimizer has it"
    )
    trainable: Literal["all", "head"] | Annotated[tuple[Section, ...], Field(min_length=1)] = Field(
        default="all", description="what is trained: all, head, or a list of sections (early, middle, head)"
    )
    rate_scales: RateScales | None = Field(
        default=None, description="factors on the rate of each section; null: 1 everywhere"
    )
    early_stopping: EarlyStopping | None = Field(default=None, description="null: that of the run")
    features: Literal["computed"] | None = Field(
        default=None,
        description="computed: the frozen body's features are computed once (trainable: head only)",
    )
    feature_copies: Whole = Field(
        1, description="augmented copies of the training set among the features", ge=1
    )
    start: Literal["previous", "best"] = Field(
        default="previous", description="weights that the phase starts from"
    )


@dataclass(frozen=True, config=ConfigDict(extra="ignore", arbitrary_types_allowed=True), kw_only=True)
class Plan:
    """The phases of a run. Further keys of a plan are values that its phases read."""

    phases: Annotated[tuple[PhaseConfig, ...], Field(min_length=1)] = key("the phases, in their order")
    range_test: Flag = Field(
        default=False, description="true: a range test finds the bounds before the first phase"
    )
