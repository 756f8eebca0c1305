"""bench reads GPUs and sets nothing on them."""

from __future__ import annotations

import ast
from pathlib import Path

FOLDER = Path(__file__).parents[2]
READING = ("nvmlInit", "nvmlShutdown", "nvmlDeviceGet", "nvmlSystemGet", "nvmlErrorString", "nvmlClocks", "nvmlReturn")


def test_no_function_of_nvml_is_called_that_changes_anything() -> None:
    names = {
        node.attr
        for folder in ("bench", "benchmarks", "tests/gpu")
        for path in sorted((FOLDER / folder).rglob("*.py"))
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Attribute) and node.attr.startswith("nvml")
    }
    assert "nvmlDeviceGetMigMode" in names
    assert [name for name in sorted(names) if not name.startswith(READING)] == []
