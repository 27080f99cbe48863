"""An exponential moving average of the weights, buffers included."""

from copy import deepcopy

import torch
from torch import nn


def start_ema(network: nn.Module) -> nn.Module:
    """A copy of the network that will follow it; it is never trained itself."""
    return deepcopy(network).requires_grad_(False)


@torch.no_grad()
def update_ema(ema: nn.Module, network: nn.Module, decay: float) -> None:
    """ema = decay * ema + (1 - decay) * network for floating-point tensors; counters are copied."""
    mine, theirs = list(ema.state_dict().values()), list(network.state_dict().values())
    floats = [(a, b) for a, b in zip(mine, theirs, strict=True) if a.is_floating_point()]
    torch._foreach_lerp_([a for a, _ in floats], [b for _, b in floats], 1 - decay)
    for a, b in zip(mine, theirs, strict=True):
        if not a.is_floating_point():
            a.copy_(b)
