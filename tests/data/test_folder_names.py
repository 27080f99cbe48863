"""What the names of folders and files say of them."""

import pytest

from clrx.data.folder_names import derived_files, is_prediction, is_wrapper, part_of


@pytest.mark.parametrize(
    ("name", "part"),
    [
        *[
            (name, "train")
            for name in ("train", "Training", "training_set", "seg_train", "TrainSet", "train-images")
        ],
        *[(name, "validation") for name in ("val", "valid", "validation_set", "VAL", "val_data")],
        *[(name, "test") for name in ("test", "testing", "test_set", "seg_test", "TestData", "data_test")],
        *[
            (name, None)
            for name in ("train_test", "cat", "trained", "test2", "contest", "valley", "seg_pred", "images")
        ],
        ("train wagon", None),
        ("猫 test", None),
    ],
)
def test_parts(name, part):
    assert part_of(name) == part


def test_wrappers_and_predictions():
    names = ("images", "Data", "image_data", "cat", "images_cat", "1")
    assert [name for name in names if is_wrapper(name)] == ["images", "Data", "image_data"]
    names = ("seg_pred", "prediction", "unlabeled_data", "predator", "test")
    assert [name for name in names if is_prediction(name)] == ["seg_pred", "prediction", "unlabeled_data"]


@pytest.mark.parametrize(
    ("names", "derived"),
    [
        (["benign (1).png", "benign (1)_mask.png", "benign (1)_mask_1.png"], {1, 2}),  # BUSI
        (["1.png", "1_MASK.PNG"], {1}),
        (["1.jpg", "1-thumb.jpg", "thumb_1.jpg"], {1, 2}),
        (["1_image.png", "1_mask.png"], {1}),
        (["1_mask.png", "2_mask.png"], set()),  # a face with a mask, or masks alone: nothing says
        (["mask.png", "unmask.png", "un.png"], set()),
        (["1.png", "2.png", "10.png"], set()),
    ],
)
def test_files_made_from_others(names, derived):
    assert derived_files(names) == {names[k] for k in derived}
