"""Makes keras_optax.json: what Keras and optax themselves compute, for the tests beside clrx's own numbers.

    uv venv v && uv pip install --python v/bin/python keras jax optax scipy pillow
    KERAS_BACKEND=jax v/bin/python tests/golden_numbers/make.py

Neither library is needed by the tests: they read the numbers. The versions stand in the file.
"""

import json
from pathlib import Path

import jax
import keras
import numpy as np
import optax
import scipy
from keras.optimizers import schedules
from keras.src.legacy.preprocessing.image import ImageDataGenerator

STEPS = 1000  # of a run
ROUNDS = 6


def sampled(rates, steps):
    return [[int(step), float(rates(int(step)))] for step in steps]


def keras_schedules(rng):
    """(name, arguments by Keras's names, [step, rate] at some steps)."""
    lr, low = float(10 ** rng.uniform(-4, 0)), float(rng.choice([0.0, rng.uniform(0, 0.5)]))
    every, rate = int(rng.integers(5, 300)), float(rng.uniform(0.1, 1))
    edges = sorted(rng.choice(np.arange(1, STEPS), 3, replace=False).tolist())
    made = {
        "ExponentialDecay": {"decay_steps": every, "decay_rate": rate, "staircase": False},
        "staircase": {"decay_steps": every, "decay_rate": rate, "staircase": True},
        "InverseTimeDecay": {"decay_steps": every, "decay_rate": rate},
        "PolynomialDecay": {
            "decay_steps": STEPS,
            "end_learning_rate": low * lr,
            "power": float(rng.uniform(0.3, 4)),
        },
        "CosineDecay": {"decay_steps": STEPS, "alpha": low},
        "CosineDecayRestarts": {
            "first_decay_steps": every,
            "t_mul": float(rng.integers(1, 4)),
            "m_mul": float(rng.uniform(0.3, 1)),
            "alpha": low,
        },
        "PiecewiseConstantDecay": {"boundaries": edges, "values": [lr * rate**k for k in range(4)]},
    }
    for name, keys in made.items():
        kind = getattr(schedules, {"staircase": "ExponentialDecay"}.get(name, name))
        schedule = kind(**keys) if name.startswith("Piece") else kind(lr, **keys)
        steps = np.unique(
            [0, 1, every - 1, every, every + 1, *edges, *(e + 1 for e in edges), *rng.integers(0, STEPS, 12)]
        )
        yield {"name": name, "lr": lr, **keys, "rates": sampled(schedule, steps)}


def optax_schedules(rng):
    lr, low = float(10 ** rng.uniform(-4, 0)), float(rng.choice([0.0, rng.uniform(0, 0.5)]))
    every, rate = int(rng.integers(5, 300)), float(rng.uniform(0.1, 1))
    start = int(rng.integers(1, 9)) * STEPS // 10
    cycle = {"peak_value": lr, "pct_start": start / STEPS, "div_factor": 7.0, "final_div_factor": 90.0}
    warm = {"init_value": 0.1 * lr, "peak_value": lr, "warmup_steps": every, "end_value": low * lr}
    made = {
        "exponential_decay": {"init_value": lr, "transition_steps": every, "decay_rate": rate},
        "staircase": {"init_value": lr, "transition_steps": every, "decay_rate": rate, "staircase": True},
        "polynomial_schedule": {
            "init_value": lr,
            "end_value": low * lr,
            "power": float(rng.uniform(0.3, 4)),
            "transition_steps": STEPS,
        },
        "linear_schedule": {"init_value": lr, "end_value": low * lr, "transition_steps": STEPS},
        "cosine_decay_schedule": {"init_value": lr, "decay_steps": STEPS, "alpha": low},
        "cosine_onecycle_schedule": {"transition_steps": STEPS, **cycle},
        "warmup_cosine_decay_schedule": {"decay_steps": STEPS, **warm},
    }
    for name, keys in made.items():
        schedule = getattr(optax.schedules, {"staircase": "exponential_decay"}.get(name, name))(**keys)
        steps = np.unique([0, 1, every - 1, every, every + 1, start, *rng.integers(0, STEPS, 12)])
        yield {"name": name, **keys, "rates": sampled(schedule, steps)}


