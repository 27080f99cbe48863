"""precision=auto: a rule where nothing is to be measured, else the faster one, kept for every run like it."""

from types import SimpleNamespace

import pytest
import torch
from networks import network_of

from clrx.training import precision
from clrx.training.precision import choose_precision, computes_bf16, measured, multiplications, settled

CPU = torch.device("cpu")


def asked(batch_size: int = 64, device: str = "cpu", deterministic: bool = False) -> SimpleNamespace:
    return SimpleNamespace(
        batch_size=batch_size, device=device, channels_last=True, deterministic=deterministic
    )


@pytest.fixture
def network():
    return network_of("cnn4", channels=1, size=16)


@pytest.fixture
def native(monkeypatch, tmp_path):
    """A machine with bf16 arithmetic and an empty cache; a function sets the seconds that are measured."""
    calls = []

    def say(fp32: float, bf16: float) -> list:
        monkeypatch.setattr(precision, "measured", lambda *_: calls.append(1) or {"fp32": fp32, "bf16": bf16})
        return calls

    monkeypatch.setattr(precision, "computes_bf16", lambda device: True)
    monkeypatch.setenv("CLRX_CACHE", str(tmp_path))
    return say


def test_what_is_asked_is_chosen(network):
    for name in ("fp32", "bf16"):
        assert choose_precision(asked(), network, 16, name)["chosen"] == name


def test_multiplications_by_hand(network):
    convolutions = 256 * 9 * (1 * 32 + 32 * 32) + 64 * 9 * (32 * 32 + 32 * 32)
    assert (
        multiplications(network, 16)
        == convolutions + 512 * 256 + 256 * 256 + 256 * 1 * network.head(torch.zeros(1, 256)).numel()
    )
    assert network.training


@pytest.mark.parametrize(
    ("lines", "native"),
    [
        ("flags\t\t: fpu avx2 avx512f avx512_bf16\n", True),
        ("flags\t\t: fpu avx2 avx512f amx_tile\n", False),
        ("Features\t: fp asimd bf16\n", True),
        ("processor: 0\n", False),
    ],
)
def test_the_processor_says_whether_it_computes_bf16(monkeypatch, lines, native):
    with monkeypatch.context() as patched:  # pytest reads files of its own
        patched.setattr("pathlib.Path.read_text", lambda path, *_, **__: lines)
        found = computes_bf16(CPU)
    assert found is native


def test_nothing_is_measured_where_a_rule_decides(monkeypatch, native, network):
    calls = native(1.0, 0.1)
    assert choose_precision(asked(batch_size=4), network, 16, "auto")["chosen"] == "fp32"  # too little work
    monkeypatch.setattr(precision, "computes_bf16", lambda device: False)
    found = choose_precision(asked(), network, 16, "auto")
    assert (found["asked"], found["chosen"]) == ("auto", "fp32")
    assert "no bf16 arithmetic" in found["because"]
    assert not calls


@pytest.mark.parametrize(("bf16", "chosen"), [(0.5, "bf16"), (0.94, "bf16"), (0.97, "fp32"), (8.0, "fp32")])
def test_the_faster_one_is_chosen_by_a_clear_gain(native, network, bf16, chosen):
    native(1.0, bf16)
    found = choose_precision(asked(), network, 16, "auto")
    assert (found["chosen"], found["seconds"]) == (chosen, {"fp32": 1.0, "bf16": bf16})


def test_a_measurement_is_kept_for_runs_of_the_same_network_size_and_batch(native, network):
    calls = native(1.0, 0.5)
    first = choose_precision(asked(), network, 16, "auto")
    native(0.5, 1.0)
    assert choose_precision(asked(), network_of("cnn4", channels=1, size=16, seed=3), 16, "auto") == first
    assert len(calls) == 1
    assert choose_precision(asked(batch_size=65), network, 16, "auto")["chosen"] == "fp32"
    assert len(calls) == 2


def test_a_measurement_leaves_network_and_random_numbers_as_they_were(network):
    network.eval()
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    with torch.random.fork_rng():
        torch.manual_seed(1)
        state = torch.get_rng_state()
        found = precision._undisturbed(asked(batch_size=2), network, CPU, 16)
        assert torch.equal(torch.get_rng_state(), state)
    assert all(0 < value < float("inf") for value in found.values())
    assert measured.__doc__
    assert not network.training
    assert all(torch.equal(before[name], tensor) for name, tensor in network.state_dict().items())
    assert all(weight.grad is None for weight in network.parameters())


def test_a_continued_run_keeps_what_it_has_had():
    def never():
        raise AssertionError

    had = {"asked": "auto", "chosen": "bf16", "because": "it won"}
    assert settled("auto", {"precision": had}, {"precision": "bf16"}, never) == had
    assert settled("auto", {}, {"precision": "fp32"}, never)["chosen"] == "fp32"  # a run of 0.1
    assert settled("auto", {}, {}, lambda: had) == had
    assert settled("auto", {}, {"precision": "auto"}, lambda: had) == had  # it ended before it began
