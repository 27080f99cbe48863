"""Steps of our Keras optimizers beside those of Keras 3: tests/golden_numbers/make.py."""

import pytest
import torch
from goldens import goldens

from clrx.training.keras_optim import KerasAdam, KerasRMSprop, KerasSGD

CASES = goldens()["optimizers"]
MAKERS = {
    "SGD": lambda w, c: KerasSGD(w, c["learning_rate"], c["momentum"]),
    "SGD nesterov": lambda w, c: KerasSGD(w, c["learning_rate"], c["momentum"], nesterov=True),
    "RMSprop": lambda w, c: KerasRMSprop(w, c["learning_rate"], c["rho"], c["epsilon"]),
    "RMSprop momentum": lambda w, c: KerasRMSprop(
        w, c["learning_rate"], c["rho"], c["epsilon"], c["momentum"]
    ),
    "Adam": lambda w, c: KerasAdam(w, c["learning_rate"], eps=c["epsilon"]),
}


def path_of(case) -> list[list[float]]:
    weights = torch.tensor([1.0, -2.0, 0.5], dtype=torch.float64, requires_grad=True)
    optimizer, path = MAKERS[case["name"]]([weights], case), []
    for grad in case["grads"]:
        weights.grad = torch.tensor(grad, dtype=torch.float64)
        optimizer.step()
        path.append(weights.detach().tolist())
    return path


@pytest.mark.parametrize(
    "case", [case for case in CASES if case["name"] != "RMSprop"], ids=lambda c: c["name"]
)
def test_steps_are_those_of_keras(case):
    for ours, theirs in zip(path_of(case), case["weights"], strict=True):
        assert ours == pytest.approx(theirs, rel=1e-5)


@pytest.mark.parametrize(
    "case", [case for case in CASES if case["name"] == "RMSprop"], ids=lambda c: c["name"]
)
def test_rmsprop_without_momentum_has_epsilon_outside_the_root_as_tensorflow_2_had(case):
    """Keras 3 has it under the root: with epsilon squared, and large gradients, the two are one formula."""
    ours, theirs = path_of(case), case["weights"]
    assert any(a != pytest.approx(b, rel=1e-5) for a, b in zip(ours, theirs, strict=True))
    rho, eps, lr = case["rho"], case["epsilon"], case["learning_rate"]
    weights, square = [1.0, -2.0, 0.5], [0.0] * 3
    for grad, expected in zip(case["grads"], theirs, strict=True):
        square = [rho * s + (1 - rho) * g * g for s, g in zip(square, grad, strict=True)]
        weights = [w - lr * g / (s + eps) ** 0.5 for w, g, s in zip(weights, grad, square, strict=True)]
        assert weights == pytest.approx(expected, rel=1e-6)
