"""Any network of timm: `model=timm model.name=...`."""

from functools import partial
from typing import Any

from timm.models import get_pretrained_cfg

from clrx.network.body import Body
from clrx.network.timm_body import check_name, create_timm, timm_body


def build(
    name: str, channels: int, size: int, stem: str = "imagenet", options: dict[str, Any] | None = None
) -> Body:
    """The timm network `name` without its classifier: images (N, channels, size, size) -> vectors (N, F).

    `options` go to timm.create_model. Networks of one fixed image size (ViT, mixers) are made for `size`.
    Raises UserError for an unknown name (with the nearest ones), option or stem.
    """
    check_name(name)
    options = _sized(name, size, dict(options or {}))
    module = create_timm(name, options, in_chans=channels)
    return timm_body(module, name, stem, partial(create_timm, name, options))


def _sized(name: str, size: int, options: dict[str, Any]) -> dict[str, Any]:
    cfg = get_pretrained_cfg(name)
    return {"img_size": size} | options if cfg is not None and cfg.fixed_input_size else options
