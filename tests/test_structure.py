"""What the shape of the code promises: no drawers, and private names used at home only; ruff holds the complexity."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import bench

PACKAGE = Path(bench.__file__).parent

NAMED_TUPLE = {"_asdict", "_fields", "_make", "_replace"}
"""Public names of every named tuple, which begin with a line so that they cannot be fields."""
OF_LIBRARIES = {
    "__main__.py": {"_exit"},  # os: the only way to end before Python sends itself a signal
    "measure/flops.py": {
        "_can_decompose",
        "_ops",
        "_overloadpacket",
        "_schema",
        "_scaled_dot_product_flash_attention_for_cpu",
    },  # torch
    "metrics/bleu.py": {"_preprocess_segment"},  # sacrebleu
    "running/executors/supervisor.py": {"_exit"},  # os: the only way to leave a forked child at once
    "metrics/sacrebleu_counts.py": {"_cache_references", "_extract_corpus_statistics", "_ref_cache"},  # sacrebleu
}
"""Private names of libraries that offer no public way to the same, by the one file that uses them."""


def is_private(name: str) -> bool:
    return name.startswith("_") and not name.startswith("__")


def names_at_home(tree: ast.Module) -> set[str]:
    """List the private names that a module binds itself: as functions, classes, variables, fields, or on `self`."""
    names = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            names.add(node.name)
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            names.add(node.id)
        elif isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store) and is_self(node.value):
            names.add(node.attr)
    return names


def is_self(node: ast.expr) -> bool:
    return isinstance(node, ast.Name) and node.id in ("self", "cls")


def is_super(node: ast.expr) -> bool:
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "super"


def foreign_private_names(tree: ast.Module, allowed: set[str]) -> Iterator[str]:
    """List the private names of other modules that a module imports, or reads or sets on anything but itself."""
    home = names_at_home(tree) | allowed | NAMED_TUPLE
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom):
            yield from (alias.name for alias in node.names if is_private(alias.name) and alias.name not in allowed)
        elif isinstance(node, ast.Attribute) and is_private(node.attr) and node.attr not in home:
            yield from [] if is_self(node.value) or is_super(node.value) else [ast.unparse(node)]


def test_no_module_is_a_drawer() -> None:
    banned = {"utils", "helpers", "common", "manager", "misc"}
    assert [path for path in PACKAGE.rglob("*.py") if path.stem in banned] == []


def test_no_private_name_is_used_from_another_module() -> None:
    intrusions = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        name = path.relative_to(PACKAGE).as_posix()
        used = sorted(foreign_private_names(ast.parse(path.read_text()), OF_LIBRARIES.get(name, set())))
        if used:
            intrusions[name] = used
    assert intrusions == {}


@pytest.mark.parametrize(
    ("source", "used"),
    [
        ("from bench.store.archive import _rescue", ["_rescue"]),
        ("import bench.store as store\nstore._rescue()", ["store._rescue"]),
        ("def close(store):\n    store.database._engine.dispose()", ["store.database._engine"]),
        ("def close(store):\n    store._engine = None", ["store._engine"]),
        ("class A:\n    def copy(self, other):\n        self._size = other._size", []),
        ("def name(row):\n    return row._fields, row.__class__", []),
    ],
)
def test_the_check_of_private_names_sees_each_way_in(source: str, used: list[str]) -> None:
    assert list(foreign_private_names(ast.parse(source), set())) == used
