"""`clrx predict`: score new images with a trained network.

usage: clrx predict RUN [RUN ...] IMAGES... [key=value ...]

RUN is the directory of a run or of a sweep (its best run by validation), an exported bundle (folder or zip) or a
weights file; the scores of several are averaged. IMAGES are files, folders, archives, DICOM, CSV lists of paths, or -
for paths on the standard input. A line per image: its name, a score per class, the class predicted at the threshold
that training chose. Images that cannot be read are listed, the others are scored, and the exit code is 1.
"""

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import TextIO

import numpy as np
import torch
from rich.console import Console
from rich.progress import Progress

from clrx.bundle.open import Bundle, cycles, is_bundle, open_bundle
from clrx.config.options import split_config_dir
from clrx.config.use import Machine, PredictOptions, is_option, read_options
from clrx.core.errors import UserError
from clrx.core.files import naming
from clrx.core.paths import path_of
from clrx.core.signals import listening
from clrx.predict.decode import Chunk
from clrx.predict.images import images_of
from clrx.predict.run import Counts, predict_to
from clrx.predict.score import Scorer, make_scorer

SHOWN = 20  # unreadable images that are listed


def main(arguments: list[str]) -> int:
    """Score the images that the words name; 1 where some could not be read."""
    folders, words = split_config_dir(arguments)
    options = read_options("predict", PredictOptions, [word for word in words if is_option("predict", word)])
    named = [word for word in words if not is_option("predict", word)]
    runs, images = runs_and_images("predict", named)
    if not images:
        raise UserError("which images?", where="clrx predict", fix="clrx predict RUN IMAGES...")
    found = images_of(images, options.column)
    scorer = open_scorer(runs, options, folders)
    with listening(), _output(options.out) as file, _progress(images) as advance:
        failed: list[str] = []
        note = lambda name, why: failed.append(f"{name}: {why}")  # noqa: E731
        overlays = _overlays(scorer, path_of(options.cam)) if options.cam else None
        counts = predict_to(file, scorer, found, options.workers, note, advance, overlays)
    return _told(counts, failed)


def runs_and_images(command: str, words: Sequence[str]) -> tuple[list[Path], list[str]]:
    """The bundles that a command line begins with, and the words behind them. UserError where it begins with none."""
    if not words:
        raise UserError("which run?", where=f"clrx {command}", fix=f"clrx {command} RUN ...")
    runs = [path_of(words[0])]
    rest = list(words[1:])
    while rest and is_bundle(path_of(rest[0])):
        runs.append(path_of(rest.pop(0)))
    return runs, rest


def open_bundles(runs: Sequence[Path], options: Machine, folders: Sequence[str]) -> list[Bundle]:
    """The bundles of some paths; with weights=cycles one for each cycle of each run."""
    own = path_of(folders[-1]) if folders else None
    if options.weights == "cycles":
        return [open_bundle(run, name, own) for run in runs for name in cycles(run)]
    return [open_bundle(run, options.weights, own) for run in runs]


def open_scorer(runs: Sequence[Path], options: Machine, folders: Sequence[str] = ()) -> Scorer:
    """The networks of some paths on the device that the options ask for."""
    if options.threads:
        torch.set_num_threads(options.threads)
    bundles = open_bundles(runs, options, folders)
    return make_scorer(bundles, options.device, options.batch_size, options.flips)


@contextmanager
def _output(out: str | None) -> Iterator[TextIO]:
    """The standard output, or a file that appears whole."""
    if out is None:
        yield sys.stdout
        return
    path = path_of(out)
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f".{path.name}.part")
    try:
        with naming(path):
            with beside.open("w", encoding="utf-8", newline="") as file:
                yield file
            beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)


def _overlays(scorer: Scorer, folder: Path) -> Callable[[Chunk, np.ndarray], list[str]]:
    """A function that draws the overlay of each readable image of a chunk, and gives their paths."""
    from clrx.plot.overlay import Explained, save_overlay  # matplotlib, which scores alone do without
    from clrx.predict.explained import classes_of, heat_of, titles_of
    from clrx.predict.picture import open_picture

    d, numbers = scorer.description, count()

    def draw(chunk: Chunk, scores: np.ndarray) -> list[str]:
        classes = classes_of(d, scores, scorer.threshold)
        heat, paths = heat_of(scorer, scorer.members[0], chunk.pixels, classes), []
        titles = titles_of(d, scores, classes, scorer.threshold)
        for k, row in enumerate(chunk.readable):
            image = chunk.images[row]
            path = folder / f"{next(numbers):06d}_{Path(image.name).stem}.png"
            save_overlay(Explained(np.asarray(open_picture(image.file)), heat[k], titles[k]), path)
            paths.append(str(path))
        return paths

    return draw


@contextmanager
def _progress(images: Sequence[str]):
    """A callback(done) for the terminal; nothing elsewhere."""
    screen = Console(stderr=True)
    with Progress(console=screen, transient=True, disable=not screen.is_terminal) as live:
        bar = live.add_task("scoring", total=None)
        yield lambda done: live.update(bar, completed=done, description=f"scoring {done:,}")


def _told(counts: Counts, failed: list[str]) -> int:
    """Say on the standard error what could not be read; the exit code."""
    if not counts.scored and not counts.failed:
        raise UserError(
            "no image is there", where="clrx predict", allowed="files that are images by their ending"
        )
    if not counts.failed:
        return 0
    lines = [f"  {line}" for line in failed[:SHOWN]]
    if len(failed) > SHOWN:
        lines.append(f"  and {len(failed) - SHOWN:,} more")
    total = counts.scored + counts.failed
    print(f"error: {counts.failed:,} of {total:,} images cannot be read:", *lines, sep="\n", file=sys.stderr)
    return 1
