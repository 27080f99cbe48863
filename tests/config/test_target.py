"""What a `_target_` may name: packaged modules and modules in the folder of --config-dir; all else is refused."""

import sys

import pytest

from clrx.config import target as targets
from clrx.config.target import Target, allow_folder, build, locate
from clrx.core.errors import UserError


@pytest.fixture
def mine(tmp_path, monkeypatch):
    """A folder of the user's own, given with --config-dir; what is imported from it is forgotten afterwards."""
    monkeypatch.setattr(targets, "_own_folders", [])
    monkeypatch.setattr(sys, "path", list(sys.path))
    before = set(sys.modules)
    folder = tmp_path / "mine ü"
    folder.mkdir()
    allow_folder(folder)
    yield folder
    for name in set(sys.modules) - before:
        del sys.modules[name]


def refusal(path: str) -> str:
    with pytest.raises(UserError) as caught:
        locate(Target(path, where="policy"))
    return str(caught.value)


def test_a_module_of_ones_own_is_built(mine):
    (mine / "own_policy.py").write_text("def make(lr):\n    return lr * 2\n")
    assert build(Target("own_policy.make", {"lr": 3})) == 6


def test_a_package_of_ones_own_is_found(mine):
    (mine / "own_package" / "inner").mkdir(parents=True)
    (mine / "own_package" / "inner" / "policy.py").write_text("from own_package.helper import make\n")
    (mine / "own_package" / "helper.py").write_text("def make():\n    return 1\n")
    assert build(Target("own_package.inner.policy.make")) == 1


@pytest.mark.parametrize("name", ["json", "hydra", "clrx"])
def test_a_module_of_ones_own_hides_no_other(mine, name):
    (mine / f"{name}.py").write_text("raise AssertionError\n")
    assert sys.path[-1] == str(mine)
    said = refusal(f"{name}.x")
    assert "is hidden by another module of that name" in said or f"{name} has no x" in said


@pytest.mark.parametrize("path", ["os.system", "subprocess.run", "builtins.eval", "pathlib.Path"])
def test_a_configuration_from_elsewhere_names_no_other_code(mine, path):
    assert "is not allowed as a _target_" in refusal(path)


BROKEN = [  # source, exception, line
    (
        "x = 1\nimport nothing_of_that_name\n",
        "ModuleNotFoundError: No module named 'nothing_of_that_name'",
        2,
    ),
    ("x = 1\n\ny = undefined\n", "NameError: name 'undefined' is not defined", 3),
    ("def f(:\n    pass\n", "SyntaxError: invalid syntax", 1),
    ("def f():\n    return {}['key']\n\nf()\n", "KeyError: 'key'", 2),
]


@pytest.mark.parametrize(("source", "exception", "line"), BROKEN)
def test_a_module_that_cannot_be_imported_is_named_with_its_line(mine, source, exception, line):
    (mine / "broken.py").write_text(source)
    said = refusal("broken.Sawtooth")
    assert said.startswith(f"broken.Sawtooth cannot be imported: {exception}")
    assert f"where:   {mine / 'broken.py'}, line {line}" in said
    assert "policy._target_" in said


def test_a_module_that_is_not_there(mine):
    (mine / "sawtooth.py").write_text("")
    said = refusal("sawtoth.Sawtooth")
    assert "there is no module 'sawtoth'" in said
    assert str(mine) in said
    assert "did you mean sawtooth?" in said


def test_a_name_that_the_module_lacks(mine):
    (mine / "teeth.py").write_text("class Sawtooth: ...\n")
    said = refusal("teeth.Sawtoth")
    assert "teeth has no Sawtoth" in said
    assert "did you mean Sawtooth?" in said


def test_without_a_folder_the_flag_is_named(monkeypatch):
    monkeypatch.setattr(targets, "_own_folders", [])
    assert "--config-dir DIR" in refusal("teeth_of_nobody.Sawtooth")
