"""What the policies are compared with: torch's own schedulers, stepped from 0."""

import pytest
import torch


def rates_of_torch(make, steps: int, lr: float = 1.0) -> list[float]:
    """The rate of each of `steps` steps under the scheduler that `make(optimizer)` builds."""
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=lr)
    scheduler = make(optimizer)
    rates = []
    for _ in range(steps):
        rates.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        scheduler.step()
    return rates


@pytest.fixture(scope="session")
def torch_rates():
    return rates_of_torch
