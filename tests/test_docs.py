"""What the documents say is so: links lead somewhere, named tests and functions exist, what is generated is fresh."""

import ast
import re
import runpy
import sys
from importlib import import_module
from pathlib import Path

import pytest
from draw_architecture import FILE, picture

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


def functions_of(file: Path) -> set[str]:
    return {node.name for node in ast.walk(ast.parse(file.read_text())) if isinstance(node, ast.FunctionDef)}


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
