"""What is checked before a run beyond the limits of single keys: the machine, parts that are built, the data."""

import logging
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import torch
from nodes import configured
from plans import composed, phases_of

from clrx.core.errors import UserError
from clrx.data.source import Source
from clrx.network.network import build_network
from clrx.training.preflight import (
    check_batch,
    check_config,
    check_data,
    describe_data,
    description,
    warn_about_policies,
)


@pytest.fixture
def process():
    """The number of threads belongs to the process: give it back."""
    threads = torch.get_num_threads()
    yield
    torch.set_num_threads(threads)


def test_the_defaults_are_accepted(process):
    check_config(configured())
    assert not torch.are_deterministic_algorithms_enabled()


@pytest.mark.parametrize(
    ("word", "what"),
    [
        ("device=cuda:99", "device=cuda:99, but this machine has"),
        ("augment.zoom=[2]", "augment"),
        ("optimizer.momentum=-1", "optimizer"),
        ("model.mean=[0.5]", "model.mean and model.std go together"),
    ],
)
def test_what_cannot_be_built_here_is_refused(process, word, what):
    with pytest.raises(UserError, match=what.replace("[", r"\[")):
        check_config(configured(word))


def test_threads_and_determinism_are_set(process, monkeypatch):
    asked, mode = [], "are_deterministic_algorithms_enabled"
    monkeypatch.setattr(
        torch, "use_deterministic_algorithms", asked.append
    )  # the real one imports a compiler
    check_config(configured("threads=1", "deterministic=true"))
    assert torch.get_num_threads() == 1
    monkeypatch.setattr(torch, mode, lambda: True)
    check_config(configured())
    assert asked == [True, False]


def test_a_continued_run_keeps_its_threads(process):
    check_config(configured(), threads=3)
    assert torch.get_num_threads() == 3
    check_config(configured("threads=2"), threads=3)
    assert torch.get_num_threads() == 2


def test_batches_of_one_image_are_refused_where_normalisation_cannot_take_them():
    shape = {"channels": 1, "size": 16, "outputs": 2, "seed": 0}
    cfg = configured("batch_size=1", "dataset.size=16", "model=cnn4")
    network = build_network(cfg.model, cfg.head, **shape)
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    check_batch(cfg, network, 16)  # it has no batch normalisation
    resnet = configured(
        "batch_size=1", "dataset.size=16", "model=resnet9", "model.width=8", "head=chopade2021"
    )
    with pytest.raises(UserError, match="batch_size=1 is too small") as caught:
        check_batch(resnet, build_network(resnet.model, resnet.head, **shape), 16)
    assert "accumulate" in caught.value.fix
    check_batch(configured("batch_size=2"), network, 16)
    assert all(torch.equal(before[name], tensor) for name, tensor in network.state_dict().items())


def data(images, labels=(0, 1, 1), groups=("a", "b", "c"), task="binary", classes=("cat", "dog")):
    split = SimpleNamespace(
        validation=np.arange(2), test=np.arange(3), hash="0" * 64, notes=("patients leak",)
    )
    table, labels = pd.DataFrame({"group": groups}), np.array(labels)
    source = Source("phantom", task, classes, table, labels, notes=("two images are missing",))
    cache = SimpleNamespace(array=np.zeros((len(labels), 1, 64, 48), np.uint8))
    return SimpleNamespace(train=np.arange(images), split=split, source=source, cache=cache)


def test_the_data_are_told_in_one_line():
    assert description(data(3)) == (
        "binary: cat 1, dog 2; positive: dog; 48 x 64 grey; groups: none known, each image counts for itself"
    )
    found = np.array([[1, 0, 1], [0, 0, 1]], np.uint8)
    several = data(2, found, ("p", "p"), "multilabel", ("Edema", "Mass", "Hernia"))
    assert description(several) == "multilabel: Edema 1, Mass 0, Hernia 2; 48 x 64 grey; 1 groups"


def test_a_batch_larger_than_the_training_set_is_refused(caplog):
    with pytest.raises(UserError, match="batch_size=9 is larger than the training set of 8 images") as caught:
        check_data(configured("batch_size=9"), data(8))
    assert caught.value.allowed == "1 to 8"


def test_what_the_data_has_to_say_is_logged(caplog, monkeypatch):
    monkeypatch.setattr(logging.getLogger("clrx"), "propagate", True)
    with caplog.at_level(logging.INFO, logger="clrx"):
        describe_data(data(8))
    assert caplog.messages[:2] == ["two images are missing", "patients leak"]
    assert "8 images for training, 2 for validation, 3 for test (split 000000000000)" in caplog.messages[3]


@pytest.mark.parametrize(("epochs", "warned"), [(4, False), (5, True), (8, False)])
def test_an_unfinished_cycle_is_said(caplog, monkeypatch, epochs, warned):
    monkeypatch.setattr(logging.getLogger("clrx"), "propagate", True)
    phases = phases_of(composed(f"epochs={epochs}", "bounds.step_size=2"))
    with caplog.at_level(logging.WARNING, logger="clrx"):
        warn_about_policies(phases, steps_per_epoch=50)
    assert (len(caplog.messages) > 0) is warned
    assert all("unfinished" in message and message.startswith("main: ") for message in caplog.messages)
