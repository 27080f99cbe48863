"""Images per second of training beside the compute bound, a tuned torch loop, and Keras, interleaved in one run.

    uv run python benchmarks/peers.py [works=abc] [rounds=3] [seconds=10]   # writes results/peers_PROCESSOR.csv

Three works, on made-up images of the real ones' shapes: (a) grey PNG files of 1024 x 1024 pixels to 224 x 224 under the
augmentation of Chopade et al. 2021, MobileNetV1, batch 32; (b) colour 32 x 32 in one array, crop and flip, ResNet-18,
batch 128; (c) grey 16 x 16 in one array, a network of 225,698 parameters, batch 32. Each contestant is a process of its
own, taken in turn; its rate is that of `seconds` of steps after some to warm up. The bound is the same network stepping
on one batch that stays where it is, channels_last, at fp32, and at bf16 where the processor has it; the better one
counts. A share is the median over the rounds of a rate by the bound of the same round. The torch loop has the bound's
precision and layout, fused SGD, and 2 workers that stay (a, b) or tensors in memory (c). Nothing else should run.
"""

import csv
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from clrx.core.machine import hardware

BATCH = {"a": 32, "b": 128, "c": 32}
SHAPE = {"a": (3, 224, 224), "b": (3, 32, 32), "c": (1, 16, 16)}
WARM = {"a": 3, "b": 3, "c": 60}  # steps before the clock starts
CONTESTANTS = ("bound", "clrx", "torch", "keras")
FIELDS = (
    "work",
    "contestant",
    "rounds",
    "images_per_s",
    "least",
    "most",
    "share_of_bound",
    "setting",
    "hardware",
    "load",
)


class Rate:
    """Images per second from the end of the last step to warm up on; ends the process when the time is over."""

    def __init__(self, work: str, seconds: float, setting: str = "") -> None:
        self.work, self.seconds, self.setting = work, seconds, setting
        self.count, self.began = 0, 0.0

    def step(self, *_: Any) -> None:
        """A step has ended."""
        self.count += 1
        now = time.perf_counter()
        if self.count == WARM[self.work]:
            self.began = now
        elif self.count > WARM[self.work] + 2 and now - self.began > self.seconds:
            rate = (self.count - WARM[self.work]) * BATCH[self.work] / (now - self.began)
            print("RATE " + json.dumps({"rate": rate, "setting": self.setting}), flush=True)
            os._exit(0)

    def start(self, name: str, steps: int) -> None:
        """An epoch begins; what lies between two epochs counts."""


def write_images(folder: Path) -> None:
    """The images of all works, and where clrx finds them."""
    from PIL import Image

    rng = np.random.default_rng(0)
    (folder / "a").mkdir()
    lines = ["image,label"]
    for number in range(160):
        coarse = Image.fromarray(rng.integers(0, 256, (24, 24), dtype=np.uint8))
        coarse.resize((1024, 1024), Image.Resampling.BICUBIC).save(folder / "a" / f"{number:03d}.png")
        lines.append(f"{number:03d}.png,{number % 2}")
    (folder / "a.csv").write_text("\n".join(lines) + "\n")
    for work, count, shape, classes in (("b", 6400, (32, 32, 3), 10), ("c", 32000, (16, 16), 2)):
        arrays = {}
        for part, size in (("train", count), ("val", 20), ("test", 20)):
            arrays[f"{part}_images"] = rng.integers(0, 256, (size, *shape), dtype=np.uint8)
            arrays[f"{part}_labels"] = np.arange(size)[:, None] % classes
        np.savez(folder / f"{work}.npz", **arrays)


def run_clrx(work: str, folder: Path, seconds: float) -> None:
    """`clrx train` with the settings a user gets."""
    from clrx import train

    own = {
        "a": (
            f"dataset=csv dataset.root={folder}/a.csv dataset.images={folder}/a dataset.path=image",
            "mobilenet",
        ),
        "b": (f"dataset=npz dataset.root={folder}/b.npz dataset.size=32 augment.crop_padding=4", "resnet18"),
        "c": (f"dataset=npz dataset.root={folder}/c.npz dataset.size=16 augment=none", "cnn4"),
    }[work]
    more = {
        "a": "dataset.label=label dataset.size=224 dataset.color=false augment=chopade2021 split.test=0.02",
        "b": "augment=flip augment.fill=constant model.stem=small",
        "c": "",
    }[work]
    words = (
        f"{own[0]} {more} model={own[1]} split.validation=0 policy=constant lr=0.01 epochs=999 selection=last"
    )
    run = tempfile.mkdtemp(dir=folder)
    train(*words.split(), f"batch_size={BATCH[work]}", directory=f"{run}/run", observer=Rate(work, seconds))


