"""predictions.csv: what is written is what is read, and what a person sees."""

import numpy as np
import pytest

from clrx.core.errors import UserError
from clrx.metrics.predictions import read_predictions, write_predictions

IMAGES, PATIENTS = ["00000013_005.png", "a, b.png", "NA"], ["13", "007", "nan"]
NAMES = ("melanoma", "naevus, benign", "2")


def written(tmp_path, task, classes, labels, scores):
    path = tmp_path / "predictions.csv"
    write_predictions(path, task, classes, IMAGES, PATIENTS, np.array(labels), np.array(scores, np.float32))
    return path


@pytest.mark.parametrize(
    ("task", "classes", "labels", "scores", "header"),
    [
        ("binary", ("negative", "positive"), [0, 1, 1], [0.1, 0.5, 1e-9], "image,patient,label,score"),
        (
            "multiclass",
            NAMES,
            [2, 0, 1],
            [[0.1, 0.2, 0.7], [1 / 3, 1 / 3, 1 / 3], [0, 1, 0]],
            'image,patient,label,predicted,score_melanoma,"score_naevus, benign",score_2',
        ),
        (
            "multilabel",
            ("Mass", "Hernia"),
            [[0, 1], [1, 1], [0, 0]],
            [[0.1, 0.2], [0.3, 0.4], [0.5, 2 / 3]],
            "image,patient,label_Mass,label_Hernia,score_Mass,score_Hernia",
        ),
    ],
)
def test_what_is_written_is_read_again_to_the_bit(tmp_path, task, classes, labels, scores, header):
    path = written(tmp_path, task, classes, labels, scores)
    assert path.read_text().splitlines()[0] == header
    found = read_predictions(path)
    assert (found.task, found.classes) == (task, classes)
    assert found.images.tolist() == IMAGES
    assert found.patients.tolist() == PATIENTS
    assert found.labels.tolist() == labels
    assert np.array_equal(found.scores, np.array(scores, np.float32).astype(np.float64))
    assert [file.name for file in tmp_path.iterdir()] == ["predictions.csv"]


def test_every_float32_score_survives(tmp_path):
    scores = np.random.default_rng(0).random(3000).astype(np.float32) ** 8
    path = tmp_path / "predictions.csv"
    names = [str(i) for i in range(3000)]
    write_predictions(path, "binary", (), names, names, np.zeros(3000, int), scores)
    assert np.array_equal(read_predictions(path).scores.astype(np.float32), scores)


def test_multiclass_lines_name_the_classes(tmp_path):
    path = written(tmp_path, "multiclass", NAMES, [2, 0, 1], [[0.1, 0.2, 0.7], [0.5, 0.3, 0.2], [0, 1, 0]])
    lines = path.read_text().splitlines()
    assert lines[1] == "00000013_005.png,13,2,2,0.1,0.2,0.7"
    assert lines[2] == '"a, b.png",007,melanoma,melanoma,0.5,0.3,0.2'


def test_a_binary_file_takes_the_names_of_its_classes_from_the_reader(tmp_path):
    path = written(tmp_path, "binary", ("No Finding", "Mass"), [0, 1, 1], [0.1, 0.5, 0.9])
    assert read_predictions(path, ("No Finding", "Mass")).classes == ("No Finding", "Mass")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a,b\n1,2\n", "no predictions file"),
        ("image,patient,label,score\nx,1,2,0.5\n", "label 2 is no class"),
    ],
)
def test_another_file_is_refused(tmp_path, text, message):
    path = tmp_path / "predictions.csv"
    path.write_text(text)
    with pytest.raises(UserError, match=message):
        read_predictions(path)


def test_lengths_that_differ_are_refused_and_nothing_is_written(tmp_path):
    with pytest.raises(ValueError, match="same length"):
        written(tmp_path, "binary", (), [0, 1], [0.1, 0.5, 0.9])
    assert list(tmp_path.iterdir()) == []
