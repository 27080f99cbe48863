"""Augmentation against images that Keras's own ImageDataGenerator moved: tests/golden_numbers/make.py."""

import numpy as np
import pytest
import torch
from goldens import goldens

from clrx.data.augment import Augment
from clrx.data.warp import Moves, affine, warp

CASES = goldens()["augmentation"]


@pytest.mark.parametrize("case", CASES, ids=range(len(CASES)))
def test_a_moved_image_is_keras_s(case):
    """Keras's tx runs along the rows of the picture it then turns over: it is the shift in x of its matrix."""
    column = np.array([[case["tx"]], [case["ty"]]])
    moves = Moves(
        rotation=np.deg2rad([case["theta"]]),
        shear=np.deg2rad([case["shear"]]),
        zoom=np.array([[case["zx"]], [case["zy"]]]),
        shift=column,
        crop=np.zeros((2, 1)),
        flip=np.array([[case["flip_horizontal"]], [case["flip_vertical"]]]),
    )
    image = torch.tensor(case["image"], dtype=torch.float32)[None, None]
    moved = warp(image, torch.from_numpy(affine(moves, *image.shape[2:])), "bilinear", case["fill"])
    assert moved[0, 0].numpy() == pytest.approx(np.array(case["moved"]), abs=0.01)


@pytest.mark.parametrize("case", CASES, ids=range(len(CASES)))
def test_a_brightened_image_is_keras_s_but_for_its_whole_numbers(case):
    image = torch.tensor(case["image"], dtype=torch.uint8)[None, None]
    bright = Augment(brightness=(case["factor"], case["factor"]))(image, 0, 0)[0, 0].numpy()
    assert np.abs(bright - np.array(case["bright"])).max() < 1
