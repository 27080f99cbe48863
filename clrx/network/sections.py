"""The sections of a network - early, middle, head - and how all but some of them are frozen."""

from collections.abc import Iterable, Mapping
from math import ceil

from torch import nn
from torch.nn.modules.batchnorm import _NormBase

from clrx.core.errors import UserError, did_you_mean
from clrx.network.body import Stages

SECTIONS = ("early", "middle", "head")


def assign_sections(stages: Stages) -> dict[str, str]:
    """Name of each parameter of a body -> its section: `early` is the first half of the stages, the rest `middle`.

    The half is rounded up: for a ResNet that is stem, layer1 and layer2 against layer3 and layer4 (Mishra,
    section 2.4: initial layers and mid-section; the head is the new classifier).
    """
    half = ceil(len(stages) / 2)
    return {name: SECTIONS[i >= half] for i, stage in enumerate(stages) for name in stage}


def freeze_others(sections: Mapping[str, list[nn.Parameter]], trained: str | Iterable[str]) -> None:
    """Ask a gradient of `all`, of the `head`, or of the listed sections, and of no other parameter.

    A frozen front part costs no backward pass. Raises UserError for an unknown section.
    """
    chosen = set(SECTIONS) if trained == "all" else {trained} if isinstance(trained, str) else set(trained)
    if unknown := sorted(chosen - set(SECTIONS)):
        fix = did_you_mean(unknown[0], ("all", *SECTIONS))
        raise UserError(f"trainable: {unknown[0]} is unknown", allowed="all, early, middle, head", fix=fix)
    for section, parameters in sections.items():
        for parameter in parameters:
            parameter.requires_grad_(section in chosen)
            if section not in chosen:
                parameter.grad = None


def keep_frozen_in_eval(parts: Iterable[nn.Module]) -> None:
    """Put into eval mode whatever is frozen in the body and the head, which are in training mode.

    A wholly frozen part is in eval mode altogether (no dropout: its outputs are a function of the image alone);
    in a partly frozen one each frozen normalisation layer keeps its statistics.
    """
    for part in parts:
        if _is_frozen(part.parameters()):
            part.eval()
        for module in part.modules():
            own = list(module.parameters(recurse=False))
            if isinstance(module, _NormBase) and own and _is_frozen(own):
                module.eval()


def _is_frozen(parameters: Iterable[nn.Parameter]) -> bool:
    return not any(parameter.requires_grad for parameter in parameters)
