"""Keras's optimizers, for papers that used them: the rate, or epsilon, stands elsewhere than in torch's.

Formulas from TensorFlow 2.x, tensorflow/python/keras/optimizer_v2/{gradient_descent,rmsprop,adam}.py. Keras's
time decay of the rate is a policy here (policy=time_decay).
"""

from collections.abc import Iterable
from math import sqrt
from typing import Any

import torch
from torch import Tensor
from torch.optim import Optimizer


class KerasSGD(Optimizer):
    """v = momentum v - lr g; w += v, or with nesterov w += momentum v - lr g."""

    def __init__(
        self,
        params: Iterable,
        lr: float,
        momentum: float = 0.0,
        nesterov: bool = False,
        weight_decay: float = 0.0,
    ) -> None:
        defaults = {"lr": lr, "momentum": momentum, "nesterov": nesterov, "weight_decay": weight_decay}
        super().__init__(params, defaults)

    @torch.no_grad()
    def step(self, closure: Any = None) -> None:  # type: ignore[override]
        for group in self.param_groups:
            lr, momentum = group["lr"], group["momentum"]
            weights, grads = _weights_and_gradients(group)
            if not weights:
                continue
            velocity = _slot(self, weights, "velocity")
            torch._foreach_mul_(velocity, momentum)
            torch._foreach_add_(velocity, grads, alpha=-lr)
            if group["nesterov"]:
                torch._foreach_add_(weights, velocity, alpha=momentum)
                torch._foreach_add_(weights, grads, alpha=-lr)
            else:
                torch._foreach_add_(weights, velocity)


class KerasRMSprop(Optimizer):
    """s = rho s + (1 - rho) g^2; w -= lr g / (sqrt(s) + eps).

    With momentum TensorFlow's fused kernel runs, which has epsilon under the root:
    v = momentum v + lr g / sqrt(s + eps); w -= v.
    """

    def __init__(
        self,
        params: Iterable,
        lr: float,
        rho: float = 0.9,
        eps: float = 1e-7,
        momentum: float = 0.0,
        weight_decay: float = 0.0,
    ) -> None:
        defaults = {"lr": lr, "rho": rho, "eps": eps, "momentum": momentum, "weight_decay": weight_decay}
        super().__init__(params, defaults)

    @torch.no_grad()
    def step(self, closure: Any = None) -> None:  # type: ignore[override]
        for group in self.param_groups:
            lr, rho, eps, momentum = (group[name] for name in ("lr", "rho", "eps", "momentum"))
            weights, grads = _weights_and_gradients(group)
            if not weights:
                continue
            square = _slot(self, weights, "square")
            torch._foreach_mul_(square, rho)
            torch._foreach_addcmul_(square, grads, grads, value=1 - rho)
            if momentum == 0:
                root = torch._foreach_sqrt(square)
                torch._foreach_add_(root, eps)
                torch._foreach_addcdiv_(weights, grads, root, value=-lr)
                continue
            velocity, root = _slot(self, weights, "velocity"), torch._foreach_add(square, eps)
            torch._foreach_sqrt_(root)
            torch._foreach_mul_(velocity, momentum)
            torch._foreach_addcdiv_(velocity, grads, root, value=lr)
            torch._foreach_sub_(weights, velocity)


class KerasAdam(Optimizer):
    """w -= lr sqrt(1 - beta2^t) / (1 - beta1^t) m / (sqrt(v) + eps); m and v run after g and g^2."""

    def __init__(
        self,
        params: Iterable,
        lr: float,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-7,
        weight_decay: float = 0.0,
    ) -> None:
        super().__init__(params, {"lr": lr, "betas": betas, "eps": eps, "weight_decay": weight_decay})

    @torch.no_grad()
    def step(self, closure: Any = None) -> None:  # type: ignore[override]
        for group in self.param_groups:
            beta1, beta2 = group["betas"]
            weights, grads = _weights_and_gradients(group)
            if not weights:
                continue
            mean, square = _slot(self, weights, "mean"), _slot(self, weights, "square")
            t = self._count(weights)
            torch._foreach_lerp_(mean, grads, 1 - beta1)
            torch._foreach_mul_(square, beta2)
            torch._foreach_addcmul_(square, grads, grads, value=1 - beta2)
            root = torch._foreach_sqrt(square)
            torch._foreach_add_(root, group["eps"])
            rate = group["lr"] * sqrt(1 - beta2**t) / (1 - beta1**t)
            torch._foreach_addcdiv_(weights, mean, root, value=-rate)

    def _count(self, weights: list[Tensor]) -> int:
        """Steps taken, this one included; on the host, so that reading it waits for nothing."""
        steps = [self.state[w].setdefault("step", torch.tensor(0.0)) for w in weights]
        for step in steps:
            step += 1
        return int(steps[0])


def _weights_and_gradients(group: dict[str, Any]) -> tuple[list[Tensor], list[Tensor]]:
    """The group's weights that have a gradient, and those gradients with the L2 term of the weight decay."""
    weights = [w for w in group["params"] if w.grad is not None]
    grads = [w.grad for w in weights]
    if group["weight_decay"]:
        grads = list(torch._foreach_add(grads, weights, alpha=group["weight_decay"]))
    return weights, grads


def _slot(optimizer: Optimizer, weights: list[Tensor], name: str) -> list[Tensor]:
    """The running tensors `name` of the weights, zeros at first."""
    for w in weights:
        if name not in optimizer.state[w]:
            optimizer.state[w][name] = torch.zeros_like(w, memory_format=torch.preserve_format)
    return [optimizer.state[w][name] for w in weights]
