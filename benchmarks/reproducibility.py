"""How far two runs of one configuration and seed drift apart when threads, precision or memory layout differ.

    uv run python benchmarks/reproducibility.py [OUT.csv]

A small residual network learns the tests' toy images (16 pixels, little contrast) for 8 epochs of 5 steps. Each
variant is compared with fp32, one thread, channels_last: the first step whose loss differs, the largest difference in
loss, and the difference of the test AUROC.
"""

import csv
import json
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))

from toy import write_toy

from clrx.cli.main import run
from clrx.training.records import column

WORDS = ("dataset=npz", "model=resnet9", "model.width=8", "batch_size=48", "epochs=8", "policy=triangular2")
RATES = ("bounds.base_lr=0.001", "bounds.max_lr=0.02", "device=cpu", "bootstrap.resamples=5")
VARIANTS = {
    "the same again": (),
    "deterministic=true": ("deterministic=true",),
    "threads=2": ("threads=2",),
    "channels_last=false": ("channels_last=false",),
    "precision=bf16": ("precision=bf16",),
    "seed=1 (for comparison)": ("seed=1",),
}


def trained(data: Path, path: Path, *words: str) -> tuple[list[float], float]:
    """Losses of every step, and the test AUROC."""
    threads = () if any(word.startswith("threads") for word in words) else ("threads=1",)
    code = run(["train", *WORDS, *RATES, *threads, f"dataset.root={data}", f"hydra.run.dir={path}", *words])
    assert code == 0
    metrics = json.loads((path / "metrics.json").read_text())
    return column(path / "steps.csv", "loss"), metrics["test"]["auroc"]["value"]


def compared(name: str, base: tuple[list[float], float], other: tuple[list[float], float]) -> dict:
    gaps = [abs(a - b) for a, b in zip(base[0], other[0], strict=True)]
    first = next((step for step, gap in enumerate(gaps) if gap), "")
    return {
        "variant": name,
        "steps": len(gaps),
        "first_step_that_differs": first,
        "largest_difference_in_loss": max(gaps),
        "loss_at_the_end": other[0][-1],
        "difference_in_test_auroc": abs(base[1] - other[1]),
    }


def main(out: Path) -> None:
    with tempfile.TemporaryDirectory() as folder:
        data = write_toy(Path(folder) / "toy.npz", contrast=12.0)
        base = trained(data, Path(folder) / "base")
        rows = [
            compared(name, base, trained(data, Path(folder) / str(index), *words))
            for index, (name, words) in enumerate(VARIANTS.items())
        ]
    with out.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    print(out.read_text(encoding="utf-8"))


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "reproducibility.csv"))
