"""`bench --help`, `validate` and `plan` start fast: they import neither torch nor transformers."""

from __future__ import annotations

import subprocess
import sys

import pytest

HEAVY = ("torch", "transformers", "datasets", "evaluate", "pandas", "matplotlib")
CODE = """
import sys
from bench.__main__ import main
code = main(sys.argv[1:])
print("code", code, "heavy", [name for name in {heavy!r} if name in sys.modules], file=sys.stderr)
"""


@pytest.mark.parametrize("arguments", [["--help"], ["validate", "quickstart"], ["plan", "quickstart"], ["schema"]])
def test_no_heavy_imports(arguments: list[str]) -> None:
    found = subprocess.run(
        [sys.executable, "-c", CODE.format(heavy=HEAVY), *arguments], capture_output=True, text=True, check=True
    )
    assert found.stderr.strip().splitlines()[-1] == "code 0 heavy []"
