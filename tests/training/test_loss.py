"""Losses against hand arithmetic and torch's own."""

from math import e, exp, log

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from clrx.config.sections import Loss as Settings
from clrx.core.errors import UserError
from clrx.training.loss import Loss, balanced_weights, build_loss, count_correct, scores_of

LOG3 = log(3)  # sigmoid(log 3) = 3/4


def tensor(*values):
    return torch.tensor(values, dtype=torch.float32)


# binary, two images: logits log 3 and -log 3 give p = 3/4 and 1/4
BINARY = tensor([LOG3], [-LOG3])
BY_HAND = [
    ({}, [1, 0], -log(3 / 4)),
    ({}, [1, 1], (-log(3 / 4) - log(1 / 4)) / 2),
    # targets 0.9 and 0.1, as Keras: y (1 - s) + s / 2 with s = 0.2
    ({"label_smoothing": 0.2}, [1, 0], -0.9 * log(3 / 4) - 0.1 * log(1 / 4)),
    ({"focal_gamma": 2.0}, [1, 0], -((1 / 4) ** 2) * log(3 / 4)),
    ({"focal_gamma": 2.0}, [1, 1], (-((1 / 4) ** 2) * log(3 / 4) - (3 / 4) ** 2 * log(1 / 4)) / 2),
    ({"class_weights": (0.5, 2.0)}, [1, 0], (-2 * log(3 / 4) - 0.5 * log(3 / 4)) / 2),
]


@pytest.mark.parametrize(("settings", "labels", "expected"), BY_HAND)
def test_binary_by_hand(settings, labels, expected):
    assert float(Loss("binary", **settings)(BINARY, torch.tensor(labels))) == pytest.approx(
        expected, rel=1e-6
    )


# three classes, logits (1, 0, 0): p = e / (e + 2), 1 / (e + 2), 1 / (e + 2)
P, Q = e / (e + 2), 1 / (e + 2)
MULTI = [
    ({}, 0, -log(P)),
    ({}, 1, -log(Q)),
    ({"label_smoothing": 0.3}, 0, -0.8 * log(P) - 2 * 0.1 * log(Q)),
    ({"focal_gamma": 2.0}, 0, -((1 - P) ** 2) * log(P)),
    ({"focal_gamma": 0.5}, 1, -((1 - Q) ** 0.5) * log(Q)),
    ({"class_weights": (0.25, 1.0, 4.0)}, 2, -4 * log(Q)),
]


@pytest.mark.parametrize(("settings", "label", "expected"), MULTI)
def test_multiclass_by_hand(settings, label, expected):
    found = Loss("multiclass", **settings)(tensor([1, 0, 0]), torch.tensor([label]))
    assert float(found) == pytest.approx(expected, rel=1e-6)


def test_plain_losses_are_torchs():
    draw = torch.Generator().manual_seed(0)
    logits = 5 * torch.randn(64, 4, generator=draw)
    classes, findings = torch.randint(4, (64,), generator=draw), torch.randint(2, (64, 4), generator=draw)
    weights = (0.5, 1.0, 1.5, 2.0)
    each = F.cross_entropy(logits, classes, reduction="none", label_smoothing=0.1)
    for found, expected in [
        (Loss("multiclass")(logits, classes), F.cross_entropy(logits, classes)),
        (
            Loss("multiclass", label_smoothing=0.1)(logits, classes),
            F.cross_entropy(logits, classes, label_smoothing=0.1),
        ),
        (
            Loss("multiclass", weights, label_smoothing=0.1)(logits, classes),
            (each * tensor(*weights)[classes]).mean(),
        ),
        (Loss("multilabel")(logits, findings), F.binary_cross_entropy_with_logits(logits, findings.float())),
        (
            Loss("binary")(logits[:, :1], findings[:, 0]),
            F.binary_cross_entropy_with_logits(logits[:, 0], findings[:, 0].float()),
        ),
        (Loss("binary")(logits[:, :2], findings[:, 0]), F.cross_entropy(logits[:, :2], findings[:, 0])),
    ]:
        assert float(found) == pytest.approx(float(expected), rel=1e-6)


def test_two_outputs_of_a_binary_task_mean_what_one_does():
    one, two = tensor([1.3], [-0.2]), tensor([0.0, 1.3], [0.0, -0.2])
    labels = torch.tensor([1, 1])
    for settings in ({}, {"focal_gamma": 2.0}, {"class_weights": (0.5, 1.5)}, {"label_smoothing": 0.1}):
        loss = Loss("binary", **settings)
        assert float(loss(one, labels)) == pytest.approx(float(loss(two, labels)), rel=1e-6)
    assert scores_of("binary", one).tolist() == pytest.approx(scores_of("binary", two).tolist())


