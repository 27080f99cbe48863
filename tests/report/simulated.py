"""Run directories written by hand, with known numbers, as a sweep leaves them."""

import json
from pathlib import Path

import numpy as np
import yaml

EPOCHS, STEPS = 6, 5  # of a simulated run; steps an epoch


def rate(policy: str, epoch: float) -> float:
    return 0.01 if policy == "constant" else 0.0025 + 0.0075 * abs(1 - (epoch % 4) / 2)


def simulate_run(
    path: Path,
    *,
    policy: str = "constant",
    seed: int = 0,
    auroc: float | None = 0.8,
    curve: list[float] | None = None,
    state: str = "complete",
    error: str | None = None,
    task: str = "binary",
    classes: tuple[str, ...] = ("No Finding", "Pneumothorax"),
    config: dict | None = None,
    facts: dict | None = None,
    metrics: dict | None = None,
    seconds: float = 2.0,
) -> Path:
    """Write one run directory; `curve`: val_accuracy and val_auroc an epoch; `auroc`: of the test set."""
    path.mkdir(parents=True)
    curve = [0.5 + 0.05 * epoch for epoch in range(EPOCHS)] if curve is None else curve
    _write_record(path, policy, seed, state, error, task, classes, facts or {})
    settings = {
        "seed": seed,
        "epochs": EPOCHS,
        "batch_size": 32,
        "selection": "validation",
        "selection_metric": "auto",
        "policy": {"_target_": f"clrx.policy.{policy}.{policy.title()}"},
        "bounds": {"base_lr": 0.0025, "max_lr": 0.01, "step_size": 2},
        "split": {"fold": None, "seed": 0},
        "bootstrap": {"level": 0.95},
        "dataset": {"_target_": "clrx.dataset.phantom.load", "label": "Pneumothorax"},
        "disease": {"label": "Pneumothorax", "no_finding": 14000},
    }
    (path / "config.yaml").write_text(yaml.safe_dump(settings | (config or {})))
    _write_curves(path, policy, curve, seconds)
    if state == "complete":
        _write_results(path, task, classes, auroc, metrics or {}, seed, len(curve), seconds)
    return path


def _write_record(path, policy, seed, state, error, task, classes, facts) -> None:
    record = {
        "started": f"2025-01-01T00:{seed:02d}:00+00:00",
        "state": state,
        "error": error,
        "command": f"clrx train policy={policy} seed={seed}",
        "choices": {"policy": policy, "dataset": "phantom", "model": "mobilenet", "experiment": None},
        "seed": seed,
        "dataset": "phantom",
        "task": task,
        "classes": list(classes),
        "synthetic": False,
        "policy": policy,
        "model": "mobilenet",
        "data_hash": "d" * 64,
        "split_hash": "5" * 64,
        "images": {"train": 160, "validation": 40, "test": 120},
        "selection": "validation",
        "notes": [],
        "facts": {},
        "versions": {"python": "3.11.2", "clrx": "0.1.0", "torch": "2.15.0"},
        "hardware": {"processor": "Some CPU", "cores": 2, "threads": 2, "memory": 8 << 30, "device": "cpu"},
        "git": {"commit": "abcdef0123456789", "changed": False},
    }
    (path / "run.json").write_text(json.dumps(record | facts))


def _write_curves(path, policy, curve, seconds) -> None:
    names = "phase,epoch,train_loss,train_accuracy,val_loss,val_accuracy,val_auroc,lr,seconds"
    rows = [
        f"main,{k},{1.2 - value},{value + 0.02},{1.25 - value},{value},{value},{rate(policy, k)},{seconds}"
        for k, value in enumerate(curve, 1)
    ]
    (path / "epochs.csv").write_text("\n".join([names, *rows, ""]))
    steps = [
        f"{k},{k / STEPS},{rate(policy, k / STEPS)},,{1.2 - curve[k // STEPS]}"
        for k in range(STEPS * len(curve))
    ]
    (path / "steps.csv").write_text("\n".join(["step,epoch,lr,momentum,loss", *steps, ""]))


def _write_results(path, task, classes, auroc, metrics, seed, epochs, seconds) -> None:
    test = {
        name: {"value": value, "low": None if value is None else value - 0.05, "high": None}
        for name, value in {"auroc": auroc, "accuracy": auroc, **metrics}.items()
    }
    for entry in test.values():
        entry["high"] = None if entry["value"] is None else entry["value"] + 0.05
    phases = [{"name": "main", "epochs": epochs, "steps": STEPS * epochs, "seconds": seconds * epochs}]
    found = {"test": test, "validation": test, "threshold": 0.5, "weights": "best", "phases": phases}
    (path / "metrics.json").write_text(json.dumps(found))
    (path / "predictions.csv").write_text(_predictions(task, classes, seed))


def _predictions(task: str, classes: tuple[str, ...], seed: int, images: int = 120) -> str:
    rng, count = np.random.default_rng(seed), len(classes)
    labels = np.arange(images) % count
    rows = [(f"i{k:03d}.png", f"p{k // 2}") for k in range(images)]
    if task == "binary":
        scores = 1 / (1 + np.exp(-rng.normal(2 * labels - 1, 1.3)))
        lines = ["image,patient,label,score"]
        lines += [f"{i},{p},{y},{s:.6f}" for (i, p), y, s in zip(rows, labels, scores, strict=True)]
    else:
        logits = rng.normal(size=(images, count)) + 2 * np.eye(count)[labels]
        scores = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
        cells = [",".join(f"{score:.6f}" for score in line) for line in scores]
        named = ",".join(f"score_{name}" for name in classes)
        if task == "multiclass":
            lines = [f"image,patient,label,predicted,{named}"]
            found = scores.argmax(1)
            lines += [
                f"{i},{p},{classes[y]},{classes[d]},{c}"
                for (i, p), y, d, c in zip(rows, labels, found, cells, strict=True)
            ]
        else:
            truth = np.eye(count, dtype=int)[labels] | np.eye(count, dtype=int)[(labels * 2) % count]
            lines = ["image,patient," + ",".join(f"label_{name}" for name in classes) + f",{named}"]
            lines += [
                f"{i},{p},{','.join(map(str, t))},{c}"
                for (i, p), t, c in zip(rows, truth, cells, strict=True)
            ]
    return "\n".join([*lines, ""])


def simulate_sweep(root: Path, values: dict[str, list[float]], **settings) -> Path:
    """One run a policy and seed, with the given AUROC of the test set each."""
    for policy, aurocs in values.items():
        for seed, auroc in enumerate(aurocs):
            simulate_run(
                root / f"policy={policy},seed={seed}", policy=policy, seed=seed, auroc=auroc, **settings
            )
    return root
