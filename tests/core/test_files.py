"""Records survive a crash: files are whole or absent, and rows are whole or gone."""

import csv
import json
import os

import numpy as np
import pytest

from clrx.core.errors import RunError
from clrx.core.files import CsvLog, read_json, read_rows, read_table, write_bytes, write_json, write_text


def test_a_file_is_replaced_whole(tmp_path):
    path = tmp_path / "new" / "folder" / "a.txt"
    write_text(path, "one")
    write_text(path, "zwei ü")
    assert path.read_bytes() == "zwei ü".encode()
    assert [file.name for file in path.parent.iterdir()] == ["a.txt"]


@pytest.mark.parametrize("failing", ["fsync", "replace"])
def test_a_write_that_fails_leaves_the_old_file_and_nothing_beside(tmp_path, monkeypatch, failing):
    path = tmp_path / "a.json"
    write_json(path, {"a": 1})

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os if failing == "fsync" else type(path), failing, full)
    with pytest.raises(OSError, match="No space left"):
        write_bytes(path, b"other")
    assert json.loads(path.read_text()) == {"a": 1}
    assert [file.name for file in tmp_path.iterdir()] == ["a.json"]


@pytest.mark.parametrize("value", [float("nan"), float("inf"), [1, -float("inf")]])
def test_json_that_no_other_program_reads_is_refused(tmp_path, value):
    write_json(tmp_path / "a.json", {"a": 1})
    with pytest.raises(ValueError, match="JSON compliant"):
        write_json(tmp_path / "a.json", {"a": value})
    assert read_json(tmp_path / "a.json") == {"a": 1}


CELLS = [
    (None, ""),
    (3, "3"),
    (0.1, "0.1"),
    (1 / 3, "0.3333333333333333"),
    (1e-7, "1e-07"),
    (np.float64(0.5), "0.5"),
    (np.float32(0.5), "0.5"),
    (float("nan"), "nan"),
    (True, "True"),
    ("a,b", "a,b"),
    ('say "x"', 'say "x"'),
    ('"', '"'),
    ('a,"b",c', 'a,"b",c'),
    ("a\rb", "a\rb"),
    ("next\x85line sep\x0b", "next\x85line sep\x0b"),
    (" spaces ", " spaces "),
    ("ü", "ü"),
]


@pytest.mark.parametrize(("value", "expected"), CELLS)
def test_a_cell_is_read_back_by_us_and_by_csv(tmp_path, value, expected):
    log = CsvLog(tmp_path / "a.csv", ("x", "y", "z"))
    log.append([{"x": 1, "y": value, "z": 2}])
    log.close()
    assert read_rows(tmp_path / "a.csv") == [{"x": "1", "y": expected, "z": "2"}]
    with (tmp_path / "a.csv").open(newline="", encoding="utf-8") as file:
        assert list(csv.reader(file)) == [["x", "y", "z"], ["1", expected, "2"]]


def test_a_line_break_in_a_cell_is_refused(tmp_path):
    log = CsvLog(tmp_path / "a.csv", ("x",))
    with pytest.raises(ValueError, match="line break"):
        log.append([{"x": "a\nb"}])
    log.close()
    assert read_rows(tmp_path / "a.csv") == []


def rows_of(path, content: bytes, keep: int, new: list[dict]):
    path.write_bytes(content)
    log = CsvLog(path, ("a", "b"), keep)
    log.append(new)
    log.sync()
    log.close()
    return path.read_bytes()


@pytest.mark.parametrize(
    ("before", "keep", "after"),
    [
        (b"", 0, b"a,b\n9,9\n"),
        (b"a,b\n1,2\n3,4\n", 0, b"a,b\n9,9\n"),
        (b"a,b\n1,2\n3,4\n", 1, b"a,b\n1,2\n9,9\n"),
        (b"a,b\n1,2\n3,4\n", 2, b"a,b\n1,2\n3,4\n9,9\n"),
        (b"a,b\n1,2\n3", 1, b"a,b\n1,2\n9,9\n"),
        (b'a,b\n1,"x,""y"""\n3,4', 1, b'a,b\n1,"x,""y"""\n9,9\n'),
        (b"a,b\n1,\n\xc3", 1, b"a,b\n1,\n9,9\n"),  # torn within a character of two bytes
        (b"b,a\n2,1\n", 1, b"a,b\n1,2\n9,9\n"),
    ],
)
def test_a_log_goes_on_after_its_first_rows(tmp_path, before, keep, after):
    assert rows_of(tmp_path / "a.csv", before, keep, [{"a": 9, "b": 9}]) == after


@pytest.mark.parametrize(("content", "keep"), [(None, 1), (b"a,b\n1,2\n3,4", 2), (b"", 1)])
def test_rows_that_the_checkpoint_counts_must_be_there(tmp_path, content, keep):
    path = tmp_path / "a.csv"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(RunError, match=f"checkpoint counts {keep}"):
        CsvLog(path, ("a", "b"), keep)
    assert (path.read_bytes() if path.exists() else None) == content


def test_a_row_must_have_every_column(tmp_path):
    log = CsvLog(tmp_path / "a.csv", ("a", "b"))
    with pytest.raises(KeyError):
        log.append([{"a": 1}])
    log.append([{"a": 1, "b": None, "more": 2}])
    log.close()
    assert (tmp_path / "a.csv").read_text() == "a,b\n1,\n"


def test_a_table_leaves_out_a_line_cut_off_by_a_crash(tmp_path):
    (tmp_path / "steps.csv").write_text("step,epoch,lr,momentum,loss\n0,0.0,0.1,,0.7\n1,0.5,0.0")
    table = read_table(tmp_path / "steps.csv")
    assert table["lr"].tolist() == [0.1]
    assert table["momentum"].isna().all()
    assert read_table(tmp_path / "none.csv").empty