def test_soft_targets_weigh_the_losses_of_both_classes():
    logits, loss = tensor([1, 0, 0]), Loss("multiclass", class_weights=(1.0, 3.0, 1.0))
    mixed = loss(logits, tensor([0.75, 0.25, 0]))
    assert float(mixed) == pytest.approx((-0.75 * log(P) - 0.25 * log(Q)) * (0.75 * 1 + 0.25 * 3), rel=1e-6)


@pytest.mark.parametrize("gamma", [0.0, 0.5, 1.0, 2.0, 5.0])
@pytest.mark.parametrize("task", ["binary", "multiclass", "multilabel"])
def test_certain_answers_have_finite_losses_and_gradients(task, gamma):
    width = 1 if task == "binary" else 2
    logits = torch.tensor([[200.0, -200.0], [-200.0, 200.0], [0.0, 0.0]])[:, :width].requires_grad_()
    labels = torch.tensor([[1, 0], [1, 0], [1, 0]]) if task == "multilabel" else torch.tensor([0, 0, 1])
    found = Loss(task, focal_gamma=gamma)(logits, labels)
    found.backward()
    assert torch.isfinite(found)
    assert torch.isfinite(logits.grad).all()


def test_halves_are_computed_in_full():
    logits, labels = tensor([0.5, -0.25]).bfloat16(), torch.tensor([1])
    assert Loss("multiclass")(logits, labels).dtype == torch.float32
    assert float(Loss("multiclass")(logits, labels)) == pytest.approx(log(1 + exp(0.75)), rel=1e-6)


def test_balanced_weights_by_hand():
    labels = np.array([0, 0, 0, 1])
    assert balanced_weights(labels, 2) == pytest.approx((4 / 6, 2.0))
    assert np.mean(np.array(balanced_weights(labels, 2))[labels]) == pytest.approx(1.0)
    with pytest.raises(UserError, match="class 1 has no training image"):
        balanced_weights(np.array([0, 2]), 3)


def settings(**changed):
    return Settings(**{"class_weights": "none", "label_smoothing": 0, "focal_gamma": 0} | changed)


def test_the_loss_of_a_configuration():
    labels = np.array([0, 0, 0, 1])
    assert build_loss(settings(), "binary", labels, 2) == Loss("binary")
    asked = settings(class_weights="balanced", label_smoothing=0.1, focal_gamma=2)
    assert build_loss(asked, "binary", labels, 2) == Loss("binary", (4 / 6, 2.0), 0.1, 2.0)


def test_class_weights_of_several_labels_are_refused():
    with pytest.raises(UserError, match="one class an image"):
        build_loss(settings(class_weights="balanced"), "multilabel", np.array([[0, 1], [1, 0]]), 2)


@pytest.mark.parametrize(
    ("task", "logits", "expected"),
    [
        ("binary", [[LOG3], [0.0]], [0.75, 0.5]),
        ("binary", [[0.0, LOG3], [LOG3, 0.0]], [0.75, 0.25]),
        ("multiclass", [[1.0, 0.0, 0.0]], [[P, Q, Q]]),
        ("multilabel", [[LOG3, -LOG3]], [[0.75, 0.25]]),
    ],
)
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_scores(task, logits, expected, dtype):
    found = scores_of(task, torch.tensor(logits, dtype=dtype))
    assert found.dtype == torch.float32
    assert found.shape == torch.tensor(expected).shape
    assert found.numpy() == pytest.approx(np.array(expected), abs=1e-6 if dtype == torch.float32 else 4e-3)


@pytest.mark.parametrize(
    ("task", "logits", "labels", "expected"),
    [
        ("binary", [[2.0], [-1.0], [0.5], [-0.5]], [1, 0, 0, 1], 2),
        ("binary", [[0.0], [0.0]], [1, 0], 1),  # a score of 0.5 is called positive, as the metrics do
        ("binary", [[0.0, 1.0], [1.0, 0.0]], [1, 1], 1),
        ("multiclass", [[1.0, 3.0, 2.0], [0.0, 0.0, 1.0]], [1, 0], 1),
        ("multiclass", [[1.0, 3.0, 2.0]], [[0.4, 0.6, 0.0]], 1),  # mixed
        ("multilabel", [[1.0, -1.0, 2.0, -2.0], [0.0, 1.0, 1.0, 1.0]], [[1, 0, 1, 1], [1, 1, 1, 1]], 1.75),
    ],
)
def test_right_answers_are_counted(task, logits, labels, expected):
    found = count_correct(task, torch.tensor(logits), torch.tensor(labels))
    assert found.shape == ()
    assert float(found) == expected
