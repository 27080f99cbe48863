"""Augmentation against Keras's ImageDataGenerator, written out here from its documentation with scipy."""

from dataclasses import fields
from pathlib import Path

import numpy as np
import pytest
import torch
from omegaconf import OmegaConf
from PIL import Image, ImageEnhance
from scipy import ndimage

from clrx.core.errors import UserError
from clrx.data.augment import Augment, normalise
from clrx.data.warp import Moves, affine, warp
from clrx.plot.images import plot_augmented

CONF = Path(__file__).resolve().parents[2] / "conf" / "augment"
CHOPADE = Augment(7, 0.05, (0.9, 1.1), 0.1, 0.1, (0.4, 1.5), True)


def pictures(count=6, channels=1, height=24, width=24) -> torch.Tensor:
    values = np.random.default_rng(3).integers(0, 256, (count, channels, height, width), dtype=np.uint8)
    return torch.from_numpy(values)


def keras(
    image, rotation=0.0, shear=0.0, zoom=(1.0, 1.0), shift=(0.0, 0.0), flip=(False, False), mode="nearest"
):
    """One channel (H, W) moved as keras.preprocessing.image documents it: angles in degrees, shift in pixels
    (x, y), matrices multiplied in the order rotation, shift, shear, zoom, the centre at size / 2 - 0.5."""
    t, s = np.deg2rad(rotation), np.deg2rad(shear)
    turn = np.array([[np.cos(t), -np.sin(t), 0], [np.sin(t), np.cos(t), 0], [0, 0, 1]])
    move = np.array([[1, 0, shift[0]], [0, 1, shift[1]], [0, 0, 1]])
    lean = np.array([[1, -np.sin(s), 0], [0, np.cos(s), 0], [0, 0, 1]])
    scale = np.diag([zoom[0], zoom[1], 1])
    x, y = image.shape[1] / 2 - 0.5, image.shape[0] / 2 - 0.5
    there, back = np.array([[1, 0, x], [0, 1, y], [0, 0, 1]]), np.array([[1, 0, -x], [0, 1, -y], [0, 0, 1]])
    matrix = there @ turn @ move @ lean @ scale @ back
    swapped = matrix[[1, 0, 2]][:, [1, 0, 2]]  # scipy counts (row, column)
    moved = ndimage.affine_transform(
        image.astype(np.float64), swapped[:2, :2], swapped[:2, 2], order=1, mode=mode
    )
    return moved[:: -1 if flip[1] else 1, :: -1 if flip[0] else 1]


def one(
    rotation=0.0, shear=0.0, zoom=(1.0, 1.0), shift=(0.0, 0.0), flip=(False, False), crop=(0, 0)
) -> Moves:
    columns = [np.array(pair)[:, None] for pair in (zoom, shift, crop, flip)]
    return Moves(np.deg2rad([rotation]), np.deg2rad([shear]), *columns)


@pytest.mark.parametrize(
    "setting",
    [
        {},
        {"rotation": 7.0},
        {"rotation": -33.0},
        {"shear": 0.05},
        {"shear": 20.0},
        {"zoom": (0.9, 1.1)},
        {"zoom": (1.4, 0.7)},
        {"shift": (2.4, 0.0)},
        {"shift": (-1.3, 3.7)},
        {"flip": (True, False)},
        {"flip": (True, True)},
        {"rotation": 7.0, "shear": 0.05, "zoom": (0.93, 1.08), "shift": (2.4, -1.9), "flip": (True, False)},
        {"rotation": -25.0, "shear": 15.0, "zoom": (1.3, 0.8), "shift": (4.0, 5.5), "flip": (False, True)},
    ],
    ids=str,
)
@pytest.mark.parametrize("size", [(24, 24), (17, 31)])
def test_moves_as_keras_does(setting, size):
    image = pictures(1, 1, *size)
    for fill in ("nearest", "reflect"):
        moved = warp(image.float(), torch.from_numpy(affine(one(**setting), *size)), "bilinear", fill)
        assert np.abs(moved[0, 0].numpy() - keras(image[0, 0].numpy(), **setting, mode=fill)).max() < 0.01


def test_constant_fills_with_black():
    image = pictures(1).float()
    moved = warp(image, torch.from_numpy(affine(one(shift=(5.0, 0.0)), 24, 24)), "bilinear", "constant")[0, 0]
    np.testing.assert_allclose(moved[:, :19], image[0, 0, :, 5:], atol=0.01)
    assert moved[:, 19:].abs().max() < 0.01


def test_crop_is_cut_from_the_moved_image():
    """After rotation, shift and zoom, before the flip: crop x 2, y -3 reads that image 2 right and 3 up."""
    image, setting = pictures(1), {"rotation": 20.0, "zoom": (0.8, 1.3), "shift": (1.5, -0.5)}
    matrix = affine(one(**setting, crop=(2, -3), flip=(True, False)), 24, 24)
    moved = warp(image.float(), torch.from_numpy(matrix), "bilinear", "nearest")[0, 0].numpy()
    before = keras(image[0, 0].numpy(), **setting)
    assert np.abs(moved[:, ::-1][3:, :-2] - before[:-3, 2:]).max() < 0.01


