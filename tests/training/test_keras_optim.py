"""Keras's optimizers against Keras's own documented numbers, and against its formulas in plain arithmetic."""

from math import sqrt

import numpy as np
import pytest
import torch

from clrx.training.keras_optim import KerasAdam, KerasRMSprop, KerasSGD

CURVATURE, START = (1.0, 0.1, 4.0), (1.0, -2.0, 0.5)  # of f(w) = sum_i a_i w_i^2 / 2
RATES = [0.05 / (1 + 0.02 * step) for step in range(100)]  # Keras: lr / (1 + decay * iterations)


def _minimise(optimizer_class, rates=RATES, **keys) -> np.ndarray:
    """w after one step a rate, in float64."""
    w = torch.tensor(START, dtype=torch.float64, requires_grad=True)
    optimizer = optimizer_class([w], lr=1.0, **keys)
    for rate in rates:
        optimizer.param_groups[0]["lr"] = rate
        w.grad = torch.tensor(CURVATURE, dtype=torch.float64) * w.detach()
        optimizer.step()
    return w.detach().numpy()


def _one_step(optimizer_class, start: float, lr: float, steps: int = 1, **keys) -> list[float]:
    w = torch.tensor([start], dtype=torch.float64, requires_grad=True)
    optimizer, seen = optimizer_class([w], lr=lr, **keys), []
    for _ in range(steps):
        w.grad = w.detach().clone()  # of w^2 / 2
        optimizer.step()
        seen.append(w.item())
    return seen


def test_keras_documented_numbers():
    """The usage examples of tf.keras.optimizers.SGD, RMSprop and Adam."""
    assert _one_step(KerasSGD, 1.0, 0.1) == pytest.approx([0.9])
    first, second = _one_step(KerasSGD, 1.0, 0.1, steps=2, momentum=0.9)
    assert (1 - first, first - second) == pytest.approx((0.1, 0.18))
    assert _one_step(KerasRMSprop, 10.0, 0.1) == pytest.approx([9.683772], abs=1e-6)
    assert _one_step(KerasAdam, 10.0, 0.1) == pytest.approx([9.9], abs=1e-6)


@pytest.mark.parametrize("momentum", [0.0, 0.9])
def test_sgd_with_momentum_and_time_decay_is_a_product_of_matrices(momentum):
    """On a quadratic a step is linear: v' = m v - lr a w and w' = w + v'."""
    expected = []
    for a, start in zip(CURVATURE, START, strict=True):
        state = np.array([start, 0.0])
        for lr in RATES:
            state = np.array([[1 - lr * a, momentum], [-lr * a, momentum]]) @ state
        expected.append(state[0])
    np.testing.assert_allclose(_minimise(KerasSGD, momentum=momentum), expected, rtol=1e-12)


def test_sgd_nesterov():
    expected = []
    for a, w in zip(CURVATURE, START, strict=True):
        v = 0.0
        for lr in RATES:
            g = a * w
            v = 0.9 * v - lr * g
            w = w + 0.9 * v - lr * g
        expected.append(w)
    np.testing.assert_allclose(_minimise(KerasSGD, momentum=0.9, nesterov=True), expected, rtol=1e-12)


@pytest.mark.parametrize("momentum", [0.0, 0.9])
@pytest.mark.parametrize("eps", [1e-7, 0.1])  # the large one shows where epsilon stands
def test_rmsprop(momentum, eps):
    expected = []
    for a, w in zip(CURVATURE, START, strict=True):
        s = v = 0.0
        for lr in RATES:
            g = a * w
            s = 0.9 * s + 0.1 * g * g
            v = momentum * v + lr * g / (sqrt(s + eps) if momentum else sqrt(s) + eps)
            w = w - v
        expected.append(w)
    np.testing.assert_allclose(_minimise(KerasRMSprop, momentum=momentum, eps=eps), expected, rtol=1e-9)


@pytest.mark.parametrize("eps", [1e-7, 0.1])
def test_adam(eps):
    expected = []
    for a, w in zip(CURVATURE, START, strict=True):
        m = v = 0.0
        for t, lr in enumerate(RATES, 1):
            g = a * w
            m, v = 0.9 * m + 0.1 * g, 0.999 * v + 0.001 * g * g
            w = w - lr * sqrt(1 - 0.999**t) / (1 - 0.9**t) * m / (sqrt(v) + eps)
        expected.append(w)
    np.testing.assert_allclose(_minimise(KerasAdam, eps=eps), expected, rtol=1e-9)


def test_where_keras_and_torch_part():
    """SGD: equal at a constant rate, apart under a moving one; RMSprop: equal; Adam: apart by its epsilon."""
    constant = [0.05] * 100
    ours, theirs = (_minimise(kind, constant, momentum=0.9) for kind in (KerasSGD, torch.optim.SGD))
    np.testing.assert_allclose(ours, theirs, rtol=1e-12)
    ours, theirs = (_minimise(kind, momentum=0.9) for kind in (KerasSGD, torch.optim.SGD))
    assert np.abs(ours - theirs).max() > 1e-3
    theirs = _minimise(torch.optim.RMSprop, alpha=0.9, eps=1e-3)
    np.testing.assert_allclose(_minimise(KerasRMSprop, eps=1e-3), theirs, rtol=1e-9)
    assert np.abs(_minimise(KerasAdam, eps=0.1) - _minimise(torch.optim.Adam, eps=0.1)).max() > 1e-3


@pytest.mark.parametrize("kind", [KerasSGD, KerasRMSprop, KerasAdam])
def test_weight_decay_is_an_l2_term_of_the_gradient(kind):
    """The gradient a w + d w is that of the curvature a + d."""
    w = torch.tensor([1.0], dtype=torch.float64, requires_grad=True)
    plain = torch.tensor([1.0], dtype=torch.float64, requires_grad=True)
    decayed, other = kind([w], lr=0.1, weight_decay=0.5), kind([plain], lr=0.1)
    for _ in range(5):
        w.grad, plain.grad = w.detach().clone(), 1.5 * plain.detach()
        decayed.step()
        other.step()
    torch.testing.assert_close(w, plain)
