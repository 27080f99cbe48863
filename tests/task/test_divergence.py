"""A loss or a gradient that is not finite: the run says where, at which rate, and what is still good."""

import pytest
import torch
from toy_run import record, resume, train

from clrx.cli.main import run
from clrx.run.checkpoint import load_checkpoint
from clrx.training.loss import Loss
from clrx.training.records import column

pytestmark = pytest.mark.usefixtures("threads")


def spoil(monkeypatch, call: int, what: str) -> None:
    """Make the loss, or its gradient alone, NaN in one training step: the `call`-th from 1."""
    whole, calls = Loss.__call__, [0]

    def spoilt(self, logits, labels):
        loss = whole(self, logits, labels)
        calls[0] += logits.requires_grad
        if calls[0] != call or not logits.requires_grad:
            return loss
        return loss * torch.nan if what == "loss" else loss + (0 * logits.sum()).sqrt()  # d sqrt(0) = inf * 0

    monkeypatch.setattr(Loss, "__call__", spoilt)


MESSAGES = {
    "loss": "the loss became non-finite at step 7, at a rate of 0.01",
    "gradients": "the gradients of a finite loss became non-finite at step 7, at a rate of 0.01",
}


@pytest.mark.parametrize("what", MESSAGES)
def test_a_run_that_diverges_says_where_and_what_is_good(monkeypatch, data, tmp_path, capsys, what):
    """Steps count from 0, checkpoints are written every 3: the eighth step spoils, six are safe."""
    spoil(monkeypatch, 8, what)
    assert train(data, tmp_path, "policy=constant", "lr=0.01", "epochs=2") == 1
    err = capsys.readouterr().err
    assert f"{MESSAGES[what]}; the last good checkpoint is of 6 steps" in err
    assert "on_divergence=backoff" in err
    found = record(tmp_path)
    assert (found["state"], found["error"].partition(";")[0]) == ("diverged", MESSAGES[what])
    assert found["divergences"] == [{"step": 7, "lr": 0.01, "what": what, "last_good_checkpoint": 6}]
    tensors, place = load_checkpoint(tmp_path / "checkpoint")
    assert place["steps"] == 6
    assert all(tensor.isfinite().all() for tensor in tensors.values())
    assert len(column(tmp_path / "steps.csv", "loss")) == 8  # the bad step is on record


def test_backoff_returns_to_an_epochs_end_and_the_record_says_so(monkeypatch, data, tmp_path):
    """Five steps an epoch: the eighth step goes back to the fifth, and every rate from there on is halved."""
    spoil(monkeypatch, 8, "gradients")
    words = ("policy=constant", "lr=0.01", "epochs=3", "on_divergence=backoff")
    assert train(data, tmp_path, *words) == 0
    assert column(tmp_path / "steps.csv", "lr") == [0.01] * 5 + [0.005] * 10
    found = record(tmp_path)
    assert found["state"] == "complete"
    assert any("back to epoch 1, rates times 0.5" in note for note in found["notes"])
    assert [entry["step"] for entry in found["divergences"]] == [7]
    assert found["backoffs"] == [{"step": 7, "epoch": 1, "factor": 0.5}]
    assert run(["verify", str(tmp_path)]) == 0  # of the first steps, which the backoff left as they were
    assert resume(tmp_path, "epochs=+1") == 0
    assert record(tmp_path)["backoffs"] == found["backoffs"]
    assert column(tmp_path / "steps.csv", "lr")[15:] == [0.005] * 5
    assert found["notes"] == [note for note in record(tmp_path)["notes"] if "longer" not in note]


def test_a_backoff_in_the_first_epoch_scales_the_rates_that_verify_takes(monkeypatch, data, tmp_path):
    spoil(monkeypatch, 3, "loss")
    words = ("policy=constant", "lr=0.01", "epochs=1", "on_divergence=backoff")
    assert train(data, tmp_path, *words) == 0
    assert record(tmp_path)["backoffs"] == [{"step": 2, "epoch": 0, "factor": 0.5}]
    assert column(tmp_path / "steps.csv", "lr") == [0.005] * 5
    assert run(["verify", str(tmp_path)]) == 0


def test_backoff_ends_when_it_has_been_tried_enough(monkeypatch, data, tmp_path):
    monkeypatch.setattr(Loss, "__call__", lambda self, logits, labels: logits.sum() * torch.nan)
    words = ("policy=constant", "lr=0.5", "epochs=1", "on_divergence=backoff", "max_backoffs=2")
    assert train(data, tmp_path, *words) == 1
    found = record(tmp_path)
    assert found["state"] == "diverged"
    assert [entry["lr"] for entry in found["divergences"]] == [0.5, 0.25, 0.125]