def test_whole_batch_is_in_the_range_of_its_settings():
    """Parameters recovered from the matrices of many images lie in, and fill, the ranges asked for."""
    uniform = np.random.default_rng(0).random((11, 20_000))
    moves = CHOPADE.moves_of(uniform, height=64, width=64)
    table = [
        (np.rad2deg(moves.rotation), -7, 7),
        (np.rad2deg(moves.shear), -0.05, 0.05),  # degrees, not radians
        (moves.zoom[0], 0.9, 1.1),
        (moves.zoom[1], 0.9, 1.1),
        (moves.shift[0], -6.4, 6.4),  # a tenth of 64 pixels
        (moves.shift[1], -6.4, 6.4),
    ]
    for values, low, high in table:
        assert low <= values.min() < low + 0.01 * (high - low)
        assert high - 0.01 * (high - low) < values.max() <= high
    assert abs(moves.flip[0].mean() - 0.5) < 0.02
    assert not moves.flip[1].any()
    rows = [moves.rotation, moves.shear, *moves.zoom, *moves.shift, *moves.crop, moves.flip[0]]
    related = np.corrcoef([row + 0 * uniform[0] for row in rows if row.any()]) - np.eye(7)
    assert np.abs(related).max() < 0.05  # each setting and each axis its own number


def test_brightness_is_pillows_factor():
    image = pictures(64, 3)
    bright = Augment(brightness=(0.4, 1.5))(image, seed=1, step=2)
    factors = []
    for before, after in zip(image, bright, strict=True):
        factor = float((after.sum() / before.sum()).clamp(max=1.5)) if after.max() < 255 else None
        if factor is None:
            continue
        picture = ImageEnhance.Brightness(Image.fromarray(before.permute(1, 2, 0).numpy())).enhance(factor)
        assert (
            np.abs(np.asarray(picture) - after.permute(1, 2, 0).numpy()).max() <= 1.0
        )  # pillow cuts to integers
        factors.append(factor)
    assert len(factors) > 20
    assert 0.4 - 1e-3 < min(factors) < 0.5
    assert bright.max() == 255  # clipped


def test_crop_is_a_cut_from_the_padded_image():
    image = pictures(200, 3, 8, 8)
    cropped = Augment(crop_padding=2, fill="constant")(image, seed=0, step=0).numpy()
    padded = np.pad(image.numpy(), ((0, 0), (0, 0), (2, 2), (2, 2)))
    seen = set()
    for before, after in zip(padded, cropped, strict=True):
        places = [
            (y, x) for y in range(5) for x in range(5) if (before[:, y : y + 8, x : x + 8] == after).all()
        ]
        assert len(places) == 1
        seen.add(places[0])
    assert len(seen) == 25


def test_flips_are_exact_and_of_half_the_images():
    image = pictures(400)
    flipped = Augment(horizontal_flip=True, vertical_flip=True)(image, seed=0, step=0)
    views = [image, image.flip(-1), image.flip(-2), image.flip(-1, -2)]
    same = torch.stack([(flipped == view).all(dim=(1, 2, 3)) for view in views])
    assert (same.sum(dim=0) == 1).all()
    assert (same.sum(dim=1) - 100).abs().max() < 35  # four standard deviations of Binomial(400, 1/4)


def test_none_is_the_identity():
    image = pictures(4, 3)
    assert torch.equal(Augment()(image, seed=0, step=0), image.float())


def test_draws_depend_on_seed_and_step_and_place_alone():
    image = pictures(8)
    batch = CHOPADE(image, seed=5, step=9)
    assert torch.equal(batch, CHOPADE(image, seed=5, step=9))
    assert torch.equal(batch[:3], CHOPADE(image[:3], seed=5, step=9))
    assert not torch.equal(batch, CHOPADE(image, seed=6, step=9))
    assert not torch.equal(batch, CHOPADE(image, seed=5, step=10))
    same = CHOPADE(image[:1].expand(8, -1, -1, -1), seed=5, step=9)
    assert len({tuple(one.flatten().tolist()) for one in same}) == 8


def test_a_setting_leaves_the_draws_of_the_others():
    image = pictures(8)
    plain = Augment(horizontal_flip=True)(image, seed=1, step=1)
    both = Augment(horizontal_flip=True, crop_padding=1, fill="reflect")(image, seed=1, step=1)
    mirrored = (plain == image.flip(-1)).all(dim=(1, 2, 3))
    for before, after, flipped in zip(image.float(), both, mirrored, strict=True):
        source = before.flip(-1) if flipped else before
        middle = source[:, 4:-4, 4:-4]
        near = [after[:, 4 + y : 20 + y, 4 + x : 20 + x] for y in (-1, 0, 1) for x in (-1, 0, 1)]
        assert any(torch.equal(middle, place) for place in near)


