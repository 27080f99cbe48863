"""Whatever stands in a configuration or a table: it is accepted, or refused with one message and exit code 2.

Never a traceback, a hang or a run directory. 1,200 cases in the slow suite and some in the fast one: 500
configurations from their composition to the place where data would be opened, 100 whole command lines, 600 tables.
"""

import contextlib
import io
import re
from functools import cache
from pathlib import Path

import pytest
import torch
from hydra import compose, initialize_config_dir
from hydra._internal.config_loader_impl import ConfigLoaderImpl
from hydra.core.global_hydra import GlobalHydra
from hydra.core.override_parser.overrides_parser import OverridesParser
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from omegaconf import DictConfig, ListConfig, open_dict

import clrx.task.find_lr
import clrx.task.train
from clrx.cli.failure import exit_code_of
from clrx.cli.main import run
from clrx.config.compose import register_resolvers
from clrx.core.errors import ClrxError
from clrx.core.paths import conf_dir
from clrx.data.open import load_source, split_of

TASKS = {"train": clrx.task.train, "find_lr": clrx.task.find_lr}
SMALL = ["model=cnn4", "dataset.size=16"]
BASES = [
    SMALL,
    ["model=cnn4", "dataset=npz", "policy=sgdr", "momentum_policy=one_cycle", "optimizer=keras_rmsprop"],
    ["model=cnn4", "dataset=csv", "dataset.size=16", "plan=dlr_cla", "augment=chopade2021"],
    ["model=cnn4", "dataset=microcalcification", "plan=early_stop_restart", "policy=one_cycle"],
    [*SMALL, "dataset=chestxray14", "plan=decay_then_clr", "policy=modified_triangular2", "bounds=auto"],
    [*SMALL, "policy=cosine", "optimizer=adam", "augment=mishra2019", "head=chopade2021"],
    ["model=resnet9", "model.width=4", "dataset.size=16", "policy=exp_range", "optimizer=keras_sgd"],
]
PLAIN = [
    "0",
    "-1",
    "1",
    "2",
    "3",
    "0.5",
    "1.5",
    "nan",
    "inf",
    "-inf",
    "1e308",
    "1e-320",
    "1e400",
    "-0.0",
    "null",
]
HUGE = ["99999999999999999999999", "-99999999999999999999999", "0x10", "1_000", "01"]
WORDS = [
    "true",
    "auto",
    "none",
    "all",
    "head",
    "best",
    "last",
    "cpu",
    "computed",
    "a",
    "é",
    "日本",
    "/",
    "../x",
    "~",
]
QUOTED = [
    "''",
    "' '",
    "'1'",
    "'1e-3'",
    '"a b"',
    "'a\nb'",
    "'\\''",
    "'\ud800'",
    "'???'",
    "'5 steps'",
    "'0 steps'",
]
NESTED = [
    "[]",
    "{}",
    "[1]",
    "[[1,[2]],[]]",
    "{a:{b:[null]}}",
    "[nan]",
    "[head]",
    "{_target_:os.getcwd}",
    "{a:1}",
]
NAMED = [
    "${lr}",
    "${seed}",
    "${nope}",
    "${oc.env:NOPE_X}",
    "'${'",
    "${policy}",
    "${plan}",
    "${bounds}",
    "${now:%Y}",
]
BROKEN = ["???", "[1", "{a", "1 2", "==", "%", "\x00", "'", "a,b", "1,2"]
VALUES = st.one_of(
    st.sampled_from([*PLAIN, *HUGE, *WORDS, *QUOTED, *NESTED, *NAMED, *BROKEN]),
    st.floats().map(repr),
    st.text(max_size=8),
)


class Reached(ClrxError):
    """The configuration was accepted: data would be opened now."""

    exit_code = 0


def reached(*_):
    raise Reached("reached")


