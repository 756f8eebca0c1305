"""Real text without a download: the docstrings of the running Python's own standard library.

Three configurations: `summary` (the body of a docstring → its summary line), `package` (text → one of the
largest packages, their names masked) and `text` (whole docstrings). The source files are parsed, never
imported. The rows depend on the Python version, down to its micro version: `python_version` goes with every
result.
"""

from __future__ import annotations

import ast
import hashlib
import inspect
import platform
import re
import sysconfig
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from bench.errors import DataError, nearest

CONFIGS = ("summary", "package", "text")
SPLITS = ("train", "validation", "test")
TEST_TENTHS = (0,)
VALIDATION_TENTHS = (1,)
"""Which tenths of the hash space are the test and the validation split; the rest is for training."""
PACKAGES = 10
"""Classes of `package`: the packages with the most docstrings."""
MASK = "…"
"""Stands for the name of any of those packages, so that the answer cannot be read off."""
SUMMARY_CHARS = (15, 160)
"""Length of a summary line: shorter ones are titles, longer ones are not summaries (PEP 257 wants one
line)."""
BODY_CHARS = (80, 2000)
"""Length of a body worth summarising."""
LABELLED_CHARS = (40, 2000)
TEXT_CHARS = (200, 4000)
SKIPPED = frozenset(
    {
        "site-packages",
        "test",
        "tests",
        "idlelib",
        "lib2to3",
        "turtledemo",
        "ensurepip",
        "lib-dynload",
        "pydoc_data",
        "distutils",
        "encodings",
        "__pycache__",
    }
)
"""Folders left out: third parties, tests, vendored copies, tables, and what later versions no longer have."""
MARKER = b'"""'
"""A file without it has no docstring in the library's style and is not parsed."""

Row = dict[str, str]
Node = ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True, slots=True)
class Docstring:
    """One docstring, cleaned as `inspect.cleandoc` does."""

    module: str
    name: str
    """Qualified within the module, empty for the module itself."""
    text: str

    @property
    def package(self) -> str:
        """The top-level name."""
        return self.module.partition(".")[0]


def rows(config: str, split: str) -> list[Row]:
    """Make the rows of a configuration and split, under the names that the tasks expect.

    Columns: `id`, `group` (the module) and, for `summary`, `document` and `summary`; for `package`, `text`
    and `label`; for `text`, `text`. Splits are disjoint by the hash of the text.

    Raises:
        DataError: no such configuration or split.
    """
    if config not in CONFIGS:
        raise DataError(f"pydocs has no config '{config}'; {nearest(config, CONFIGS)}")
    if split not in SPLITS:
        raise DataError(f"pydocs has no split '{split}'; {nearest(split, SPLITS)}")
    maker = {"summary": _summary_rows, "package": _package_rows, "text": _text_rows}[config]
    return [row for row in _unique(maker()) if _split_of(row) == split]


def python_version() -> str:
    """Name the version of the Python whose docstrings these are."""
    return platform.python_version()


def _split_of(row: Row) -> str:
    text = row.get("document") or row["text"]
    tenth = int(hashlib.sha256(text.encode()).hexdigest()[:8], 16) % 10
    if tenth in TEST_TENTHS:
        return "test"
    return "validation" if tenth in VALIDATION_TENTHS else "train"


def _unique(found: Iterator[Row]) -> Iterator[Row]:
    """The rows whose text has not come before."""
    seen: set[str] = set()
    for row in found:
        text = row.get("document") or row["text"]
        if text not in seen:
            seen.add(text)
            yield row


def _within(text: str, bounds: tuple[int, int]) -> bool:
    return bounds[0] <= len(text) <= bounds[1]


def _base(doc: Docstring) -> Row:
    return {"id": f"{doc.module}:{doc.name}" if doc.name else doc.module, "group": doc.module}


def _summary_rows() -> Iterator[Row]:
    for doc in docstrings():
        summary, _, rest = doc.text.partition("\n")
        body = rest.strip("\n")
        followed = rest.startswith("\n")
        if followed and _within(summary.strip(), SUMMARY_CHARS) and _within(body, BODY_CHARS):
            yield _base(doc) | {"document": body, "summary": summary.strip()}


def _package_rows() -> Iterator[Row]:
    labels = largest_packages()
    names = re.compile(r"\b(?:" + "|".join(map(re.escape, labels)) + r")\b", re.IGNORECASE)
    for doc in docstrings():
        if doc.package in labels and _within(doc.text, LABELLED_CHARS):
            yield _base(doc) | {"text": names.sub(MASK, doc.text), "label": doc.package}


def _text_rows() -> Iterator[Row]:
    for doc in docstrings():
        if _within(doc.text, TEXT_CHARS):
            yield _base(doc) | {"text": doc.text}


@cache
def largest_packages() -> tuple[str, ...]:
    """List the packages (folders, not single modules) with the most docstrings of a usable length, sorted."""
    root = Path(sysconfig.get_path("stdlib"))
    count = Counter(
        doc.package for doc in docstrings() if _within(doc.text, LABELLED_CHARS) and (root / doc.package).is_dir()
    )
    ranked = sorted(count, key=lambda name: (-count[name], name))
    return tuple(sorted(ranked[:PACKAGES]))


@cache
def docstrings() -> tuple[Docstring, ...]:
    """Extract every docstring of the standard library, in the order of files and lines."""
    root = Path(sysconfig.get_path("stdlib"))
    return tuple(doc for path in sorted(root.rglob("*.py")) for doc in _of_file(path, root))


def _of_file(path: Path, root: Path) -> Iterator[Docstring]:
    parts = path.relative_to(root).with_suffix("").parts
    if SKIPPED.intersection(parts) or parts[0].startswith("config-"):
        return
    source = path.read_bytes()
    if MARKER not in source:
        return
    module = ".".join(parts).removesuffix(".__init__")
    for name, node in _nodes(ast.parse(source), ""):
        text = ast.get_docstring(node, clean=False)
        if text:
            yield Docstring(module, name, inspect.cleandoc(text))


def _nodes(node: ast.AST, prefix: str) -> Iterator[tuple[str, Node]]:
    """The module, its classes and functions; bodies of `if` and `try` are looked into, expressions are not."""
    if isinstance(node, ast.Module):
        yield "", node
    for child in getattr(node, "body", ()):
        if isinstance(child, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            name = f"{prefix}{child.name}"
            yield name, child
            yield from _nodes(child, f"{name}.")
        elif isinstance(child, ast.If | ast.Try):
            yield from _nodes(child, prefix)
