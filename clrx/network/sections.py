"""The sections of a network - early, middle, head - and which of them are trained."""

from collections.abc import Iterable
from math import ceil
from typing import TYPE_CHECKING

from torch import nn
from torch.nn.modules.batchnorm import _NormBase

from clrx.core.errors import UserError, did_you_mean
from clrx.network.body import Stages

if TYPE_CHECKING:
    from clrx.network.network import Network

SECTIONS = ("early", "middle", "head")


def assign_sections(stages: Stages) -> dict[str, str]:
    """The section of each parameter of a body: `early` is the first half of its stages, the rest `middle`.

    The half is rounded up: for a ResNet that is stem, layer1 and layer2 against layer3 and layer4 (Mishra,
    section 2.4: initial layers and mid-section; the head is the new classifier).
    """
    half = ceil(len(stages) / 2)
    return {name: SECTIONS[i >= half] for i, stage in enumerate(stages) for name in stage}


def set_trainable(network: "Network", what: str | Iterable[str]) -> None:
    """Train `all`, the `head`, or the listed sections; freeze the rest, batch-norm statistics included.

    A frozen parameter asks for no gradient, so a frozen front part costs no backward pass. Raises UserError
    for an unknown section.
    """
    chosen = set(SECTIONS) if what == "all" else {what} if isinstance(what, str) else set(what)
    if unknown := sorted(chosen - set(SECTIONS)):
        fix = did_you_mean(unknown[0], ("all", *SECTIONS))
        raise UserError(f"trainable: {unknown[0]} is unknown", allowed="all, early, middle, head", fix=fix)
    for section, parameters in network.sections().items():
        for parameter in parameters:
            parameter.requires_grad_(section in chosen)
            if section not in chosen:
                parameter.grad = None
    network.train(network.training)


def rest_frozen(network: "Network") -> None:
    """Put into eval mode whatever is frozen, in a network that was just put into training mode.

    A wholly frozen body or head rests altogether (no dropout: its outputs are a function of the image alone);
    in a partly frozen one each frozen normalisation layer keeps its statistics.
    """
    for part in (network.body, network.head):
        if not any(parameter.requires_grad for parameter in part.parameters()):
            part.eval()
        for module in part.modules():
            if isinstance(module, _NormBase) and _is_frozen(module):
                module.eval()


def _is_frozen(module: nn.Module) -> bool:
    parameters = list(module.parameters(recurse=False))
    return bool(parameters) and not any(parameter.requires_grad for parameter in parameters)
