"""What augmentation costs: ours, a batch at once, against one image at a time, as loaders do it.

    uv run python benchmarks/augment.py      # under a minute; writes benchmarks/results/augment_<device>.csv

All do the same work, Chopade et al.'s settings on 32 grey images of 64x64 pixels, on one CPU thread (on the
GPU for ours and the step, where asked). Beside them a training step of MobileNet, to show the share of it.
`keras` is what ImageDataGenerator runs for each image, scipy's affine_transform and Pillow's brightness,
written out here. The ways are timed in turn, round after round, and medians reported: of processor time on
CPU, so that other programs count less, of wall time on a GPU.
"""

import argparse
import csv
import platform
from collections.abc import Callable
from pathlib import Path
from time import perf_counter, process_time

import numpy as np
import timm
import torch
from PIL import Image, ImageEnhance
from scipy import ndimage
from torchvision.transforms import v2

from clrx.data.augment import Augment, normalise

BATCH, SIZE = 32, 64
CHOPADE = Augment(7, 0.05, (0.9, 1.1), 0.1, 0.1, (0.4, 1.5), True)
RANDOM = np.random.default_rng(0)
LOADER = v2.Compose(  # the nearest that torchvision has; its brightness and zoom are not drawn quite alike
    [
        v2.RandomAffine(7, (0.1, 0.1), (0.9, 1.1), 0.05, v2.InterpolationMode.BILINEAR),
        v2.ColorJitter(brightness=(0.4, 1.5)),
        v2.RandomHorizontalFlip(),
        v2.ToImage(),
        v2.ToDtype(torch.float32, scale=True),
        v2.Normalize([0.5], [0.25]),
    ]
)


def ours(images: torch.Tensor) -> torch.Tensor:
    return normalise(CHOPADE(images, seed=0, step=0), (0.5,), (0.25,))


def torchvision_each(images: list[Image.Image]) -> torch.Tensor:
    return torch.stack([LOADER(image) for image in images])


def keras_each(images: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(np.stack([keras_one(image[0]) for image in images]))[:, None]


def keras_one(image: np.ndarray) -> np.ndarray:
    turn, shear = np.deg2rad(RANDOM.uniform(-7, 7)), np.deg2rad(RANDOM.uniform(-0.05, 0.05))
    rotation = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    matrix = (
        rotation @ np.array([[1, -np.sin(shear)], [0, np.cos(shear)]]) @ np.diag(RANDOM.uniform(0.9, 1.1, 2))
    )
    centre = np.full(2, SIZE / 2 - 0.5)
    offset = centre - matrix @ centre + rotation @ RANDOM.uniform(-0.1 * SIZE, 0.1 * SIZE, 2)
    moved = ndimage.affine_transform(image.astype(np.float32), matrix, offset, order=1, mode="nearest")
    moved = moved[:, ::-1] if RANDOM.random() < 0.5 else moved
    bright = ImageEnhance.Brightness(Image.fromarray(moved.astype(np.uint8))).enhance(
        RANDOM.uniform(0.4, 1.5)
    )
    return (np.asarray(bright, dtype=np.float32) / 255 - 0.5) / 0.25


def training_step(images: torch.Tensor) -> Callable[[], None]:
    network = timm.create_model("mobilenetv1_100", in_chans=1, num_classes=1).to(images.device)
    network = network.to(memory_format=torch.channels_last)
    optimizer = torch.optim.SGD(network.parameters(), 0.01, 0.9)
    inputs = ours(images).contiguous(memory_format=torch.channels_last)

    def step() -> None:
        network(inputs).square().mean().backward()
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)

    return step


def medians(ways: dict[str, Callable], rounds: int, device: torch.device) -> dict[str, float]:
    """Milliseconds of each way, median over rounds in which each has its turn."""
    times: dict[str, list[float]] = {name: [] for name in ways}
    clock = perf_counter if device.type == "cuda" else process_time
    for number in range(rounds + 2):
        for name, way in ways.items():
            start = clock()
            way()
            if device.type == "cuda":
                torch.cuda.synchronize()
            if number >= 2:  # the first two warm up
                times[name].append((clock() - start) * 1000)
    return {name: float(np.median(values)) for name, values in times.items()}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--rounds", type=int, default=40)
    options = parser.parse_args()
    device = torch.device(options.device)
    torch.set_num_threads(1)
    pixels = ndimage.gaussian_filter(RANDOM.random((BATCH, 1, SIZE, SIZE)), (0, 0, 3, 3))
    pixels = np.uint8(255 * (pixels - pixels.min()) / np.ptp(pixels))
    images, pictures = torch.from_numpy(pixels).to(device), [Image.fromarray(image[0]) for image in pixels]
    ways = {
        "mobilenet step": training_step(images),
        "clrx, whole batch": lambda: ours(images),
        "torchvision v2, each image": lambda: torchvision_each(pictures),
        "keras (scipy + pillow), each image": lambda: keras_each(pixels),
    }
    write(medians(ways, options.rounds, device), options.rounds, device)


def write(times: dict[str, float], rounds: int, device: torch.device) -> None:
    hardware = torch.cuda.get_device_name() if device.type == "cuda" else f"one thread of {processor()}"
    path = Path(__file__).parent / "results" / f"augment_{device.type}.csv"
    with path.open("w", newline="") as file:
        table = csv.writer(file, lineterminator="\n")
        table.writerow(
            [
                "what",
                "ms_per_batch",
                "times_ours",
                "share_of_step",
                "batch",
                "size",
                "rounds",
                "hardware",
                "torch",
            ]
        )
        for name, value in times.items():
            ratio, share = value / times["clrx, whole batch"], value / times["mobilenet step"]
            shown = [name, f"{value:.2f}", f"{ratio:.1f}", f"{share:.3f}"]
            table.writerow([*shown, BATCH, SIZE, rounds, hardware, torch.__version__])
            print(f"{name:36s} {value:8.2f} ms  {ratio:6.1f} x ours  {share:6.1%} of a step")


def processor() -> str:
    info = Path("/proc/cpuinfo")
    lines = info.read_text(encoding="utf-8").splitlines() if info.exists() else []
    return next(
        (line.split(":")[1].strip() for line in lines if line.startswith("model name")), platform.machine()
    )


if __name__ == "__main__":
    main()
