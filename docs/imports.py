"""The imports of clrx's packages, read from the source: `python docs/imports.py` prints their numbers.

Every import counts, wherever it stands: in a function, under TYPE_CHECKING, as `import_module("clrx...")`, and as the
module that a list of words names after "-m".
"""

import ast
from collections import Counter
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
ORDER = (  # a package imports only packages that stand before it
    *("core", "schedule", "policy", "config", "data", "dataset", "network", "model", "metrics"),
    *(
        "run",
        "bundle",
        "training",
        "range_test",
        "predict",
        "plot",
        "report",
        "survey",
        "sweep",
        "task",
        "cli",
    ),
)
BY_NAME = ("policy", "dataset", "model")  # reached by `_target_` names in YAML files, imported by nobody


def _name(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {_name(path): path for path in sorted((ROOT / "clrx").rglob("*.py"))}


@cache
def parsed(module: str) -> ast.Module:
    """The syntax tree of a module of clrx, given its dotted name."""
    return ast.parse(MODULES[module].read_text())


def package(module: str) -> str:
    """The package of a module of clrx: `core` of `clrx.core.files`, `cli` of `clrx.__main__`, `clrx` of `clrx`."""
    part = module.partition(".")[2].partition(".")[0]
    return {"": "clrx", "__main__": "cli"}.get(part, part)


def statement_imports(node: ast.AST) -> list[str]:
    """Names of the modules that one import statement loads, [] for other nodes; `from clrx import a` loads clrx.a."""
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if isinstance(node, ast.ImportFrom):
        if node.level:
            raise ValueError(f"line {node.lineno}: relative imports are not used")
        inner = [f"{node.module}.{alias.name}" for alias in node.names]
        return [name if name in MODULES else str(node.module) for name in inner]
    return []


def _named_modules(node: ast.AST) -> list[str]:
    """Modules of clrx that a node loads by a string: import_module("clrx.a"), f"clrx.{b}", ["-m", "clrx.c"]."""
    named: list[ast.expr] = []
    if isinstance(node, ast.Call) and ast.unparse(node.func).endswith("import_module"):
        named = node.args[:1]
    if isinstance(node, ast.List | ast.Tuple):
        pairs = zip(node.elts, node.elts[1:], strict=False)
        named = [second for first, second in pairs if isinstance(first, ast.Constant) and first.value == "-m"]
        named = [
            name for name in named if getattr(name, "value", None) != "clrx"
        ]  # the program itself, started anew
    found: list[str] = []
    for value in named:
        if isinstance(value, ast.JoinedStr) and isinstance(value.values[0], ast.Constant):
            start = str(value.values[0].value)  # `clrx.plot.` and then any module of it
            found += [name for name in MODULES if name.startswith(start)]
        if isinstance(value, ast.Constant) and isinstance(value.value, str):
            found.append(value.value)
    return found


@cache
def imports(module: str) -> frozenset[str]:
    """Names of all modules that a module of clrx imports, at any place in it."""
    nodes = list(ast.walk(parsed(module)))
    return frozenset(name for node in nodes for name in [*statement_imports(node), *_named_modules(node)])


def imports_at_load(module: str) -> frozenset[str]:
    """Names of the modules that are imported while a module of clrx is: not in functions, not under TYPE_CHECKING."""

    def walk(statements: Iterable[ast.stmt]) -> Iterator[str]:
        for statement in statements:
            yield from statement_imports(statement)
            if isinstance(statement, ast.If) and "TYPE_CHECKING" not in ast.unparse(statement.test):
                yield from walk([*statement.body, *statement.orelse])
            if isinstance(statement, ast.Try):
                yield from walk(statement.body)
            if isinstance(statement, ast.With | ast.ClassDef):
                yield from walk(statement.body)

    return frozenset(walk(parsed(module).body))


@cache
def own(module: str) -> list[str]:
    """The other modules of clrx that a module of clrx imports, sorted."""
    return sorted(imports(module) & MODULES.keys() - {module})


def arrows() -> Counter[tuple[str, str]]:
    """(importing package, imported package): number of imports, of one module by another, between the two."""
    pairs = [(package(module), package(name)) for module in MODULES for name in own(module)]
    return Counter(pair for pair in pairs if pair[0] != pair[1])


def position(name: str) -> float:
    """Where a package stands in ORDER; clrx/__init__.py, the public names, stands between task and cli."""
    return ORDER.index("task") + 0.5 if name == "clrx" else ORDER.index(name)


@cache
def arrows_up() -> list[tuple[str, str]]:
    """(module, imported module) where the imported one's package stands after the importing one's."""
    return [
        (module, name)
        for module in MODULES
        for name in own(module)
        if position(package(name)) > position(package(module))
    ]


def circles() -> list[tuple[str, ...]]:
    """Groups of modules each of which imports, through others, itself; the smallest closed groups, sorted."""
    reached: dict[str, set[str]] = {}
    for module in MODULES:
        seen, waiting = set(), list(own(module))
        while waiting:
            if (name := waiting.pop()) not in seen:
                seen.add(name)
                waiting += own(name)
        reached[module] = seen
    groups = {
        tuple(sorted(name for name in reached[module] if module in reached[name]))
        for module in MODULES
        if module in reached[module]
    }
    return sorted(groups)


def main() -> None:
    """Print the number of modules, lines, packages, arrows up and circles, with the names of the last two."""
    top = {path.stem for path in (ROOT / "clrx").iterdir() if path.is_dir() or path.suffix == ".py"}
    lines = sum(len(path.read_text().splitlines()) for path in MODULES.values())
    print(f"modules: {len(MODULES)}, {lines} lines")
    print(f"at the top of clrx/: {len(top - {'__pycache__'})}")
    print(f"arrows between packages: {len(arrows())}, of {sum(arrows().values())} imports")
    for title, found in (("arrows up", arrows_up()), ("circles", circles())):
        print(f"{title}: {len(found)}", *(" -> ".join(names) for names in found), sep="\n  ")


if __name__ == "__main__":
    main()
