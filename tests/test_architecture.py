"""Dependencies point down, so that a policy, model or dataset is one file and one YAML."""

import ast
import sys
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "clrx"
LINES = 220  # a module that is longer has two subjects


def module_of(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {module_of(path): path for path in sorted(PACKAGE.rglob("*.py"))}


def imported(node: ast.AST) -> list[str]:
    """Modules that an import statement loads: `from clrx import a` loads clrx.a."""
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if isinstance(node, ast.ImportFrom):
        assert not node.level, "relative imports are not used"
        inner = [f"{node.module}.{alias.name}" for alias in node.names]
        return [name if name in MODULES else str(node.module) for name in inner]
    return []


@cache
def imports(module: str) -> frozenset[str]:
    """Everything that a module imports, wherever in it; for type checkers alone included."""
    tree = ast.parse(MODULES[module].read_text())
    return frozenset(name for node in ast.walk(tree) for name in imported(node))


def at_import(statements: list[ast.stmt]) -> list[str]:
    """What is imported while the module itself is: not in functions, not under TYPE_CHECKING."""
    found = []
    for statement in statements:
        found += imported(statement)
        if isinstance(statement, ast.If) and "TYPE_CHECKING" not in ast.unparse(statement.test):
            found += at_import(statement.body + statement.orelse)
        if isinstance(statement, ast.Try):
            found += at_import(statement.body)
    return found


def layer(module: str) -> str:
    """cli, task, core, or the folder of what is reached by `_target_` alone."""
    parts = module.split(".")
    if parts[1:2] in (["cli"], ["__main__"]):
        return "cli"
    return parts[1] if len(parts) > 1 and parts[1] in ("task", "dataset", "model", "policy") else "core"


def ours(names) -> set[str]:
    return {name for name in names if name.split(".")[0] == "clrx"}


@pytest.mark.parametrize("group", ["dataset", "model", "policy"])
def test_what_a_target_reaches_is_imported_by_nobody(group):
    guilty = {
        f"{module} imports {name}"
        for module in MODULES
        for name in ours(imports(module))
        if layer(name) == group and layer(module) != group
    }
    assert not guilty


ALLOWED = {  # what a layer may import of clrx
    "cli": {"cli", "task", "core"},
    "task": {"task", "core", "cli"},  # cli: the names of the commands, for their completion
    "core": {"core"},
    "dataset": {"dataset", "core"},
    "model": {"model", "core"},
    "policy": {"policy", "core"},
}


@pytest.mark.parametrize("module", MODULES)
def test_imports_point_down(module):
    assert {layer(name) for name in ours(imports(module))} <= ALLOWED[layer(module)]


def test_only_the_completion_asks_the_command_line_for_its_commands():
    asking = {module for module in MODULES if layer(module) == "task" and "clrx.cli.main" in imports(module)}
    assert asking <= {"clrx.task.completion"}


@pytest.mark.parametrize("module", [module for module in MODULES if layer(module) == "policy"])
def test_a_policy_is_standard_library_and_the_clock(module):
    outside = {name for name in imports(module) if name.split(".")[0] not in sys.stdlib_module_names}
    assert {name for name in outside if layer(name) != "policy"} <= {
        "clrx.schedule.progress",
        "clrx.core.errors",
    }


@pytest.mark.parametrize(
    "module",
    ["clrx.cli.main", "clrx.config.compose", "clrx.cli.completion", "clrx.core.errors", "clrx.cli.failure"],
)
def test_what_every_command_loads_is_light(module):
    seen, waiting = set(), [module]
    while waiting:
        if (name := waiting.pop()) in MODULES and name not in seen:
            seen.add(name)
            waiting += at_import(ast.parse(MODULES[name].read_text()).body)
    loaded = {
        part.split(".")[0] for name in seen for part in at_import(ast.parse(MODULES[name].read_text()).body)
    }
    assert loaded <= set(sys.stdlib_module_names) | {"clrx", "hydra", "omegaconf"}


def test_no_module_imports_itself_through_others():
    edges = {
        module: ours(at_import(ast.parse(path.read_text()).body)) & MODULES.keys()
        for module, path in MODULES.items()
    }
    done: set[str] = set()

    def walk(module: str, path: tuple[str, ...]) -> None:
        assert module not in path, " -> ".join([*path[path.index(module) :], module])
        if module not in done:
            for name in sorted(edges[module]):
                walk(name, (*path, module))
            done.add(module)

    for module in edges:
        walk(module, ())


@pytest.mark.parametrize("module", MODULES)
def test_a_module_has_one_subject(module):
    assert len(MODULES[module].read_text().splitlines()) <= LINES
    assert ast.get_docstring(ast.parse(MODULES[module].read_text())), "says what it is"


@pytest.mark.parametrize("group", ["dataset", "model", "policy"])
def test_a_file_without_a_yaml_is_reached_by_nobody(group):
    """Every module of a group is the `_target_` of some YAML, or is used by one that is."""
    targets = " ".join(path.read_text() for path in (ROOT / "conf").rglob("*.yaml"))
    used = {name for module in MODULES for name in imports(module)}
    named = {module for module in MODULES if f"{module}." in targets or module in used}
    idle = {module for module in MODULES if module.startswith(f"clrx.{group}.")} - named
    assert idle - {"clrx.policy.warmup"} == set()  # put around a policy by clrx.schedule.build, by its name