def network_of(work: str) -> Any:
    """The network of a work, as torch code has it."""
    from torch import nn

    if work == "a":
        import timm

        return timm.create_model("mobilenetv1_100", pretrained=False, num_classes=1)
    if work == "b":
        from torchvision.models import resnet18

        network = resnet18(weights=None, num_classes=10)
        network.conv1, network.maxpool = nn.Conv2d(3, 64, 3, 1, 1, bias=False), nn.Identity()
        return network
    layers: list[nn.Module] = []
    for inputs in (1, 32, 32, 32):
        layers += [nn.Conv2d(inputs, 32, 3, padding=1), nn.ReLU(inplace=True)]
        layers += [nn.MaxPool2d(2)] if len(layers) in (4, 9) else []
    layers += [nn.Flatten(), nn.Linear(512, 256), nn.ReLU(), nn.Dropout(), nn.Linear(256, 256), nn.ReLU()]
    return nn.Sequential(*layers, nn.Dropout(), nn.Linear(256, 2))


class Loop:
    """A step of plain torch at a precision, channels_last, with fused SGD."""

    def __init__(self, work: str, precision: str) -> None:
        import torch

        self.work, self.bf16 = work, precision == "bf16"
        self.network = network_of(work).to(memory_format=torch.channels_last).train()
        self.optimizer = torch.optim.SGD(self.network.parameters(), lr=0.01, momentum=0.9, fused=True)

    def step(self, images: Any, labels: Any) -> None:
        """Train on a batch."""
        import torch
        from torch.nn import functional

        with torch.autocast("cpu", torch.bfloat16, enabled=self.bf16):
            logits = self.network(images.contiguous(memory_format=torch.channels_last)).float()
        if self.work == "a":
            loss = functional.binary_cross_entropy_with_logits(logits.flatten(), labels.float())
        else:
            loss = functional.cross_entropy(logits, labels)
        self.optimizer.zero_grad()
        loss.backward()
        self.optimizer.step()


def precisions() -> tuple[str, ...]:
    """Those that this processor computes in."""
    import torch

    from clrx.training.precision import computes_bf16

    return ("fp32", "bf16") if computes_bf16(torch.device("cpu")) else ("fp32",)


def run_bound(work: str, folder: Path, seconds: float) -> None:
    """The better of the precisions on one batch."""
    import torch

    best = (0.0, "")
    for precision in precisions():
        loop, images = Loop(work, precision), torch.rand(BATCH[work], *SHAPE[work])
        images, labels = images.contiguous(memory_format=torch.channels_last), torch.zeros(BATCH[work]).long()
        for _ in range(WARM[work]):
            loop.step(images, labels)
        count, began = 0, time.perf_counter()
        while count < 3 or time.perf_counter() - began < seconds / len(precisions()):
            loop.step(images, labels)
            count += 1
        best = max(best, (count * BATCH[work] / (time.perf_counter() - began), precision))
    (folder / f"best_{work}").write_text(best[1])
    print("RATE " + json.dumps({"rate": best[0], "setting": best[1]}))


def batches(work: str, folder: Path) -> Any:
    """Batches without end, as a tuned loop of torch gets them."""
    import torch
    from PIL import Image
    from torch.utils.data import DataLoader
    from torchvision.io import ImageReadMode, decode_image
    from torchvision.transforms import v2

    if work == "c":
        with np.load(folder / "c.npz") as file:
            images = torch.from_numpy(file["train_images"]).unsqueeze(1).float().div_(255)
            labels = torch.from_numpy(file["train_labels"][:, 0]).long()
        while True:
            for rows in torch.randperm(len(images)).split(BATCH[work]):
                yield images[rows], labels[rows]
    last = [v2.ToDtype(torch.float32, scale=True)]
    if work == "a":
        bilinear = v2.InterpolationMode.BILINEAR
        move = v2.RandomAffine(7, (0.1, 0.1), (0.9, 1.1), 0.05, interpolation=bilinear)
        change = [
            v2.Resize((224, 224), antialias=True),
            move,
            v2.ColorJitter((0.4, 1.5)),
            v2.RandomHorizontalFlip(),
        ]
        through = v2.Compose([*change, v2.RGB(), *last, v2.Normalize([0.5] * 3, [0.25] * 3)])
        files = sorted((folder / "a").glob("*.png"))
        items = [
            (lambda file=file: decode_image(str(file), ImageReadMode.GRAY), n % 2)
            for n, file in enumerate(files)
        ]
    else:
        change = [v2.RandomCrop(32, padding=4), v2.RandomHorizontalFlip(), v2.ToImage()]
        through = v2.Compose([*change, *last, v2.Normalize([0.5] * 3, [0.25] * 3)])
        with np.load(folder / "b.npz") as file:
            pairs = list(zip(file["train_images"], file["train_labels"][:, 0].tolist(), strict=True))
        items = [(lambda image=image: Image.fromarray(image), label) for image, label in pairs]
    loader: Any = DataLoader(
        [*range(len(items))],  # type: ignore[arg-type]
        BATCH[work],
        shuffle=True,
        num_workers=2,
        persistent_workers=True,
        collate_fn=lambda rows: (
            torch.stack([through(items[row][0]()) for row in rows]),
            torch.tensor([items[row][1] for row in rows]),
        ),
    )
    while True:
        yield from loader