@pytest.fixture(autouse=True)
def quiet(tmp_path, monkeypatch):
    """Nothing is opened, in a folder of its own; what a case does to the process is undone."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HYDRA_FULL_ERROR", "0")
    monkeypatch.delenv("CLRX_DEBUG", raising=False)
    monkeypatch.setattr(clrx.task.train, "open_inputs", reached)
    monkeypatch.setattr(clrx.task.find_lr, "open_inputs", reached)
    monkeypatch.setattr(torch, "use_deterministic_algorithms", lambda mode: None)  # it imports a compiler
    threads = torch.get_num_threads()
    yield
    torch.set_num_threads(threads)
    GlobalHydra.instance().clear()


@cache
def composed(task: str, base: int) -> tuple[DictConfig, list[str]]:
    """The configuration of a task, and its keys."""
    register_resolvers()
    GlobalHydra.instance().clear()
    with initialize_config_dir(str(conf_dir()), version_base="1.3"):
        cfg = compose(task, BASES[base])
    return cfg, sorted(keys_of(cfg))


def keys_of(node, prefix: str = ""):
    """Dotted keys, those within lists too, without resolving anything."""
    names = range(len(node)) if isinstance(node, ListConfig) else list(node)
    for name in names:
        yield f"{prefix}{name}"
        child = node._get_node(name)
        if isinstance(child, DictConfig | ListConfig) and not (child._is_none() or child._is_interpolation()):
            yield from keys_of(child, f"{prefix}{name}.")


def accepted(task: str, base: int, words: list[str]) -> int:
    """What the command does from the parsed words to where it would open the data."""
    cfg = composed(task, base)[0].copy()
    overrides = OverridesParser.create().parse_overrides(words)
    if any(override.is_sweep_override() for override in overrides):
        return 0
    ConfigLoaderImpl._apply_overrides_to_config(overrides, cfg)
    with open_dict(cfg):
        cfg.run = {"dir": "run", "choices": {"policy": "p"}, "command": "clrx", "overrides": []}
    return TASKS[task].task(cfg)


def settle(command, path: Path) -> None:
    """The command ends with 0, or with 2 and one message, and leaves nothing behind."""
    err, before = io.StringIO(), sorted(path.rglob("*"))
    with contextlib.redirect_stderr(err), contextlib.redirect_stdout(io.StringIO()):
        code = exit_code_of(command)
    said = err.getvalue()
    assert code in (0, 2), said
    assert code == 0 or re.findall(r"(?m)^error: ", said) == ["error: "], said
    assert "Traceback" not in said
    assert sorted(path.rglob("*")) == before


def fuzzed(cases: int):
    """So many cases; pytest's limit ends a hang."""
    quiet = [HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
    return settings(max_examples=cases, suppress_health_check=quiet)


def overrides(keys: list[str]):
    """Words of a command line: one to three keys, with a value; now and then added, forced or deleted."""
    word = st.builds(
        "{}{}={}".format, st.sampled_from(["", "", "", "", "", "+", "++", "~"]), st.sampled_from(keys), VALUES
    )
    return st.lists(word, min_size=1, max_size=3)


def configurations(cases: int):
    def decorate(test):
        return fuzzed(cases)(given(data=st.data())(test))

    return decorate


def check_configuration(data, path: Path) -> None:
    task, base = data.draw(st.sampled_from(sorted(TASKS))), data.draw(st.integers(0, len(BASES) - 1))
    words = data.draw(overrides(composed(task, base)[1]))
    settle(lambda: accepted(task, base, words), path)


@configurations(15)
def test_a_configuration_is_accepted_or_refused(tmp_path, data):
    check_configuration(data, tmp_path)


@pytest.mark.slow
@pytest.mark.timeout(1500)
@configurations(500)
def test_500_configurations_are_accepted_or_refused(tmp_path, data):
    check_configuration(data, tmp_path)


@pytest.mark.slow
@pytest.mark.timeout(1500)
@fuzzed(100)
@given(data=st.data())
def test_100_command_lines_are_accepted_or_refused(tmp_path, data):
    """From the words to Hydra, through its own grammar and composition."""
    command = data.draw(st.sampled_from(["train", "train", "find-lr", "trian", "resume", "verify"]))
    words = data.draw(overrides(composed("train", 0)[1]))
    group = data.draw(
        st.sampled_from(["policy=sgdr", "plan=nope", "optimizer=null", "model=1", "disease=[a]", "x"])
    )
    settle(lambda: run([command, *SMALL, *words, *data.draw(st.sampled_from([[], [group]]))]), tmp_path)


CELLS = st.one_of(
    st.sampled_from(
        ["x.png", "y.png", "00000001_000.png", "a", "b", "nv", "Hernia", "No Finding", "Hernia|Mass"]
    ),
    st.sampled_from(
        [
            "",
            " ",
            '"',
            "\x00",
            "é",
            ",",
            "\n",
            "NaN",
            "train",
            "val",
            "test",
            "1",
            "-1",
            "058Y",
            "x" * 200_000,
        ]
    ),
    st.text(max_size=6),
)


@st.composite
def tables(draw, columns: list[str]) -> bytes:
    """A table that has the columns or nearly, well quoted or not, in some encoding; or any bytes at all."""
    if draw(st.integers(0, 9)) == 0:
        return draw(st.binary(max_size=60))
    header = draw(
        st.one_of(st.just(columns), st.lists(st.sampled_from([*columns, "", "path ", "é"]), max_size=6))
    )
    rows = draw(st.lists(st.lists(CELLS, min_size=len(header), max_size=len(header) + 1), max_size=8))
    quote = draw(st.booleans())
    text = "".join(
        ",".join(f'"{cell.replace(chr(34), chr(34) * 2)}"' if quote else cell for cell in row)
        + draw(st.sampled_from(["\n", "\n", "\n", "\r\n", "\r"]))
        for row in [header, *rows]
    )
    return text.encode(
        draw(st.sampled_from(["utf-8", "utf-8", "utf-8", "utf-8-sig", "utf-16", "latin-1"])), "replace"
    )


PATIENTS = ["Image Index", "Finding Labels", "Patient ID", "Patient Age", "Follow-up #"]
KINDS = {  # dataset: its table, the words, the columns
    "csv": ("table.csv", ["dataset.root=table.csv", "dataset.group=group"], ["path", "label", "group"]),
    "chestxray14": ("Data_Entry_2017.csv", ["dataset.root=.", "disease=hernia"], PATIENTS),
    "dermatology": ("HAM10000_metadata.csv", ["dataset.root=."], ["lesion_id", "image_id", "dx"]),
}


@cache
def dataset_node(kind: str) -> DictConfig:
    register_resolvers()
    with initialize_config_dir(str(conf_dir()), version_base="1.3"):
        return compose("train", [f"dataset={kind}", "dataset.missing=drop", *KINDS[kind][1]])


def check_table(data, kind: str, path: Path) -> None:
    name, _, columns = KINDS[kind]
    for image in ("x.png", "y.png", "00000001_000.png", "a.jpg"):
        (path / image).touch()
    (path / name).write_bytes(data.draw(tables(columns)))
    cfg = dataset_node(kind)
    settle(lambda: bool(split_of(cfg, load_source(cfg.dataset)).notes) and 0, path)


@pytest.mark.parametrize("kind", KINDS)
@fuzzed(20)
@given(data=st.data())
def test_a_table_is_read_or_refused(tmp_path, kind, data):
    check_table(data, kind, tmp_path)


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("kind", KINDS)
@fuzzed(200)
@given(data=st.data())
def test_200_tables_are_read_or_refused(tmp_path, kind, data):
    check_table(data, kind, tmp_path)
