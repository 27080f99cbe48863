"""The order of classes, the positive one, names in several spellings."""

import pytest

from clrx.core.errors import UserError
from clrx.data.classes import encode, in_order


@pytest.mark.parametrize(
    ("names", "positive", "expected"),
    [
        (["b", "a", "b"], None, ("a", "b")),
        (["cancer", "healthy"], "cancer", ("healthy", "cancer")),
        (["cancer", "healthy"], "healthy", ("cancer", "healthy")),
        (["10", "9", "1"], None, ("1", "9", "10")),
        (["10", "x"], None, ("10", "x")),
        (["0", "1"], 0, ("1", "0")),  # as the command line gives it
    ],
)
def test_the_order_of_classes(names, positive, expected):
    assert in_order(names, positive) == expected
    found, indices, notes = encode(names, positive)
    assert (found, notes, indices.dtype) == (expected, (), "int64")
    assert indices.tolist() == [expected.index(name) for name in names]


@pytest.mark.parametrize(
    ("names", "positive", "said"),
    [
        (["cancer", "healthy"], "cancr", "did you mean cancer?"),
        (["a", "b", "c"], "a", "one of two classes"),
    ],
)
def test_a_positive_class_that_is_none(names, positive, said):
    with pytest.raises(UserError) as error:
        in_order(names, positive)
    assert said in str(error.value)


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (("COVID", "Normal"), ("Normal", "COVID")),
        (("No Finding", "Effusion"), ("No Finding", "Effusion")),
        (("control", "alzheimer"), ("control", "alzheimer")),
        (("tumor", "no_tumor"), ("no_tumor", "tumor")),
        (("COVID", "non-COVID"), ("non-COVID", "COVID")),
        (("positive", "Negative"), ("Negative", "positive")),
        (("benign", "malignant"), ("benign", "malignant")),
        (("Parasitized", "Uninfected"), ("Uninfected", "Parasitized")),
        (("0", "1"), ("0", "1")),
        (("cat", "dog"), ("cat", "dog")),  # neither: the latter
        (("normal", "healthy"), ("healthy", "normal")),  # both
        (("nodule", "notch"), ("nodule", "notch")),
        (("covid", "normal", "pneumonia"), ("covid", "normal", "pneumonia")),  # of two alone
    ],
)
def test_of_two_classes_that_which_found_nothing_is_negative(names, expected):
    assert in_order(names) == expected
    if len(names) == 2:
        assert in_order(names, positive=expected[0]) == expected[::-1]
