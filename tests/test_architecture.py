"""The house rules: who imports whom, how long modules and functions are. docs/imports.py reads the imports."""

import ast
import sys
from collections.abc import Iterator

from imports import (
    BY_NAME,
    MODULES,
    ORDER,
    ROOT,
    arrows_up,
    circles,
    imports,
    imports_at_load,
    own,
    package,
    parsed,
)

LONGEST, SHORTEST, FUNCTION = 320, 40, 40  # lines of a module, and of a function without its docstring
CONFIGURATION = {"config", "sweep", "task", "cli"}  # packages that may import hydra and omegaconf
PICTURES = {"plot", "report", "survey"}  # packages that may import matplotlib
WITHOUT_TORCH = {"core", "schedule", "policy", "config"}
TORCH_IN_FUNCTIONS = {"clrx.core.machine"}
LIGHT = (
    "clrx.cli.main",
    "clrx.config.compose",
    "clrx.cli.completion",
    "clrx.core.errors",
    "clrx.cli.failure",
)

KNOWN: dict[str, set[str]] = {  # violations that are being mended: none is added
}


def outside(module: str) -> set[str]:
    """Packages that are not clrx's and not of the standard library."""
    return {name.partition(".")[0] for name in imports(module)} - sys.stdlib_module_names - {"clrx"}


def wrong_imports(module: str) -> Iterator[str]:
    here = package(module)
    up = {name for importer, name in arrows_up() if importer == module}
    for name in own(module):
        if name in up:
            yield f"imports {name}, which stands after {here} in ORDER"
        if package(name) in BY_NAME and package(name) != here:
            yield f"imports {name}, which is reached by its name alone"
        if (
            here == "policy"
            and package(name) != here
            and name not in ("clrx.schedule.progress", "clrx.core.errors")
        ):
            yield f"imports {name}: a policy knows progress and errors"
    packages = outside(module)
    if here not in CONFIGURATION:
        yield from (f"imports {name}" for name in packages & {"hydra", "omegaconf"})
    if here not in PICTURES:
        yield from (f"imports {name}" for name in packages & {"matplotlib"})
    if here in WITHOUT_TORCH and "torch" in packages:
        loaded = {name.partition(".")[0] for name in imports_at_load(module)}
        if "torch" in loaded or module not in TORCH_IN_FUNCTIONS:
            yield "imports torch"
    if here == "policy" and packages:
        yield f"imports {packages}: a policy is standard library"


def wrong_sizes(module: str) -> Iterator[str]:
    path, tree = MODULES[module], parsed(module)
    lines = len(path.read_text().splitlines())
    if not ast.get_docstring(tree):
        yield "has no docstring"
    if lines > LONGEST:
        yield f"is longer than {LONGEST} lines"
    if lines < SHORTEST and package(module) not in BY_NAME and not path.stem.startswith("__"):
        yield f"is shorter than {SHORTEST} lines"
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            first = node.body[0]
            described = first.end_lineno - first.lineno + 1 if ast.get_docstring(node) is not None else 0
            if node.end_lineno - node.lineno + 1 - described > FUNCTION:
                yield f"{node.name} is longer than {FUNCTION} lines"


def test_every_module_follows_the_rules():
    """One loop over all modules. What KNOWN lists and no longer occurs is to be taken off it."""
    found = {
        f"{module} {what}" for module in MODULES for what in [*wrong_imports(module), *wrong_sizes(module)]
    }
    found |= {f"{' <-> '.join(group)} import each other" for group in circles()}
    known = set().union(*KNOWN.values())
    assert not found - known, "\n".join(sorted(found - known))
    assert not known - found, "mended, take it off KNOWN:\n" + "\n".join(sorted(known - found))


def test_the_packages_are_those_of_the_order():
    assert {package(module) for module in MODULES} == {*ORDER, "clrx"}


def test_what_every_command_loads_is_light():
    seen, waiting = set(), list(LIGHT)
    while waiting:
        if (name := waiting.pop()) in MODULES and name not in seen:
            seen.add(name)
            waiting += imports_at_load(name)
    loaded = {part.partition(".")[0] for name in seen for part in imports_at_load(name)}
    configuration = {"hydra", "omegaconf", "pydantic", "pydantic_core", "annotated_types", "yaml"}
    assert loaded <= set(sys.stdlib_module_names) | {"clrx"} | configuration


def test_a_file_without_a_yaml_is_reached_by_nobody():
    """Every module of dataset/, model/ and policy/ is the `_target_` of a YAML file, or is used by one that is."""
    targets = " ".join(path.read_text() for path in (ROOT / "conf").rglob("*.yaml"))
    used = {name for module in MODULES for name in imports(module)}
    for module in MODULES:
        if package(module) in BY_NAME and not MODULES[module].stem.startswith("__"):
            assert f"{module}." in targets or module in used, module