def run_torch(work: str, folder: Path, seconds: float) -> None:
    """The tuned loop of torch."""
    precision = (folder / f"best_{work}").read_text()
    rate, loop = Rate(work, seconds, precision), Loop(work, precision)
    for images, labels in batches(work, folder):
        loop.step(images, labels)
        rate.step()


def run_keras(work: str, folder: Path, seconds: float) -> None:
    """Keras's fit over an array that is in memory, without augmentation: more than its own pipelines reach."""
    import keras
    from keras import layers

    size = SHAPE[work][1]
    if work == "c":
        parts: list[Any] = [layers.Input((16, 16, 1))]
        for _ in range(2):
            parts += [layers.Conv2D(32, 3, padding="same", activation="relu") for _ in range(2)]
            parts.append(layers.MaxPooling2D())
        parts += [layers.Flatten(), layers.Dense(256, "relu"), layers.Dropout(0.5), layers.Dense(256, "relu")]
        network = keras.Sequential([*parts, layers.Dropout(0.5), layers.Dense(2)])
    elif work == "a":
        network = keras.applications.MobileNet(weights=None, input_shape=(224, 224, 3), classes=2)
    else:
        print("RATE null")
        return
    network.compile(
        keras.optimizers.SGD(0.01, momentum=0.9), keras.losses.SparseCategoricalCrossentropy(True)
    )
    rate = Rate(work, seconds)

    class Steps(keras.callbacks.Callback):
        def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
            rate.step()

    count = 64 if work == "a" else 32000
    images = np.random.default_rng(0).random((count, size, size, SHAPE[work][0]), dtype=np.float32)
    network.fit(images, np.arange(count) % 2, BATCH[work], epochs=9999, verbose=0, callbacks=[Steps()])


def measure(work: str, contestant: str, folder: Path, seconds: float) -> dict[str, Any] | None:
    """What a process of its own says of one contestant; None where it says nothing."""
    words = [sys.executable, __file__, "--child", work, contestant, str(folder), str(seconds)]
    done = subprocess.run(
        words, capture_output=True, text=True, env={**os.environ, "CLRX_CACHE": str(folder / "cache")}
    )
    found = [line[5:] for line in done.stdout.splitlines() if line.startswith("RATE ")]
    if not found:
        print(f"{work} {contestant}: {done.stderr[-400:] or done.stdout[-400:]}", file=sys.stderr)
        return None
    return json.loads(found[-1])


def write(runs: list[dict[str, Any]], load: float) -> None:
    """The medians so far."""
    facts, rows = hardware("cpu"), []
    for work, contestant in dict.fromkeys((one["work"], one["contestant"]) for one in runs):
        mine = [one for one in runs if (one["work"], one["contestant"]) == (work, contestant)]
        rates = [one["rate"] for one in mine]
        share = statistics.median(one["rate"] / one["bound"] for one in mine)
        numbers = [statistics.median(rates), min(rates), max(rates)]
        rows.append([work, contestant, len(mine), *(f"{value:.1f}" for value in numbers), f"{share:.3f}"])
        rows[-1] += [mine[-1]["setting"], f"{facts['processor']}, {facts['cores']} cores", f"{load:.1f}"]
    name = str(facts["processor"]).replace(" ", "_")
    with (Path(__file__).parent / "results" / f"peers_{name}.csv").open("w", newline="") as file:
        csv.writer(file).writerows([FIELDS, *rows])


def main() -> None:
    asked = dict(word.split("=") for word in sys.argv[1:])
    rounds, seconds = int(asked.get("rounds", 3)), float(asked.get("seconds", 10))
    contestants = [
        one for one in CONTESTANTS if one != "keras" or (find_spec("keras") and find_spec("tensorflow"))
    ]
    load, runs = os.getloadavg()[0], []
    with tempfile.TemporaryDirectory() as name:
        write_images(Path(name))
        for _ in range(rounds):
            for work in asked.get("works", "abc"):
                bound = 0.0
                for contestant in contestants:
                    if not (found := measure(work, contestant, Path(name), seconds)):
                        continue
                    bound = found["rate"] if contestant == "bound" else bound
                    runs.append({"work": work, "contestant": contestant, "bound": bound, **found})
                    print(
                        work, contestant, f"{found['rate']:.1f}", f"{found['rate'] / bound:.3f}", flush=True
                    )
                    write(runs, load)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--child"]:
        work, contestant, folder, seconds = sys.argv[2:]
        child = {"bound": run_bound, "clrx": run_clrx, "torch": run_torch, "keras": run_keras}[contestant]
        child(work, Path(folder), float(seconds))
    else:
        main()
