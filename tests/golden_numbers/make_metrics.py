"""Makes torchmetrics.json: what torchmetrics computes of random scores with ties and absent classes.

uv pip install --target t --no-deps torchmetrics lightning-utilities
PYTHONPATH=t python tests/golden_numbers/make_metrics.py       # in an environment with torch
"""

import json
import warnings
from pathlib import Path

import numpy as np
import torch
import torchmetrics
from torchmetrics.functional import classification as tm

warnings.simplefilter("ignore")  # that a class is absent


def scores_of(rng, shape):
    """In (0, 1), of few distinct values in half of the cases; never at a threshold of 0.5, which is theirs alone."""
    levels = int(rng.integers(2, 9)) * 2 + 1 if rng.random() < 0.5 else 10_000
    return (np.floor(rng.random(shape) * levels) + 0.25) / (levels + 0.75)


def binary(rng):
    labels, scores = rng.integers(0, 2, 40), scores_of(rng, 40)
    s, y = torch.tensor(scores), torch.tensor(labels)
    names = ("accuracy", "auroc", "average_precision", "precision", "recall", "specificity", "f1_score")
    found = {name: float(getattr(tm, f"binary_{name}")(s, y)) for name in names}
    return {"labels": labels.tolist(), "scores": scores.tolist(), "metrics": found}


def multiclass(rng):
    classes, present = 4, int(rng.integers(2, 5))
    labels, scores = rng.integers(0, present, 50), scores_of(rng, (50, classes))
    labels[:present] = np.arange(present)
    scores = scores / scores.sum(axis=1, keepdims=True)
    s, y = torch.tensor(scores), torch.tensor(labels)
    each = {"num_classes": classes, "average": None}
    found = {
        "accuracy": float(tm.multiclass_accuracy(s, y, classes, average="micro")),
        "auroc": tm.multiclass_auroc(s, y, **each).tolist(),
        "average_precision": tm.multiclass_average_precision(s, y, **each).tolist(),
        "recall": tm.multiclass_recall(s, y, **each).tolist(),
        "specificity": tm.multiclass_specificity(s, y, **each).tolist(),
        "precision": tm.multiclass_precision(s, y, **each).tolist(),
    }
    found = {
        name: [None if x != x else x for x in v] if isinstance(v, list) else v for name, v in found.items()
    }
    return {"labels": labels.tolist(), "scores": scores.tolist(), "present": present, "metrics": found}


def multilabel(rng):
    labels, scores = rng.integers(0, 2, (40, 3)), scores_of(rng, (40, 3))
    s, y = torch.tensor(scores), torch.tensor(labels)
    found = {
        "accuracy": float(tm.multilabel_accuracy(s, y, 3, average="micro")),
        **{
            name: float(getattr(tm, f"multilabel_{theirs}")(s, y, 3))
            for name, theirs in (
                ("auroc", "auroc"),
                ("average_precision", "average_precision"),
                ("f1", "f1_score"),
            )
        },
    }
    return {"labels": labels.tolist(), "scores": scores.tolist(), "metrics": found}


def main() -> None:
    rng = np.random.default_rng(20)
    makers = (binary, multiclass, multilabel)
    found = {maker.__name__: [maker(rng) for _ in range(10)] for maker in makers}
    versions = {one.__name__: one.__version__ for one in (torch, torchmetrics)}
    lines = (
        f"{json.dumps(name)}: {json.dumps(value)}" for name, value in {"versions": versions, **found}.items()
    )
    Path(__file__).with_name("torchmetrics.json").write_text(
        "{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8"
    )


if __name__ == "__main__":
    main()
