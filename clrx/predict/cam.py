"""Which parts of an image a score rests on: class activation maps of the network's last feature maps.

Grad-CAM: Selvaraju et al., ICCV 2017, equations 1 and 2. Grad-CAM++: Chattopadhay et al., WACV 2018, equation 19 for
the weights. Score-CAM: Wang et al., CVPR workshops 2020, equation 6. A map shows what a score goes along with, and no
reason or place of a disease.
"""

from collections.abc import Callable
from contextlib import contextmanager
from copy import deepcopy
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from clrx.bundle.description import Description
from clrx.core.errors import UserError, did_you_mean
from clrx.network.network import Network, seeded

METHODS = ("gradcam", "gradcam++", "scorecam")
MOST = 64  # channels of Score-CAM: those of the largest activations
TINY = 1e-12


def maps(
    network: Network,
    inputs: Tensor,
    description: Description,
    classes: np.ndarray,
    layer: str,
    method: str = "gradcam",
) -> np.ndarray:
    """Maps float32 (N, H, W) in [0, 1] of normalised inputs (N, C, H, W), each for the score of its class (index)."""
    target = _target(description, torch.from_numpy(np.asarray(classes)).to(inputs.device))
    module = network.body.get_submodule(layer)
    with _kept(module) as kept, torch.enable_grad():
        score = target(network(inputs.requires_grad_(True)))
        activations = as_map(kept["output"])
        (gradients,) = torch.autograd.grad(score.sum(), kept["output"])
        gradients = as_map(gradients)
    activations = activations.detach()
    if method == "scorecam":
        weights = _score_weights(network, inputs.detach(), activations, target)
    elif method == "gradcam++":
        weights = _plus_weights(activations, gradients)
    else:
        weights = gradients.mean((2, 3), keepdim=True)
    heat = (weights * activations).sum(1, keepdim=True).clamp(min=0)
    heat = F.interpolate(heat.float(), size=inputs.shape[2:], mode="bilinear", align_corners=False)[:, 0]
    largest = heat.amax((1, 2), keepdim=True)
    return (heat / largest.clamp(min=TINY)).cpu().numpy()


def last_map(network: Network, inputs: Tensor, asked: str | None = None) -> str:
    """The name of the body's last module whose output has places: maps (N, F, h, w), or tokens of a square grid.

    `asked`: the name of another one. UserError where there is none.
    """
    names, hooks = list[str](), []
    for name, module in network.body.named_modules():

        def note(module: nn.Module, _: Any, output: Any, name: str = name) -> None:
            if isinstance(output, Tensor) and has_places(output):
                names.append(name)

        hooks.append(module.register_forward_hook(note))
    try:
        with torch.no_grad():
            network(inputs)
    finally:
        for hook in hooks:
            hook.remove()
    named = [name for name in names if name]
    if asked is not None and asked not in named:
        fix = did_you_mean(asked, named)
        what = f"the body has no layer '{asked}' with maps"
        raise UserError(what, where="layer", allowed=", ".join(named[-8:]), fix=fix)
    if not named:
        raise UserError("this network has no feature maps: it cannot be explained so", where="clrx explain")
    return asked or named[-1]


def has_places(output: Tensor) -> bool:
    """Whether features have more than one place in an image."""
    if output.dim() == 4:
        return output.shape[2] * output.shape[3] > 1
    return output.dim() == 3 and output.shape[1] > 4 and _side(output.shape[1]) is not None


def _side(tokens: int) -> int | None:
    """The side of the square grid of tokens, with or without up to 8 tokens before it."""
    return next(
        (s for extra in range(9) if (s := round((tokens - extra) ** 0.5)) ** 2 == tokens - extra), None
    )


def as_map(features: Tensor) -> Tensor:
    """Maps (N, F, h, w) as they are; tokens (N, T, F) as maps of their grid."""
    if features.dim() == 4:
        return features
    side = _side(features.shape[1])
    assert side is not None
    return features[:, -side * side :].transpose(1, 2).reshape(len(features), -1, side, side)


@contextmanager
def _kept(module: nn.Module):
    """A dict that holds the module's output of the last forward pass under `output`."""
    kept: dict[str, Tensor] = {}
    hook = module.register_forward_hook(lambda _, __, output: kept.update(output=output))
    try:
        yield kept
    finally:
        hook.remove()


def _target(description: Description, classes: Tensor) -> Callable[[Tensor], Tensor]:
    """logits (N, outputs) -> the logit (N,) that speaks for each image's class."""

    def of(logits: Tensor) -> Tensor:
        if description.task == "binary" and logits.shape[1] == 1:
            return logits[:, 0] * (2 * classes - 1)
        return logits.gather(1, classes[:, None])[:, 0]

    return of


def _plus_weights(activations: Tensor, gradients: Tensor) -> Tensor:
    squared, cubed = gradients**2, gradients**3
    total = (activations * cubed).sum((2, 3), keepdim=True)
    alpha = squared / (2 * squared + total).where(
        (2 * squared + total).abs() > TINY, torch.ones_like(squared)
    )
    return (alpha * gradients.clamp(min=0)).sum((2, 3), keepdim=True)


@torch.no_grad()
def _score_weights(
    network: Network, inputs: Tensor, activations: Tensor, target: Callable[[Tensor], Tensor]
) -> Tensor:
    """Softmax over channels of the score that is left when the image is seen through each channel's map alone."""
    count = min(MOST, activations.shape[1])
    chosen = activations.mean((0, 2, 3)).topk(count).indices
    scores = torch.full(activations.shape[:2], -torch.inf, device=inputs.device)
    for k in chosen.tolist():
        mask = F.interpolate(activations[:, k : k + 1].float(), size=inputs.shape[2:], mode="bilinear")
        low, high = mask.amin((2, 3), keepdim=True), mask.amax((2, 3), keepdim=True)
        scores[:, k] = target(network(inputs * (mask - low) / (high - low).clamp(min=TINY)))
    return scores.softmax(1)[:, :, None, None]


def randomised(network: Network, seed: int = 0) -> Network:
    """A copy of a network with fresh random weights in each convolution and dense layer (Adebayo et al., 2018)."""
    other = deepcopy(network)
    with seeded(seed, "sanity"):
        for module in other.modules():
            if isinstance(module, nn.Conv2d | nn.Linear):
                module.reset_parameters()
    return other.eval()


def similarity(a: np.ndarray, b: np.ndarray) -> float:
    """Mean over images of the rank correlation of two sets of maps (N, H, W); 0 where one of a pair is flat."""

    def ranked(x: np.ndarray) -> np.ndarray:
        ranks = x.reshape(len(x), -1).argsort(1).argsort(1).astype(float)
        return ranks - ranks.mean(1, keepdims=True)

    flat = (np.ptp(a, axis=(1, 2)) == 0) | (np.ptp(b, axis=(1, 2)) == 0)
    ra, rb = ranked(a), ranked(b)
    found = (ra * rb).sum(1) / np.sqrt((ra**2).sum(1) * (rb**2).sum(1)).clip(TINY)
    return float(np.where(flat, 0.0, found).mean())