def augmentation(rng):
    """One square image, moved and brightened by ImageDataGenerator.apply_transform.

    Of others Keras takes the centre of the rows for that of the columns (transform_matrix_offset_center).
    """
    image = rng.integers(0, 256, (10, 10))
    fill = str(rng.choice(["nearest", "reflect"]))
    generator = ImageDataGenerator(fill_mode=fill, data_format="channels_last")
    moves = {
        "theta": float(rng.uniform(-40, 40)) * int(rng.integers(2)),
        "tx": float(rng.uniform(-3, 3)) * int(rng.integers(2)),  # along the rows
        "ty": float(rng.uniform(-3, 3)) * int(rng.integers(2)),
        "shear": float(rng.uniform(-20, 20)) * int(rng.integers(2)),
        "zx": float(rng.uniform(0.7, 1.4)),
        "zy": float(rng.uniform(0.7, 1.4)),
        "flip_horizontal": bool(rng.integers(2)),
        "flip_vertical": bool(rng.integers(2)),
    }
    moved = generator.apply_transform(image[:, :, None].astype(np.float64), moves)[:, :, 0]
    factor = float(rng.uniform(0.3, 1.7))
    bright = generator.apply_transform(image[:, :, None].astype(np.float64), {"brightness": factor})[:, :, 0]
    return {
        **{"image": image.tolist(), "fill": fill, **moves, "moved": np.round(moved, 3).tolist()},
        **{"factor": factor, "bright": np.asarray(bright).astype(int).tolist()},
    }


def optimizers(rng):
    """Weights after each of eight steps with given gradients."""
    grads = rng.normal(0, 1, (8, 3)) * 10.0 ** rng.integers(-4, 1, (8, 1))
    kinds = {
        "SGD": {"learning_rate": 0.1, "momentum": 0.9},
        "SGD nesterov": {"learning_rate": 0.1, "momentum": 0.9, "nesterov": True},
        "RMSprop": {"learning_rate": 0.01, "rho": 0.9, "epsilon": 1e-7},
        "RMSprop momentum": {"learning_rate": 0.01, "rho": 0.9, "epsilon": 1e-7, "momentum": 0.8},
        "Adam": {"learning_rate": 0.01, "epsilon": 1e-7},
    }
    for name, keys in kinds.items():
        weights, path = keras.Variable(np.array([1.0, -2.0, 0.5])), []
        optimizer = getattr(keras.optimizers, name.split()[0])(**keys)
        optimizer.build([weights])
        for grad in grads:
            optimizer.apply([keras.ops.convert_to_tensor(grad)], [weights])
            path.append(np.asarray(weights.value).tolist())
        yield {"name": name, **keys, "grads": grads.tolist(), "weights": path}


def main() -> None:
    jax.config.update("jax_enable_x64", True)
    keras.config.set_floatx("float64")
    rng = np.random.default_rng(20)
    found = {
        "versions": {one.__name__: one.__version__ for one in (keras, jax, optax, scipy, np)},
        "steps": STEPS,
        "keras_schedules": [case for _ in range(ROUNDS) for case in keras_schedules(rng)],
        "optax_schedules": [case for _ in range(ROUNDS) for case in optax_schedules(rng)],
        "augmentation": [augmentation(rng) for _ in range(24)],
        "optimizers": [case for _ in range(2) for case in optimizers(rng)],
    }
    lines = (f"{json.dumps(name)}: {json.dumps(value)}" for name, value in found.items())
    text = "{\n" + ",\n".join(lines) + "\n}\n"
    Path(__file__).with_name("keras_optax.json").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
