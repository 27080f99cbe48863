"""The precision of `precision=auto`: bf16 where the device computes in it and a measurement says that it is faster.

A rule decides where there is nothing to measure: fp32 on a processor without bf16 arithmetic, and for a step of so few
multiplications that the casts of autocast cost more than they save. Else a copy of the network takes a few steps of
each on made-up images. What was measured is kept in the cache folder, so that all runs on one machine with the same
network, image size, batch and threads have the same precision, and with it the same bytes.
"""

import hashlib
import json
import logging
import os
from collections.abc import Callable, Mapping
from copy import deepcopy
from pathlib import Path
from time import perf_counter
from typing import Any

import torch
from torch import Tensor, nn

from clrx.config.schema import TrainConfig
from clrx.core.errors import ran_out
from clrx.core.files import read_json, write_json
from clrx.core.lock import locked
from clrx.core.machine import choose_device, hardware
from clrx.core.paths import cache_dir
from clrx.network.network import Network
from clrx.training.loop import autocast

log = logging.getLogger("clrx")
AUTO, FP32, BF16 = "auto", "fp32", "bf16"
FEW = 2**26  # multiplications of a batch's forward pass below which nothing is measured
GAIN = 0.95  # bf16 is taken where its step takes at most this share of one at fp32
ROUNDS, SECONDS = 5, 1.0  # of measuring: as many steps of each, or fewer when the time is over
NATIVE = {"avx512_bf16", "amx_bf16", "bf16"}  # flags of x86 and ARM processors that compute in bf16

Choice = dict[str, Any]  # asked, chosen, because, seconds (a step at each precision, where measured)


def choose_precision(cfg: TrainConfig, network: Network, size: int, asked: str) -> Choice:
    """The precision of a run, and why: what was `asked`, or what is best for `auto`.

    `size`: pixels of a side of the images. The network is left as it is, and so are torch's random numbers.
    """
    if asked != AUTO:
        return _choice(asked, asked, "the configuration says so")
    device = choose_device(cfg.device)
    if not computes_bf16(device):
        return _choice(AUTO, FP32, f"this {_kind(device)} has no bf16 arithmetic")
    count = cfg.batch_size * multiplications(network, size)
    if count < FEW:
        return _choice(AUTO, FP32, f"a batch has {count:,} multiplications, too few for bf16 to gain")
    try:
        seconds = _kept(cfg, network, device, size)
    except Exception as error:
        if not ran_out(error):
            raise
        return _choice(AUTO, FP32, "there was no memory to measure in")
    faster = seconds[BF16] <= GAIN * seconds[FP32]
    because = f"a step takes {1000 * seconds[FP32]:.3g} ms at fp32, {1000 * seconds[BF16]:.3g} ms at bf16"
    return {**_choice(AUTO, BF16 if faster else FP32, because), "seconds": seconds}


def computes_bf16(device: torch.device) -> bool:
    """Whether the device multiplies bf16 numbers itself."""
    if device.type == "cuda":
        return torch.cuda.is_bf16_supported(including_emulation=False)
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return False
    flags = [
        line.partition(":")[2].split() for line in lines if line.lower().startswith(("flags", "features"))
    ]
    return bool(flags) and not NATIVE.isdisjoint(flags[0])


