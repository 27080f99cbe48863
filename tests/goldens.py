"""Numbers that other libraries computed, with the scripts that made them: tests/golden_numbers/."""

import json
from functools import cache
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent / "golden_numbers"


@cache
def goldens(name: str = "keras_optax") -> dict[str, Any]:
    """What make.py had Keras and optax compute (schedules, augmentation, optimizers), make_metrics.py torchmetrics."""
    return json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8"))
