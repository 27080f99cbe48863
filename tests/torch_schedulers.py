"""Rates and momenta of torch's own schedulers, which policies are compared with."""

from collections.abc import Callable

import torch


def _stepped(make: Callable, steps: int, key: str, lr: float) -> list[float]:
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=lr, momentum=0.9)
    scheduler = make(optimizer)
    values = []
    for _ in range(steps):
        values.append(optimizer.param_groups[0][key])
        optimizer.step()
        scheduler.step()
    return values


def torch_rates(make: Callable, steps: int, lr: float = 1.0) -> list[float]:
    """The rate of each of `steps` steps under the scheduler that `make(optimizer)` builds."""
    return _stepped(make, steps, "lr", lr)


def torch_momenta(make: Callable, steps: int) -> list[float]:
    """The momentum of each of `steps` steps under the scheduler that `make(optimizer)` builds."""
    return _stepped(make, steps, "momentum", 0.1)
