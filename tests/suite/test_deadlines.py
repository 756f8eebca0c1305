"""A night's deadline in a suite: what is none is told with its place."""

import pytest

from bench.__main__ import main

SUITE = """\
name: d
models:
  - {{name: floor, family: baseline, strategy: majority}}
tasks:
  - {{name: t, kind: classification, data: {{builtin: waybills, columns: {{label: status}}}}}}
nightly: {{deadline: {}}}
"""


@pytest.mark.parametrize(
    "text", ["'25:00'", "'inf h'", "'NaN h'", "'-3 h'", ".inf", ".nan", "-3", "'1e400 h'", "''", "[]"]
)
def test_what_is_no_deadline_is_told_with_file_line_and_column(tmp_path, capsys, text):
    path = tmp_path / "suite.yaml"
    path.write_text(SUITE.format(text))
    assert main(["validate", str(path)]) == 2
    err = capsys.readouterr().err
    assert f"{path}:6:" in err and "nightly.deadline" in err and "Traceback" not in err


@pytest.mark.parametrize("text", ["'06:00'", "06:00", "3 h", "90 min", "3h30m", "168 h"])
def test_times_of_day_and_durations_are_deadlines(tmp_path, text):
    path = tmp_path / "suite.yaml"
    path.write_text(SUITE.format(text))
    assert main(["validate", str(path)]) == 0
