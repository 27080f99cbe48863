"""Bodies from timm: any of its networks without the classifier but with its pooling: features are vectors."""

from collections.abc import Callable
from typing import Any

import timm
from timm.models import get_pretrained_cfg, group_parameters, is_model_pretrained
from torch import Tensor, nn

from clrx.core.errors import UserError, did_you_mean
from clrx.network.body import Body, Pretrained, Stages, set_stem, stages_by_module
from clrx.network.weights_file import downloaded


def check_name(name: str) -> None:
    """Raise UserError, with the nearest names, for a network or weights tag (`.tv_in1k`) unknown to timm."""
    architecture, _, tag = name.partition(".")
    known = timm.list_models()
    if architecture not in known:
        fix = did_you_mean(architecture, known) or "timm.list_models() prints all names"
        raise UserError(f"timm has no network '{architecture}'", where="model.name", fix=fix)
    tags = [pretrained.partition(".")[2] for pretrained in timm.list_pretrained(f"{architecture}.*")]
    if tag and tag not in tags:
        allowed = ", ".join(f"{architecture}.{tag}" for tag in sorted(tags)) or architecture
        raise UserError(f"timm has no weights '{name}'", where="model.name", allowed=allowed)


def timm_body(
    module: nn.Module, name: str, stem: str, create: Callable[..., nn.Module], note: str = ""
) -> Body:
    """A Body around a timm network without classifier; `create(pretrained=True)` makes the published one."""
    cfg: Any = module.pretrained_cfg
    first_convs = _names(cfg.get("first_conv"))
    if first_convs or stem != "imagenet":
        set_stem(module, stem, (first_convs or ("",))[0], name)
    return Body(
        module=module,
        stages=_stages(module),
        first_convs=first_convs,
        classifier=_names(cfg.get("classifier")),
        mean=tuple(cfg["mean"]),
        std=tuple(cfg["std"]),
        pretrained=_pretrained(name, create, note),
    )


def create_timm(name: str, options: dict[str, Any], **more: Any) -> nn.Module:
    """timm.create_model, with its refusals as UserError."""
    try:
        return timm.create_model(name, num_classes=0, **options, **more)
    except (TypeError, ValueError, KeyError, AssertionError, RuntimeError) as error:
        raise UserError(f"timm cannot build {name}: {error}", where="model.options") from error


def _names(value: Any) -> tuple[str, ...]:
    return (value,) if isinstance(value, str) else tuple(value or ())


def _stages(module: nn.Module) -> Stages:
    """timm's own grouping of the parameters by stage; by child module where a network defines none."""
    if not hasattr(module, "group_matcher"):
        return stages_by_module(module, *[name for name, _ in module.named_children()])
    groups = group_parameters(module, module.group_matcher(coarse=True))  # type: ignore[operator]
    return tuple(tuple(groups[i]) for i in sorted(groups))


def _pretrained(name: str, create: Callable[..., nn.Module], note: str) -> Pretrained | None:
    cfg = get_pretrained_cfg(name)
    if cfg is None or not is_model_pretrained(name):
        return None

    def fetch() -> dict[str, Tensor]:
        if isinstance(cfg.url, str) and cfg.url and not cfg.hf_hub_id:
            downloaded(cfg.url)  # timm itself trusts what lies in the cache
        return create(pretrained=True).state_dict()

    file = f"{cfg.hf_hub_id} (model.safetensors)" if cfg.hf_hub_id else str(cfg.url).rpartition("/")[2]
    return Pretrained(file, fetch, tuple(cfg.mean), tuple(cfg.std), note)
