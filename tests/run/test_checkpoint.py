"""Whatever happens to a checkpoint file, what is loaded is whole, and the newest that is; when one is written."""

import hashlib
import json
import os
import subprocess
import sys

import pytest
import safetensors.torch
import torch
from nodes import composed

from clrx.config.load import load
from clrx.core.errors import RunError, UserError
from clrx.run import checkpoint
from clrx.run.checkpoint import (
    Interval,
    clone_state,
    interval_of,
    load_checkpoint,
    save_checkpoint,
    under_prefix,
    with_prefix,
)

COUNT = torch.arange(12.0)
TENSORS = {
    "float": torch.tensor([1 / 3, -0.0, float("inf"), 1e-45]),
    "bf16": torch.tensor([1.5, 3e38], dtype=torch.bfloat16),
    "scalar": torch.tensor(3),
    "step": torch.tensor(7.0),
    "empty": torch.empty(0, 3),
    "flag": torch.tensor([True, False]),
    "bytes": torch.tensor([0, 255], dtype=torch.uint8),
    "transposed": COUNT.reshape(3, 4).t(),
    "channels_last": torch.rand(2, 3, 4, 5).to(memory_format=torch.channels_last),
    "expanded": torch.ones(1).expand(4),
    "whole": COUNT,
    "tied": COUNT,
    "view": COUNT[3:7],
    "trained": torch.nn.Parameter(torch.ones(2)),
}
STATE = {"step": 3, "rate": 0.1 + 0.2, "phases": [{"name": "ü", "epochs": None}], "sum": float("nan")}


def same(found: dict, expected: dict) -> bool:
    return found.keys() == expected.keys() and all(
        found[name].dtype == tensor.dtype and torch.equal(found[name], tensor)
        for name, tensor in expected.items()
    )


def test_tensors_and_state_come_back_bit_by_bit(tmp_path):
    save_checkpoint(tmp_path / "new", TENSORS, STATE)
    tensors, state = load_checkpoint(tmp_path / "new")
    assert same(tensors, TENSORS)
    assert tensors["float"].view(torch.int32).tolist() == TENSORS["float"].view(torch.int32).tolist()
    assert str(state) == str(STATE)


def test_a_checkpoint_of_0_1_had_another_name_for_the_state(tmp_path):
    body = safetensors.torch.save({"a": COUNT}, {"place": json.dumps({"step": 3})})
    (tmp_path / "latest.ckpt").write_bytes(checkpoint.MAGIC + hashlib.sha256(body).digest() + body)
    tensors, state = load_checkpoint(tmp_path)
    assert same(tensors, {"a": COUNT})
    assert state == {"step": 3}


def test_loaded_tensors_are_their_own(tmp_path):
    save_checkpoint(tmp_path, TENSORS, {})
    tensors, _ = load_checkpoint(tmp_path)
    tensors["whole"].fill_(0)
    assert tensors["tied"].sum() == 66
    assert COUNT.sum() == 66


def test_no_checkpoint_is_none_and_no_tensors_are_some(tmp_path):
    assert load_checkpoint(tmp_path) is None
    assert load_checkpoint(tmp_path / "absent") is None
    save_checkpoint(tmp_path, {}, {"step": 0})
    assert load_checkpoint(tmp_path) == ({}, {"step": 0})


def save_numbered(directory, *numbers):
    for number in numbers:
        save_checkpoint(directory, {"a": torch.full((100,), float(number))}, {"number": number})


def number_of(directory) -> int:
    tensors, state = load_checkpoint(directory)
    assert set(tensors["a"].tolist()) == {float(state["number"])}
    return state["number"]


def test_the_latest_and_the_one_before_are_kept(tmp_path):
    save_numbered(tmp_path, 1, 2, 3)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["latest.ckpt", "previous.ckpt"]
    assert number_of(tmp_path) == 3
    (tmp_path / "latest.ckpt").unlink()
    assert number_of(tmp_path) == 2


def test_what_is_held_at_the_path_is_not_saved_over_by_a_kept_tensor(tmp_path):
    weights = torch.zeros(3)
    save_checkpoint(tmp_path, {"a": weights}, {})
    weights.fill_(1)
    assert load_checkpoint(tmp_path)[0]["a"].tolist() == [0, 0, 0]


def flip(content: bytes, at: int) -> bytes:
    return content[:at] + bytes([content[at] ^ 1]) + content[at + 1 :]


DAMAGE = {
    "cut": lambda content: content[:-1],
    "empty": lambda content: b"",
    "magic": lambda content: flip(content, 0),
    "checksum": lambda content: flip(content, len(checkpoint.MAGIC)),
    "header": lambda content: flip(content, len(checkpoint.MAGIC) + 40),
    "last bit": lambda content: flip(content, len(content) - 1),
    "longer": lambda content: content + b"\0",
    "magic alone": lambda content: checkpoint.MAGIC,
    "zeros": lambda content: bytes(len(content)),
}


@pytest.mark.parametrize("how", DAMAGE)
def test_a_torn_latest_is_passed_over(tmp_path, how, caplog):
    save_numbered(tmp_path, 1, 2)
    latest = tmp_path / "latest.ckpt"
    latest.write_bytes(DAMAGE[how](latest.read_bytes()))
    assert number_of(tmp_path) == 1


