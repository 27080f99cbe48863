"""What the documents say is so: links lead somewhere, named tests and functions exist, what is generated is fresh."""

import ast
import re
import runpy
import shlex
import sys
from importlib import import_module
from pathlib import Path

import pytest
from draw_architecture import FILE, picture
from hydra import compose, initialize_config_dir
from imports import ORDER

from clrx.cli.main import COMMANDS
from clrx.config.compose import register_resolvers
from clrx.core.paths import conf_dir

ROOT = Path(__file__).resolve().parents[1]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md"), *(ROOT / "benchmarks").glob("*.md")])


def links(text: str) -> list[str]:
    """Targets of Markdown links and pictures that are files, without their anchors."""
    found = re.findall(r"\]\(([^)\s]+)\)", text) + re.findall(r'(?:src|srcset|href)="([^"]+)"', text)
    return [link.partition("#")[0] for link in found if not re.match(r"[a-z]+:|#", link)]


def test_every_link_between_files_leads_somewhere():
    for page in PAGES:
        for link in links(page.read_text()):
            assert (page.parent / link).exists(), f"{page.name}: {link}"


COMPOSED = {"train": "train", "find-lr": "find_lr", "policy": "policy", "data": "data", "sweep": "train"}
OF_A_SWEEP = (
    "workers=",
    "retry=",
    "baseline=",
    "metric=",
    "target=",
    "force=",
    "search",
    "hydra",
    "+",
    "$",
    "...",
)


def commands(text: str) -> list[list[str]]:
    """The words of each `clrx ...` line of the indented and fenced examples, without comments."""
    text = re.sub(r"\\\n\s*", "", text)
    fenced = "\n".join(re.findall(r"(?ms)^```bash\n(.*?)^```", text))
    lines = re.findall(r"(?m)^    (clrx .*)$", text) + re.findall(r"(?m)^(clrx .*)$", fenced)
    return [shlex.split(line.partition(" #")[0])[1:] for line in lines]


@pytest.mark.slow
def test_every_command_that_a_document_shows_composes():
    """Groups, options and keys are there; of a list the first value is taken. Nothing is run."""
    register_resolvers()
    with initialize_config_dir(str(conf_dir().absolute()), version_base="1.3"):
        for page in PAGES:
            added = re.findall(r"(?m)^\+ +(\w+):", page.read_text())  # keys of the changes that a page shows
            for command, *words in commands(page.read_text()):
                assert command in (*COMMANDS, "--help"), f"{page.name}: clrx {command}"
                own = [word for word in words if "=" in word and not word.startswith(OF_A_SWEEP)]
                own = [word for word in own if word.partition("=")[0].rpartition(".")[2] not in added]
                if command in COMPOSED and "--config-dir" not in words:
                    compose(COMPOSED[command], [first_value(word) for word in own])


def first_value(word: str) -> str:
    """`policy=sgdr` of `policy=sgdr,constant`; a number where a search has an interval; a name for NAME."""
    key, _, value = word.partition("=")
    value = re.sub(r"^(tag|range|interval)\(.*\)$", "1", value)
    return f"{key}={value if value.startswith('[') else value.partition(',')[0]}".replace("NAME", "effusion")


def functions_of(file: Path) -> set[str]:
    return {
        node.name
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        if isinstance(node, ast.FunctionDef)
    }


def test_every_test_that_a_document_names_exists():
    for page in PAGES:
        file = None
        for path, name in re.findall(r"(tests/[\w/]+\.py)?(?:::(test_\w+))?", page.read_text()):
            file = ROOT / path if path else file
            assert not path or file.exists(), f"{page.name}: {path}"
            assert not name or name in functions_of(file), f"{page.name}: {path}::{name}"


def test_every_function_that_a_document_names_exists():
    """`clrx.a.b.c` in a document is a module, or something within one."""
    for page in PAGES:
        for name in re.findall(r"`(clrx(?:\.\w+)+)(?:\(\))?`", page.read_text()):
            found, parts = import_module("clrx"), name.split(".")
            for number, part in enumerate(parts[1:], 2):
                if not hasattr(found, part):
                    import_module(".".join(parts[:number]))
                found = getattr(found, part)


def test_the_table_of_the_packages_is_whole():
    table = (ROOT / "docs" / "architecture.md").read_text().partition("\n## ")[0]
    assert tuple(re.findall(r"(?m)^\| `(\w+)` \|", table)) == ORDER


def test_the_picture_of_the_packages_is_fresh():
    assert FILE.read_text() == picture(), "uv run python docs/draw_architecture.py"


def test_the_index_of_the_benchmarks_is_fresh():
    page = runpy.run_path(str(ROOT / "benchmarks" / "index.py"))["page"]()
    assert (ROOT / "benchmarks" / "README.md").read_text() == page, "uv run python benchmarks/index.py"


@pytest.mark.parametrize("path", sorted((ROOT / "benchmarks").glob("*.py")), ids=lambda path: path.stem)
def test_a_benchmark_finds_what_it_imports(path, monkeypatch):
    """Their times are no tests; but a benchmark whose imports have moved is told at once."""
    monkeypatch.setattr(sys, "path", list(sys.path))
    runpy.run_path(str(path), run_name="imported")