def test_global_random_state_is_untouched():
    torch.manual_seed(0)
    np.random.seed(0)  # noqa: NPY002
    before = torch.get_rng_state(), np.random.get_state()[1].tolist()  # noqa: NPY002
    CHOPADE(pictures(), seed=0, step=0)
    assert torch.equal(before[0], torch.get_rng_state())
    assert before[1] == np.random.get_state()[1].tolist()  # noqa: NPY002


@pytest.mark.parametrize("channels", [1, 3])
def test_result_is_float_in_range_and_keeps_the_memory_format(channels):
    image = pictures(4, channels)
    plain = CHOPADE(image, seed=0, step=0)
    last = CHOPADE(image.contiguous(memory_format=torch.channels_last), seed=0, step=0)
    assert plain.dtype == torch.float32
    assert plain.shape == image.shape
    assert plain.min() >= 0
    assert plain.max() <= 255
    assert plain.is_contiguous()
    assert last.is_contiguous(memory_format=torch.channels_last)
    assert torch.allclose(plain, last, atol=1e-3)


def test_autocast_does_not_blur_the_grid():
    image = pictures(4, 1, 64, 64)
    with torch.autocast("cpu", torch.bfloat16):
        low = CHOPADE(image, seed=0, step=0)
    assert torch.equal(low, CHOPADE(image, seed=0, step=0))


def test_normalise_is_the_usual_formula():
    image = pictures(4, 3).float()
    mean, std = (0.4914, 0.4822, 0.4465), (0.2023, 0.1994, 0.2010)  # Mishra et al., section 2.1
    columns = [np.reshape(values, (1, 3, 1, 1)) for values in (mean, std)]
    expected = (image.numpy().astype(np.float64) / 255 - columns[0]) / columns[1]
    np.testing.assert_allclose(normalise(image, mean, std).numpy(), expected, atol=1e-5)
    last = normalise(image.contiguous(memory_format=torch.channels_last), mean, std)
    assert last.is_contiguous(memory_format=torch.channels_last)
    assert normalise(torch.full((1, 1, 1, 1), 255.0), (0.5,), (0.25,)).item() == pytest.approx(2.0)


def test_normalise_refuses_other_channels():
    with pytest.raises(ValueError, match="1 channels, but 3 means"):
        normalise(torch.zeros(2, 1, 4, 4), (0.5, 0.5, 0.5), (1.0, 1.0, 1.0))


def test_normalise_first_used_without_gradients_serves_training():
    with torch.inference_mode():
        normalise(torch.zeros(1, 1, 2, 2), (0.123,), (0.456,))
    images = torch.ones(1, 1, 2, 2, requires_grad=True)
    normalise(images, (0.123,), (0.456,)).sum().backward()
    assert images.grad is not None


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("rotation", 181),
        ("rotation", -1),
        ("rotation", float("nan")),
        ("shear", 90),
        ("zoom", (1.1, 0.9)),
        ("zoom", (0, 1)),
        ("zoom", (0.5, 1, 2)),
        ("zoom", 1.2),
        ("brightness", "dark"),
        ("brightness", (-0.1, 1)),
        ("brightness", (1, float("inf"))),
        ("shift_width", 1.5),
        ("shift_height", "wide"),
        ("horizontal_flip", 0.5),
        ("crop_padding", 1.5),
        ("crop_padding", -1),
        ("fill", "wrap"),
        ("interpolation", "bicubic"),
    ],
)
def test_bad_values_are_refused_by_name(key, value):
    with pytest.raises(UserError, match=f"augment.{key}=") as caught:
        Augment(**{key: value})
    assert caught.value.allowed


def load(name: str) -> Augment:
    config = OmegaConf.load(CONF / f"{name}.yaml")
    base = OmegaConf.load(CONF / "none.yaml")
    keys = OmegaConf.merge(base, {key: config[key] for key in config if key != "defaults"})
    return Augment(**{key: value for key, value in keys.items() if key != "_target_"})


def test_none_yaml_has_every_key_with_its_default():
    keys = OmegaConf.to_container(OmegaConf.load(CONF / "none.yaml"))
    assert set(keys) == {"_target_", *(field.name for field in fields(Augment))}
    assert load("none") == Augment()


def test_files_hold_the_papers_settings():
    assert load("chopade2021") == CHOPADE  # appendix A3.1
    assert load("flip") == Augment(horizontal_flip=True)
    mishra = load("mishra2019")  # section 2.1: crop, both flips, zoom
    assert mishra.horizontal_flip
    assert mishra.vertical_flip
    assert mishra.crop_padding == 4
    assert mishra.zoom != (1.0, 1.0)


def test_sheet_is_written_with_a_column_a_batch(tmp_path):
    images = pictures(3, 3, 16, 16)
    small, wide = tmp_path / "small.png", tmp_path / "wide.png"
    plot_augmented(small, [images], ["original"])
    plot_augmented(wide, [images, images.flip(-1)], ["original", "augmented"])
    with Image.open(small) as first, Image.open(wide) as second:
        assert second.width > 1.5 * first.width
        assert second.height == first.height
        assert len(np.unique(np.asarray(first.convert("RGB")))) > 100
