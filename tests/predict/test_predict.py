"""clrx predict: the scores of a run on new images, whatever names them."""

import csv
import io
import shutil
import zipfile

import numpy as np
import pandas as pd
import pytest

from clrx.bundle.open import open_bundle
from clrx.metrics.measure import choose_threshold
from clrx.predict.decode import decoded
from clrx.predict.images import Image, images_of, walk
from clrx.predict.score import make_scorer

WORDS = ("threads=1", "workers=1", "device=cpu")


def table_of(text):
    return pd.read_csv(io.StringIO(text), dtype={"score_sick": np.float32})


def recorded(run):
    return pd.read_csv(run / "predictions.csv", dtype={"score": np.float32})


def scored(command, *words):
    code, out, err = command("predict", *words, *WORDS)
    assert (code, err) == (0, "")
    return table_of(out)


def test_the_scores_of_the_test_images_are_those_of_the_run_bit_by_bit(used, command):
    known = recorded(used / "run")
    found = scored(command, used / "run", *(used / "home" / name for name in known["image"]))
    assert list(found) == ["image", "score_sick", "predicted"]
    assert found["score_sick"].to_numpy().tobytes() == known["score"].to_numpy().tobytes()
    validation = pd.read_csv(used / "run" / "predictions_validation.csv", dtype={"score": np.float32})
    threshold = choose_threshold(validation["label"].to_numpy(), validation["score"].to_numpy())
    called = np.where(known["score"].astype(float) >= threshold, "sick", "well")
    assert list(found["predicted"]) == list(called)


def test_a_folder_an_archive_a_list_and_standard_input_name_the_same_images(used, command, monkeypatch):
    folder = used / "away" / "images"
    wanted = scored(command, used / "run", folder)
    assert len(wanted) == 24
    assert wanted["image"].iloc[0] == str(folder / "away_000_0.png")
    with zipfile.ZipFile(used / "away.zip", "w") as zipped:
        for file in sorted(folder.iterdir()):
            zipped.write(file, f"inner/{file.name}")
    monkeypatch.setattr("sys.stdin", io.StringIO("".join(f"{name}\n" for name in wanted["image"])))
    for words in (used / "away.zip", used / "away" / "table.csv", "-"):
        found = scored(command, used / "run", words)
        assert np.array_equal(found["score_sick"], wanted["score_sick"]), words


def test_unreadable_images_are_listed_and_the_others_scored(used, command, tmp_path):
    for name in ("a.png", "c.png"):
        shutil.copy(used / "away" / "images" / "away_000_0.png", tmp_path / name)
    (tmp_path / "b.png").write_bytes(b"no image")
    code, out, err = command("predict", used / "run", tmp_path, *WORDS)
    assert code == 1
    assert [row["image"].rpartition("/")[2] for row in csv.DictReader(io.StringIO(out))] == ["a.png", "c.png"]
    assert "1 of 3 images cannot be read" in err
    assert "b.png: not an image" in err


def test_out_is_a_whole_file(used, command, tmp_path):
    target = tmp_path / "made" / "scores.csv"
    assert command("predict", used / "run", used / "away" / "images", f"out={target}", *WORDS)[:2] == (0, "")
    assert len(pd.read_csv(target)) == 24
    assert [file.name for file in target.parent.iterdir()] == ["scores.csv"]


def test_several_runs_and_cycles_average_their_scores(used, command):
    folder, weights = used / "away" / "images", used / "run" / "weights"
    names = sorted(file.stem for file in weights.glob("cycle_*"))
    single = [scored(command, weights / f"{name}.safetensors", folder)["score_sick"] for name in names]
    cycles = scored(command, used / "run", folder, "weights=cycles")["score_sick"]
    assert np.array_equal(cycles, np.stack(single).mean(axis=0))
    both = scored(command, used / "run", weights / "last.safetensors", folder)["score_sick"]
    last = scored(command, used / "run", folder, "weights=last")["score_sick"]
    best = scored(command, used / "run", folder)["score_sick"]
    assert np.array_equal(both, np.stack([best, last]).mean(axis=0))


def test_flips_are_averaged(used):
    bundle = open_bundle(used / "run")
    pixels = np.random.default_rng(0).integers(0, 256, (5, 1, 16, 16), dtype=np.uint8)
    mirrored = np.ascontiguousarray(pixels[..., ::-1])
    plain, flipping = make_scorer([bundle], "cpu"), make_scorer([bundle], "cpu", flips=True)
    scores = [plain.score({(16, 1): images}) for images in (pixels, mirrored)]
    assert np.allclose(flipping.score({(16, 1): pixels}), np.mean(scores, axis=0), atol=1e-7)


def test_a_batch_that_does_not_fit_is_halved(used, monkeypatch):
    scorer = make_scorer([open_bundle(used / "run")], "cpu", batch_size=8)
    pixels = np.zeros((8, 1, 16, 16), np.uint8)
    whole, compute = scorer.score({(16, 1): pixels}), type(scorer)._batch

    def small(self, member, images):
        if len(images) > 2:
            raise MemoryError
        return compute(self, member, images)

    monkeypatch.setattr(type(scorer), "_batch", small)
    assert np.allclose(scorer.score({(16, 1): pixels}), whole, atol=1e-6)
    assert scorer.batch_size == 2


def test_images_are_decoded_in_chunks_and_keep_their_order(used, monkeypatch):
    monkeypatch.setattr("clrx.predict.decode.MOST", 5)
    files = sorted((used / "away" / "images").iterdir())
    found = list(decoded((Image(file.name, str(file)) for file in files), [(16, 1)], workers=2, batch=2))
    assert [len(chunk.images) for chunk in found] == [4] * 6
    assert [image.name for chunk in found for image in chunk.images] == [file.name for file in files]


def test_what_a_folder_holds_beside_images_is_passed_over(tmp_path):
    for name in ("b.png", "a/c.JPG", ".hidden.png", "notes.txt", "plain"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"x")
    (tmp_path / "study").write_bytes(bytes(128) + b"DICM")
    assert [name for name, _ in walk(str(tmp_path))] == ["a/c.JPG", "b.png", "study"]


def test_a_list_may_have_a_header_or_none_and_other_separators(tmp_path):
    (tmp_path / "plain.txt").write_text("a.png\nb.png\n")
    (tmp_path / "semi.csv").write_text("nr;file\n1;a.png\n2;b.png\n")
    for name in ("plain.txt", "semi.csv"):
        found = list(images_of([str(tmp_path / name)]))
        assert [(image.name, image.file) for image in found] == [
            ("a.png", str(tmp_path / "a.png")),
            ("b.png", str(tmp_path / "b.png")),
        ]


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ([], "which run?"),
        (["nowhere"], "which images?"),
        (["nowhere", "home"], "no such run or bundle"),
        (["run"], "which images?"),
        (["run", "absent"], "no such image or folder"),
        (["run", "home", "flips=maybe"], "flips=maybe is not possible"),
        (["run", "home", "batch=3"], "no such image or folder: batch=3"),
        (["run", "home/table.csv", "column=paths"], "no column 'paths'"),
        (["run", "home", "weights=worst"], "no weights 'worst'"),
        (["home", "home"], "no complete run"),
    ],
)
def test_mistakes(command, words, told):
    code, out, err = command("predict", *words)
    assert code == 2
    assert told in err
    assert out in ("", "image,score_sick,predicted\n")
