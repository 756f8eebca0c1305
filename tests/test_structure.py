"""The limits of section "Functions and files" of the style that are held: functions under 40 lines, no drawers."""

import ast
from pathlib import Path

import bench

PACKAGE = Path(bench.__file__).parent
MAX_FUNCTION_LINES = 40


def test_functions_stop_at_40_lines() -> None:
    found = {}
    for path in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                lines = (node.end_lineno or 0) - node.lineno + 1
                if lines > MAX_FUNCTION_LINES:
                    found[f"{path.relative_to(PACKAGE)}:{node.name}"] = lines
    assert found == {}


def test_no_module_is_a_drawer() -> None:
    banned = {"utils", "helpers", "common", "manager", "misc"}
    assert [path for path in PACKAGE.rglob("*.py") if path.stem in banned] == []