@pytest.mark.parametrize("names", [["latest.ckpt"], ["previous.ckpt"], ["latest.ckpt", "previous.ckpt"]])
def test_nothing_whole_left_is_an_error_that_names_the_files(tmp_path, names):
    for name in names:
        (tmp_path / name).write_bytes(b"torn")
    with pytest.raises(RunError, match="no whole checkpoint is left") as caught:
        load_checkpoint(tmp_path)
    assert all(name in caught.value.what for name in names)
    assert caught.value.where == str(tmp_path)


def test_a_checkpoint_after_a_torn_one_never_leaves_none(tmp_path, monkeypatch):
    """The torn file becomes `previous` only once its successor is whole on the disk."""
    save_numbered(tmp_path, 1, 2)
    (tmp_path / "latest.ckpt").write_bytes(b"torn")

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        save_numbered(tmp_path, 3)
    assert number_of(tmp_path) == 1


@pytest.mark.parametrize("before", [1, 2, 3])
def test_killed_between_any_two_renames_a_whole_one_is_loaded(tmp_path, monkeypatch, before):
    """The three renames of a save: the new file into place, latest to previous, new to latest."""
    save_numbered(tmp_path, 1, 2)
    renames, replace = [], type(tmp_path).replace

    class Killed(BaseException):
        pass

    def dying(self, target):
        renames.append(target)
        if len(renames) == before:
            raise Killed
        return replace(self, target)

    monkeypatch.setattr(type(tmp_path), "replace", dying)
    with pytest.raises(Killed):
        save_numbered(tmp_path, 3)
    monkeypatch.undo()
    assert number_of(tmp_path) == 2
    save_numbered(tmp_path, 4)
    assert number_of(tmp_path) == 4
    assert sorted(path.name for path in tmp_path.iterdir()) == ["latest.ckpt", "previous.ckpt"]


ENDLESS = """
import sys, torch
from pathlib import Path
from clrx.run.checkpoint import save_checkpoint
torch.set_num_threads(1)
for number in range(1, 100000):
    save_checkpoint(Path(sys.argv[1]), {"a": torch.full((200_000,), float(number))}, {"number": number})
    print(number, flush=True)
"""


@pytest.mark.slow
@pytest.mark.parametrize("wait", [1, 4, 9])
def test_killed_by_the_system_at_any_moment_the_last_one_said_is_there(tmp_path, wait):
    with subprocess.Popen(
        [sys.executable, "-c", ENDLESS, tmp_path], stdout=subprocess.PIPE, text=True
    ) as work:
        for _ in range(wait):
            work.stdout.readline()
        work.kill()
        said = [int(line) for line in work.stdout.read().split()] or [wait]
    assert said[-1] <= number_of(tmp_path) <= said[-1] + 1


def test_prefixes_are_whole_names():
    tensors = {"a": torch.zeros(1), "b.c": torch.ones(1)}
    both = with_prefix("net", tensors) | with_prefix("network", {"a": torch.full((1,), 5.0)})
    assert sorted(both) == ["net.a", "net.b.c", "network.a"]
    assert same(under_prefix("net", both), tensors)
    assert under_prefix("ne", both) == {}


def test_a_cloned_state_stays():
    net = torch.nn.BatchNorm1d(1)
    kept = clone_state(net)
    net.weight.data.fill_(5)
    net.running_mean.fill_(5)
    assert kept["weight"].tolist() == [1]
    assert kept["running_mean"].tolist() == [0]
    assert not kept["weight"].requires_grad


def parsed(text, steps_per_epoch):
    raw = composed()
    raw.checkpoint.every = text
    return interval_of(load(raw).checkpoint.every, steps_per_epoch)


@pytest.mark.parametrize(
    ("text", "steps", "seconds"),
    [
        ("1 step", 1, None),
        ("20 steps", 20, None),
        ("20steps", 20, None),
        ("1 epoch", 8, None),
        (" 2 epochs ", 16, None),
        ("0.5 epochs", 4, None),
        (".5 epoch", 4, None),
        ("0.01 epochs", 1, None),  # never less than a step
        ("1 minute", None, 60.0),
        ("0.5 minutes", None, 30.0),
    ],
)
def test_what_an_interval_may_be(text, steps, seconds):
    found = parsed(text, steps_per_epoch=8)
    assert (found.steps, found.seconds) == (steps, seconds)


@pytest.mark.parametrize(
    "text",
    ["", "5", "steps", "0 steps", "0.0 minutes", "-1 steps", "1 hour", "1e3 steps", "1 minute 3", None],
)
def test_what_it_may_not(text):
    with pytest.raises(UserError, match=r"checkpoint\.every=") as caught:
        parsed(text, 8)
    assert caught.value.allowed == "'N steps' (N whole), 'N epochs' or 'N minutes' with N > 0"


@pytest.mark.parametrize("text", ["0.5 steps", "1.5 steps", f"{'9' * 400} minutes", f"{'9' * 400} steps"])
def test_numbers_that_no_run_can_keep(text):
    with pytest.raises(UserError, match=r"checkpoint\.every="):
        parsed(text, 8)


def test_due_every_so_many_steps_wherever_a_run_starts():
    found = parsed("3 steps", 8)
    assert [step for step in range(1, 10) if found.due(step)] == [3, 6, 9]


def test_due_when_the_minutes_have_passed(monkeypatch):
    clock = [100.0]
    monkeypatch.setattr(checkpoint.time, "monotonic", lambda: clock[0])
    found = Interval(None, 60.0, began=100.0)
    clock[0] = 159.9
    assert not found.due(1)
    clock[0] = 160.0
    assert found.due(1)
    assert found.due(2)
    found.restart()
    assert not found.due(3)
