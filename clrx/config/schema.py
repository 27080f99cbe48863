"""Every key of the configuration with its type, limits, unit and meaning: the one source of what is allowed.

Errors, `--help`, completion, docs/configuration.md and the JSON schema are made from these fields. Defaults stand in
conf/*.yaml, which has the same keys (a test holds the two equal). Values are read by `clrx.config.load.load`.
"""

from typing import Annotated, Any, Literal

from pydantic import Field, Strict
from pydantic.dataclasses import dataclass

from clrx.config.sections import (
    CONFIG,
    DATASET,
    MODEL,
    Auto,
    Bootstrap,
    Bounds,
    Checkpoint,
    Dataset,
    EarlyStopping,
    Flag,
    Loss,
    Metric,
    Mix,
    Model,
    Number,
    Plan,
    RangeTest,
    Split,
    Text,
    Warmup,
    Whole,
    apart,
    key,
    target_of,
)
from clrx.config.target import Target


@dataclass(frozen=True, kw_only=True, config=CONFIG)
class TrainConfig:
    """All that `clrx train` can be asked for."""

    seed: Whole = key(
        "of initial weights, order, augmentation and dropout; data and split have their own", ge=0
    )
    scale: Number = key(
        "share of a whole run, for a rehearsal: shrinks epochs and images together", gt=0, le=1
    )
    epochs: Whole = key("length of a phase that does not set its own", "epochs", ge=1)
    batch_size: Whole = key("images per forward pass", "images", ge=1)
    accumulate: Whole = key("batches per optimizer step", ge=1)
    lr: Number = key("constant rate, and the start of the decaying policies", gt=0)
    decay: Number = key("of time_decay: lr / (1 + decay * step), as Keras", "per optimizer step", ge=0)
    momentum: Number = key("of the optimizer; a momentum policy moves it", ge=0, lt=1)
    weight_decay: Number = key("L2 factor given to the optimizer", ge=0)
    spare_norms: Flag = key("true: no weight decay on biases and normalisation layers")
    grad_clip: Number | None = key("largest L2 norm of the gradient; null: not clipped", gt=0)
    ema: Number | None = key(
        "decay of an exponential moving average of the weights, which rises from 0.1: (1 + n) / (10 + n); null: none",
        gt=0,
        lt=1,
    )
    warmup: Warmup = key("a linear warm-up before the policy starts")
    bounds: Bounds = key("the rates that cyclical policies move between")
    range_test: RangeTest = key("the learning-rate range test")
    loss: Loss = key("what is added to or changed in the cross-entropy")
    sampling: Literal["shuffled", "weighted"] = key("weighted: each class equally often, with replacement")
    mix: Mix = key("mixing the images of a batch with each other")
    test_flips: Flag = key("true: scores are averaged over the image and its mirror image")
    split: Split = key("how images are divided into training, validation and test")
    selection: Literal["validation", "test", "last"] = key(
        "which set chooses the best epoch: validation, test (as some papers did; the report says so), or the last epoch"
    )
    selection_metric: Metric = key("auto: auroc (binary, multi-label) or accuracy (multi-class)")
    early_stopping: EarlyStopping = key("when a phase ends before its epochs are over")
    cycle_weights: Flag = key(
        "true: keep the weights of each cycle's end and score their averaged prediction"
    )
    bootstrap: Bootstrap = key("intervals of the test metrics")
    device: Annotated[str, Strict(), Field(pattern=r"^(auto|cpu|cuda(:\d+)?)$")] = key(
        "what to train on", allowed="auto, cpu, cuda, cuda:N"
    )
    precision: Literal["auto", "fp32", "bf16"] = key(
        "of the forward pass: bf16 is autocast; auto: the faster one on this machine, chosen before the run, recorded"
    )
    channels_last: Flag = key("memory layout of images and convolutions")
    deterministic: Flag = key("true: equal bytes on one machine, also on a GPU")
    threads: Whole | None = key("CPU threads of one process; null: all cores", ge=1)
    workers: Whole | None = key("processes that decode images; null: all cores", ge=1)
    memory_budget: Whole | None = key(
        "memory of the device for images; null: half of what is free", "bytes", ge=0
    )
    checkpoint: Checkpoint = key("when the state of a run is written")
    on_divergence: Literal["stop", "backoff"] = key(
        "backoff: return to the last epoch's end and scale the rates"
    )
    backoff_factor: Number = key("what backoff multiplies the rates with", gt=0, lt=1)
    max_backoffs: Whole = key("how often a run may back off", ge=0)
    logger: Literal["none", "tensorboard", "mlflow"] = key("fed from the records at the end of the run")
    published: tuple[Any, ...] = key("a paper's numbers for these settings; reports print them beside ours")
    dataset: Annotated[Dataset, apart("dataset", DATASET, "source")] = key(
        "where images, labels and groups come from"
    )
    model: Annotated[Model, apart("model", MODEL, "architecture")] = key("the network")
    head: Annotated[Target, target_of("head")] = key("what stands on the network's features")
    optimizer: Annotated[Target, target_of("optimizer")] = key("the optimizer")
    policy: Annotated[Target, target_of("policy")] = key("the learning rate over the run")
    momentum_policy: Annotated[Target | None, target_of("momentum_policy")] = key("momentum over the run")
    augment: Annotated[Target, target_of("augment")] = key("augmentation of training images, on the device")
    plan: Plan = key("the phases of the run")


@dataclass(frozen=True, kw_only=True, config=CONFIG)
class FindLrConfig(TrainConfig):
    """All that `clrx find-lr` can be asked for."""

    repeats: Whole = key("passes of the ramp, from the same initial weights in other batch orders", ge=1)
    steps: Whole = key("length of a pass; instead: range_test.epochs", "optimizer steps", ge=20)


@dataclass(frozen=True, kw_only=True, config=CONFIG)
class PolicyConfig(TrainConfig):
    """All that `clrx policy` can be asked for."""

    steps_per_epoch: Whole = key(
        "training images / (batch_size * accumulate), rounded up", "optimizer steps", ge=1
    )
    compare: Text | tuple[Text, ...] | None = key(
        "policies to plot beside `policy`: all, or a list; null: it alone"
    )
    picture: Annotated[str, Strict(), Field(pattern=r"\.(png|svg|pdf)$")] | None = key(
        "write the picture here too", allowed="a path that ends in .png, .svg or .pdf, or null"
    )


@dataclass(frozen=True, kw_only=True, config=CONFIG)
class DataConfig(TrainConfig):
    """All that `clrx data` can be asked for."""

    images: Auto | Flag = key(
        "auto: decode and show the images that are there; true: stop where there are none"
    )
    sample: Whole = key("files whose headers are looked at for the image sizes, at random", "files", ge=1)
    sheet: Whole = key("images per class on the contact sheet", "images", ge=1, le=20)
    cache: Literal["list", "clear", "clear_unused"] | None = key(
        "list: what is cached; clear: remove it; clear_unused: what no run can use any more"
    )
