"""`clrx explain`: draw what a network's scores rest on, over the images.

usage: clrx explain RUN [IMAGES...] [key=value ...]

Without IMAGES a sheet of the run's test images: most confident and right, most confident and wrong, least sure. With
them an overlay of each. The maps are Grad-CAM, Grad-CAM++ or Score-CAM of the last feature maps. They show what a score
goes along with, not where a disease is; they are compared with those of random weights (Adebayo et al. 2018).
"""

from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch

from clrx.bundle.description import Description
from clrx.bundle.open import Bundle
from clrx.config.options import split_config_dir
from clrx.config.use import ExplainOptions, is_option, read_options
from clrx.core.console import say
from clrx.core.errors import UserError
from clrx.core.paths import path_of
from clrx.core.signals import listening
from clrx.metrics.predictions import Predictions, read_predictions
from clrx.plot.overlay import Explained, save_overlay, save_sheet
from clrx.predict.cam import randomised, similarity
from clrx.predict.decode import decoded
from clrx.predict.explained import classes_of, heat_of, titles_of
from clrx.predict.images import Image, images_of
from clrx.predict.picture import open_picture
from clrx.predict.pointing import pointing_game, read_boxes
from clrx.predict.score import Scorer, make_scorer
from clrx.task.export import test_files
from clrx.task.predict import open_bundles, runs_and_images

CAVEAT = "A map shows what a score goes along with. It is no proof of a reason, and no outline of a disease."
CHECKED = 16  # images of the check
ALIKE = 0.5  # rank correlation from which maps do not depend on what was learnt


class Chosen(NamedTuple):
    """An image of the sheet."""

    kind: str
    image: Image
    about: str  # patient, label and score


def main(arguments: list[str]) -> int:
    """Draw overlays of the images named, or the sheet of the run's test images."""
    folders, words = split_config_dir(arguments)
    options = read_options("explain", ExplainOptions, [word for word in words if is_option("explain", word)])
    named = [word for word in words if not is_option("explain", word)]
    runs, images = runs_and_images("explain", named)
    if len(runs) > 1:
        raise UserError("one run is explained at a time", where="clrx explain")
    if options.threads:
        torch.set_num_threads(options.threads)
    (bundle,) = open_bundles(runs, options, folders)
    out = path_of(options.out) if options.out else _folder(bundle)
    scorer = make_scorer([bundle], options.device, options.batch_size, options.flips)
    with listening():
        if images:
            chosen = [Chosen("", image, "") for image in images_of(images)]
        else:
            chosen = worst_and_best(bundle, options.count)
        _draw(scorer, chosen, out, options)
    return 0


def _folder(bundle: Bundle) -> Path:
    if not bundle.path.is_dir():
        raise UserError("where to?", where="out", fix="out=FOLDER")
    return bundle.path / "explain"


def _draw(scorer: Scorer, chosen: list[Chosen], out: Path, options: ExplainOptions) -> None:
    """Overlays one by one, or a sheet; then the check, and the pointing game where boxes are given."""
    heats, findings, sheet, d = (
        list[np.ndarray](),
        list[str](),
        dict[str, list[Explained]](),
        scorer.description,
    )
    for chunk in decoded((one.image for one in chosen), scorer.shapes, options.workers, scorer.batch_size):
        if chunk.failed:
            row, why = chunk.failed[0]
            raise UserError(f"an image cannot be read: {why}", where=chunk.images[row].name)
        scores = scorer.score(chunk.pixels)
        classes = classes_of(d, scores, scorer.threshold, options.target)
        heat = heat_of(scorer, scorer.members[0], chunk.pixels, classes, options.layer, options.method)
        titles = titles_of(d, scores, classes, scorer.threshold)
        for k, image in enumerate(chunk.images):
            one, number = chosen[len(heats)], len(heats)
            shown = Explained(
                np.asarray(open_picture(image.file)), heat[k], f"{one.about}\n{titles[k]}".strip()
            )
            if one.kind:
                sheet.setdefault(one.kind, []).append(shown)
            else:
                save_overlay(shown, out / f"{number:04d}_{Path(image.name).stem}.png")
            heats.append(heat[k])
            findings.append(d.classes[classes[k]])
    if sheet:
        save_sheet(list(sheet.items()), out / "sheet.png", CAVEAT)
    say(f"explained: {out} ({len(heats)} images, {options.method}). {CAVEAT}")
    if options.check:
        _check(scorer, chosen[:CHECKED], options)
    if options.boxes:
        names = [one.image.name for one in chosen]
        say(str(pointing_game(read_boxes(path_of(options.boxes)), names, findings, np.stack(heats))))


def _check(scorer: Scorer, chosen: list[Chosen], options: ExplainOptions) -> None:
    """Say how like the maps are those of a network with random weights."""
    (chunk,) = decoded((one.image for one in chosen), scorer.shapes, options.workers, len(chosen))
    classes = classes_of(scorer.description, scorer.score(chunk.pixels), scorer.threshold, options.target)
    member = scorer.members[0]
    networks = (member.network, randomised(member.network))  # type: ignore[arg-type]
    settings = (chunk.pixels, classes, options.layer, options.method)
    learnt, fresh = (heat_of(scorer, replace(member, network=network), *settings) for network in networks)
    alike = similarity(learnt, fresh)
    verdict = "they hardly depend on what was learnt: do not rely on them" if alike > ALIKE else "they differ"
    say(f"check: rank correlation {alike:.2f} with the maps of a network with random weights; {verdict}")


def worst_and_best(bundle: Bundle, count: int) -> list[Chosen]:
    """The test images on which a run is most confident and right, most confident and wrong, and least sure."""
    if bundle.record is None:
        raise UserError("which images?", where="clrx explain", fix="clrx explain BUNDLE IMAGES...")
    d = bundle.description
    known = read_predictions(bundle.record.path / "predictions.csv", d.classes)
    files = test_files(bundle)
    rows = [row for row, name in enumerate(known.images) if name in files]
    if not rows:
        raise UserError(
            "the test images are not files, or not here", where=str(bundle.path), fix="name IMAGES"
        )
    margin, right = _margins(d, known)
    order = np.array(sorted(rows, key=lambda row: -margin[row]))
    groups = {
        "confident, right": order[right[order]][:count],
        "confident, wrong": order[~right[order]][:count],
        "least sure": order[::-1][:count],
    }
    return [
        Chosen(kind, Image(known.images[row], files[known.images[row]]), _about(d, known, row))
        for kind, chosen in groups.items()
        for row in chosen
    ]


def _margins(d: Description, known: Predictions) -> tuple[np.ndarray, np.ndarray]:
    """(distance from the decision's edge, as a share of the possible, whether it is right) of each image."""
    scores, t = known.scores, d.threshold
    if d.task == "multiclass":
        best = np.sort(scores, axis=1)
        return best[:, -1] - best[:, -2], scores.argmax(axis=1) == known.labels
    share = np.where(scores >= t, (scores - t) / max(1 - t, 1e-9), (t - scores) / max(t, 1e-9))
    right = (scores >= t) == known.labels.astype(bool)
    return (share, right) if d.task == "binary" else (share.min(axis=1), right.all(axis=1))


def _about(d: Description, known: Predictions, row: int) -> str:
    label = known.labels[row]
    truth = (
        "|".join(name for name, yes in zip(d.classes, label, strict=True) if yes) or "none"
        if d.task == "multilabel"
        else d.classes[int(label)]
    )
    return f"patient {known.patients[row][:24]}, is {truth}"
