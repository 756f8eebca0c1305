"""A key of the suite is a field with a default and a docstring, and one line where it is used: two files and no more.

The change is made by a script on a copy of the package; everything else reads the declaration.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

import bench
from bench.planning import make_plan, open_suite

DECLARED = (
    "bench/suite/spec.py",
    (
        """    num_beams: int = Field(default=1, ge=1)
""",
        '''    skip_rows: int = Field(default=0, ge=0)
    """Rows at the beginning of the scored split that are left out."""
    num_beams: int = Field(default=1, ge=1)
''',
    ),
)
USED = (
    "bench/planning/data.py",
    (
        "return self.split(task, task.data.split, min(set_caps) if set_caps else None)",
        """whole = self.split(task, task.data.split, min(set_caps) if set_caps else None)
        return Dataset(whole.examples[task.skip_rows :], whole.hash, whole.origin, whole.notes)""",
    ),
)
SUITE = """\
name: small
defaults: {{device: cpu, executor: inline}}
models:
  - {{name: copy, family: baseline, strategy: copy}}
tasks:
  - {{name: titles, kind: summarisation, data: {{path: titles.jsonl}}, {key}}}
measure: off
"""


COMMANDS = {
    "schema": ("max_new_tokens: 8", "schema"),
    "keys": ("max_new_tokens: 8", "ls keys --json"),
    "wrong": ("skip_rows: -1", "plan suite.yaml"),
    "misspelt": ("skip_row: 1", "plan suite.yaml"),
    "usual": ("max_new_tokens: 8", "run suite.yaml --no-report --json --results usual"),
    "fewer": ("skip_rows: 5", "run suite.yaml --no-report --json --results fewer"),
    "written": ("max_new_tokens: 8, skip_rows: 0", "run suite.yaml --no-report --json --results written"),
}
"""Key of the suite's task, and the command: by what it shows."""
SCRIPT = """\
import contextlib, io, json, sys
from pathlib import Path

from bench.__main__ import main
from tests.keys_page import page

shown = {"page": page()}
for name, (suite, command) in json.loads(sys.argv[1]).items():
    Path("suite.yaml").write_text(suite)
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = main(command.split())
    shown[name] = [code, out.getvalue(), err.getvalue()]
print(json.dumps(shown))
"""


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the package to which the key was added, with data beside it."""
    folder, root = tmp_path_factory.mktemp("house"), Path(bench.__file__).parents[1]
    shutil.copytree(root / "bench", folder / "bench", ignore=shutil.ignore_patterns("__pycache__"))
    (folder / "suites").symlink_to(root / "suites")
    for name, (before, after) in (DECLARED, USED):
        text = (folder / name).read_text()
        assert text.count(before) == 1, f"the script no longer fits {name}"
        (folder / name).write_text(text.replace(before, after))
    rows = [{"document": f"Crane {place} is late. It comes.", "summary": f"Crane {place}"} for place in range(12)]
    (folder / "titles.jsonl").write_text("\n".join(map(json.dumps, rows)))
    return folder


@pytest.fixture(scope="module")
def shown(house: Path) -> dict[str, Any]:
    """What the commands print there."""
    return run_there(house, COMMANDS)


def run_there(house: Path, wanted: Mapping[str, tuple[str, str]]) -> dict[str, Any]:
    """Run commands in one process with the copy of the package."""
    root = Path(bench.__file__).parents[1]
    commands = {name: (SUITE.format(key=key), command) for name, (key, command) in wanted.items()}
    ended = subprocess.run(
        [sys.executable, "-P", "-c", SCRIPT, json.dumps(commands)],
        cwd=house,
        env=os.environ | {"PYTHONPATH": os.pathsep.join([str(house), str(root)])},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    printed: dict[str, Any] = json.loads(ended.stdout)
    return printed


def printed_json(shown: dict[str, Any], name: str) -> Any:
    code, out, err = shown[name]
    assert code == 0, err
    return json.loads(out)


def test_it_is_in_the_schema_and_listed_with_its_default(shown: dict[str, Any]) -> None:
    key = printed_json(shown, "schema")["$defs"]["TaskSpec"]["properties"]["skip_rows"]
    assert key["default"] == 0 and key["description"].startswith("Rows at the beginning")
    row = next(row for row in printed_json(shown, "keys") if row["name"] == "tasks[].skip_rows")
    assert row["default"] == "0" and row["what"] == key["description"]
    assert f"| `tasks[].skip_rows` | `0` | {key['description']} |" in shown["page"]


def test_it_is_checked_with_its_place_and_the_nearest_name(shown: dict[str, Any]) -> None:
    (wrong, _, told), (misspelt, _, told_too) = shown["wrong"], shown["misspelt"]
    assert (wrong, misspelt) == (2, 2)
    assert "suite.yaml:6:" in told and "tasks[0].skip_rows" in told
    assert "suite.yaml:6:" in told_too and "did you mean 'skip_rows'?" in told_too


def test_it_does_what_it_says_and_is_part_of_the_id_where_it_differs_from_its_default(
    shown: dict[str, Any], house: Path
) -> None:
    cells = [printed_json(shown, name)["cells"][0] for name in ("usual", "fewer", "written")]
    assert [cell["quality"]["rougeL"]["n"] for cell in cells] == [12, 7, 12]
    assert cells[0]["id"] == cells[2]["id"] != cells[1]["id"]

    (house / "suite.yaml").write_text(SUITE.format(key="max_new_tokens: 8"))
    ids = [cell.id for cell in make_plan(open_suite(str(house / "suite.yaml")), house / "plain").cells]
    assert ids == [cells[0]["id"]]


@pytest.mark.slow
def test_all_ids_of_the_quickstart_stay(house: Path, tmp_path: Path) -> None:
    planned = run_there(house, {"quickstart": ("max_new_tokens: 8", "plan quickstart --json")})
    ids = [cell["id"] for cell in printed_json(planned, "quickstart")["cells"]]
    assert ids == [cell.id for cell in make_plan(open_suite("quickstart"), tmp_path).cells] and len(ids) > 20
