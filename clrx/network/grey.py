"""A colour network on grey images: the first convolution takes one channel and gives what it gave for three.

A grey image g, tripled and normalised by the colour network's means m_c and deviations s_c, enters the first
convolution as x_c = (g - m_c) / s_c. With m and s the averages of m_c and s_c, and x = (g - m) / s, that is

    x_c = (s / s_c) x + (m - m_c) / s_c

so the convolution of the three channels is that of x with the kernel sum_c (s / s_c) W_c, plus a constant:
the convolution of an image of ones with sum_c (m - m_c) / s_c W_c. Zero padding is zero in both, so near the
border the constant is smaller; it is therefore computed as a convolution (of one image a batch) and not
folded into a bias, and the equality is exact everywhere.
"""

from copy import deepcopy

import torch
from torch import Tensor, nn


def fold_grey(
    kernel: Tensor, mean: tuple[float, ...], std: tuple[float, ...]
) -> tuple[Tensor, Tensor, float, float]:
    """(grey kernel, constant kernel, m, s), both (O, 1, h, w), of a colour kernel (O, C, h, w)."""
    m, s = sum(mean) / len(mean), sum(std) / len(std)
    means, stds = (torch.tensor(v, dtype=torch.float64).reshape(1, -1, 1, 1) for v in (mean, std))
    grey = (kernel.double() * (s / stds)).sum(1, keepdim=True)
    constant = (kernel.double() * ((m - means) / stds)).sum(1, keepdim=True)
    return grey.to(kernel.dtype), constant.to(kernel.dtype), m, s


def add_constant(conv: nn.Module, kernel: Tensor) -> None:
    """Have `conv` add the convolution of ones with `kernel`, an untrained buffer `constant.weight`."""
    if not hasattr(conv, "constant"):
        constant = deepcopy(conv)
        constant.register_parameter("bias", None)
        del constant.weight
        constant.register_buffer("weight", torch.zeros_like(kernel))
        conv.constant = constant
        conv.register_forward_hook(_plus_constant)
    conv.constant.weight.copy_(kernel)  # type: ignore[union-attr, operator]


def _plus_constant(conv: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> Tensor:
    return output + conv.constant(torch.ones_like(inputs[0][:1]))  # type: ignore[operator]
