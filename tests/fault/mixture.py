"""Configurations of tiny runs: every policy, plan and optimizer, and whatever else moves or is remembered."""

import random
from pathlib import Path

from nodes import names
from toy import write_toy

TINY = (
    *("dataset=npz", "dataset.size=16", "device=cpu", "threads=1", "workers=1", "bootstrap.resamples=10"),
    *("bounds.step_size=1", "range_test.steps=40", "range_test.repeats=2"),
)
# What a range test of a moment finds bounds with.
FINDING = (
    *("model=cnn4", "model.dropout=0", "optimizer=sgd", "accumulate=1", "range_test.steps=100"),
    *("range_test.repeats=3", "range_test.start=1e-4", "range_test.end=100", "batch_size=40", "seed=15"),
)
PLANS = ("single", "decay_then_clr", "early_stop_restart", "dlr_cla")
EVERY = ("1 step", "3 steps", "7 steps", "1 epoch", "0.5 epochs", "2 epochs", "0.001 minutes", "1 minute")


OWN = ("--config-dir", str(Path(__file__).parent))  # steep.py is a policy of one's own; the flag comes first


def toys(folder: Path) -> dict[int, Path]:
    """The images, of two and of three classes."""
    return {classes: write_toy(folder / f"toy{classes}.npz", classes=classes) for classes in (2, 3)}


def configuration(number: int, images: dict[int, Path]) -> list[str]:
    """The `number`-th configuration: policies, plans and optimizers in turn, the rest drawn."""
    chance = random.Random(number)
    policies, optimizers = names("policy"), names("optimizer")
    classes, plan = chance.choice((2, 2, 3)), PLANS[number % len(PLANS)]
    own = [
        f"checkpoint.every='{chance.choice(EVERY)}'",
        f"model={chance.choice(('cnn4', 'cnn4', 'cnn4', 'mobilenet', 'resnet9'))}",
        f"batch_size={chance.choice((24, 30, 40))}",
        *_sizes(plan, chance),
    ]
    words = [
        *(*TINY, f"dataset.root={images[classes]}", f"seed={number}", f"plan={plan}"),
        *(f"policy={policies[number % len(policies)]}", f"optimizer={optimizers[number % len(optimizers)]}"),
        *own,
        *(FINDING if "plan.range_test=true" in own else _options(plan, classes, chance)),
    ]
    if plan == "single" and number % 3 == 0:
        return [*OWN, *words, *backing_off()]
    return words


def _sizes(plan: str, chance: random.Random) -> list[str]:
    if plan == "decay_then_clr":
        return ["plan.decay_epochs=1", "plan.clr_epochs=2", "decay=0.01"]
    if plan == "early_stop_restart":
        return ["plan.max_epochs=3", "plan.patience=1"]
    if plan == "dlr_cla":
        test = chance.random() < 0.3
        found = [f"plan.range_test={str(test).lower()}", f"plan.feature_copies={chance.choice((1, 2))}"]
        return [*found, "plan.head_epochs=3", "plan.all_epochs=2"]
    return [f"epochs={chance.choice((2, 3))}"]


def _options(plan: str, classes: int, chance: random.Random) -> list[str]:
    choices = [
        ["accumulate=2", "grad_clip=1"],
        ["ema=0.9"],
        ["precision=bf16"],
        ["sampling=weighted"],
        ["cycle_weights=true", "test_flips=true"],
        ["early_stopping.patience=1"],
        [f"selection={chance.choice(('last', 'test'))}"],
        ["loss.class_weights=balanced", "loss.label_smoothing=0.1", "weight_decay=1e-4"],
        ["augment=chopade2021"],
        ["memory_budget=1000"],
    ]
    if classes > 2:
        choices.append([chance.choice(("mix.mixup=0.4", "mix.cutmix=1.0"))])
    if plan == "single":
        choices.append(["momentum_policy=one_cycle"])
    return [word for words in choices if chance.random() < 0.4 for word in words]


def backing_off() -> list[str]:
    """Diverging in the second epoch, and trained on from the end of the first at a rate that can be borne."""
    policy = ["policy=constant", "policy._target_=steep.Steep", "momentum_policy=none"]
    return [*policy, "on_divergence=backoff", "backoff_factor=1e-32", "optimizer=sgd"]