@torch.no_grad()
def multiplications(network: Network, size: int) -> int:
    """Multiplications of the convolutions and dense layers for one image of `size` x `size` pixels."""
    counts: list[int] = []

    def count(layer: Any, inputs: Any, output: Tensor) -> None:
        counts.append(layer.weight.numel() * (output[0].numel() // layer.weight.shape[0]))

    layers = [layer for layer in network.modules() if isinstance(layer, nn.Conv2d | nn.Linear)]
    hooks = [layer.register_forward_hook(count) for layer in layers]
    training = network.training
    try:
        network.eval()(next(network.parameters()).new_zeros(1, network.channels, size, size))
    finally:
        network.train(training)
        for hook in hooks:
            hook.remove()
    return sum(counts)


def measured(cfg: TrainConfig, network: Network, device: torch.device, size: int) -> dict[str, float]:
    """Seconds of a forward and backward pass at each precision: the least of some, taken in turn."""
    layout = torch.channels_last if cfg.channels_last else torch.contiguous_format
    tried = deepcopy(network).to(device=device, memory_format=layout).train()  # type: ignore[call-overload]
    images = torch.rand(cfg.batch_size, network.channels, size, size, device=device)
    images = images.contiguous(memory_format=layout)
    least = {FP32: float("inf"), BF16: float("inf")}
    began = perf_counter()
    for number in range(ROUNDS + 1):
        for precision in least:
            seconds = _step(tried, images, precision)
            if number or perf_counter() - began > SECONDS:  # the first of each is for what is made once
                least[precision] = min(least[precision], seconds)
        if perf_counter() - began > SECONDS and max(least.values()) < float("inf"):
            break
    return least


def _step(network: nn.Module, images: Tensor, precision: str) -> float:
    began = perf_counter()
    with autocast(images.device, precision):
        logits = network(images)
    logits.float().square().mean().backward()
    for weight in network.parameters():
        weight.grad = None
    if images.device.type == "cuda":
        torch.cuda.synchronize(images.device)
    return perf_counter() - began


def _kept(cfg: TrainConfig, network: Network, device: torch.device, size: int) -> dict[str, float]:
    """What was measured before for this machine, network, size and batch, or now; one process measures at a time."""
    key = _key(cfg, network, device, size)
    folder = cache_dir() / "precision"
    file = folder / f"{hashlib.sha256(json.dumps(key, sort_keys=True).encode()).hexdigest()[:16]}.json"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with locked(file.with_suffix(".lock")):
            if not file.exists():
                write_json(file, {"key": key, "seconds": _undisturbed(cfg, network, device, size)})
            return {name: float(value) for name, value in read_json(file)["seconds"].items()}
    except (OSError, KeyError, ValueError):  # a cache that cannot be written or read
        return _undisturbed(cfg, network, device, size)


def _undisturbed(cfg: TrainConfig, network: Network, device: torch.device, size: int) -> dict[str, float]:
    with torch.random.fork_rng([device] if device.type == "cuda" else []):
        return measured(cfg, network, device, size)


def _key(cfg: TrainConfig, network: Network, device: torch.device, size: int) -> dict[str, Any]:
    facts = hardware(str(device))
    machine = {name: facts.get(name) for name in ("processor", "threads", "accelerator")}
    shapes = {name: list(weight.shape) for name, weight in network.named_parameters()}
    return {
        **machine,
        "torch": torch.__version__,
        "network": dict(network.architecture),
        "weights": hashlib.sha256(json.dumps(shapes).encode()).hexdigest(),
        "channels": network.channels,
        "size": size,
        "batch_size": cfg.batch_size,
        "channels_last": cfg.channels_last,
        "deterministic": cfg.deterministic,
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
    }


def _choice(asked: str, chosen: str, because: str) -> Choice:
    return {"asked": asked, "chosen": chosen, "because": because}


def _kind(device: torch.device) -> str:
    return "accelerator" if device.type == "cuda" else "processor"


def settled(
    asked: str, facts: Mapping[str, Any], config: Mapping[str, Any], choose: Callable[[], Choice]
) -> Choice:
    """The choice for a run directory with these facts and this recorded configuration (both empty where it is new).

    A run that is continued keeps what it has had.
    """
    if then := facts.get("precision"):
        return dict(then)
    had = config.get("precision", AUTO)
    return choose() if had == AUTO else _choice(asked, had, "the run has had it")


def say_if_other(then: Mapping[str, Any], now: Choice) -> None:
    """Log where `precision=auto` chose, when the run began, what it would not choose on this machine."""
    if now["chosen"] != then["chosen"]:
        log.warning(
            "precision=auto chose %s for this run (%s); on this machine it would choose %s (%s)",
            *(then["chosen"], then["because"], now["chosen"], now["because"]),
        )
