"""Files that would hang, overflow or confuse the reading of YAML end at their line and column."""

import os
import re
import socket
from pathlib import Path

import pytest

from bench.errors import SuiteError
from bench.suite import Suite
from bench.suite.yaml_bounds import MAX_BYTES
from bench.suite.yaml_file import read

GOOD = """\
name: tickets
models:
  - {name: floor, family: baseline, strategy: majority}
tasks:
  - {name: topic, kind: classification, data: {path: topic.jsonl}}
"""
LAUGHS = "a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n" + "".join(
    f"a{i}: &a{i} [{','.join([f'*a{i - 1}'] * 10)}]\n" for i in range(1, 10)
)


@pytest.mark.parametrize(
    ("text", "place", "says"),
    [
        ("name: !!bool maybe\n" + GOOD, "1:7", "!!bool"),
        ("name: !!python/object:os.system x\n", "1:7", "tag"),
        ("a: " + "[" * 5000 + "\n" + GOOD, "1:35", "levels"),
        (LAUGHS + GOOD, "5:22", "aliases"),
        ("a: &a [*a]\n" + GOOD, "1:8", "without end"),
        ("a: &a {b: *a}\n" + GOOD, "1:11", "without end"),
        ("? [1, 2]\n: x\n" + GOOD, "1:3", "key"),
        ("? {a: b}\n" + GOOD, "1:3", "key"),
        ("true: x\n" + GOOD, "1:1", "quotes"),
        ("~: x\n" + GOOD, "1:1", "quotes"),
        ("a: &a b\n*a : x\n" + GOOD, "2:1", "key"),
        (GOOD + "measure: {tdp_w: " + "9" * 4301 + "}\n", "6:18", "digits"),
        (GOOD + "description: 'a\x07b'\n", "6:16", "U+0007"),
        (GOOD + "<<: 3\n", "", "not valid YAML"),
        (GOOD + "<<: [*nothing]\n", "6:6", "not valid YAML"),
        ("a: 1\n---\nb: 2\n", "2:1", "not valid YAML"),
        (GOOD + "measure: {tdp_w: .inf}\n", "6:11", "finite"),
        (GOOD + "measure: {tdp_w: 1e400}\n", "6:11", "finite"),
        (GOOD + "defaults: {seed: -1}\n", "6:12", "greater than or equal to 0"),
        (GOOD + "name: !!set {a, b}\n", "6:7", "tag"),
    ],
)
def test_a_hostile_file_ends_at_its_place(tmp_path: Path, text: str, place: str, says: str) -> None:
    path = tmp_path / "suite.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(SuiteError) as caught:
        read(path, Suite)
    lines = str(caught.value).splitlines()
    assert any(says in line and f"suite.yaml:{place}" in line for line in lines), lines
    assert all(re.match(r".*suite\.yaml:\d+:\d+", line) for line in lines)


def test_dates_stay_as_they_are_written(tmp_path: Path) -> None:
    path = tmp_path / "suite.yaml"
    path.write_text(GOOD.replace("name: tickets", "name: tickets\ndescription: 2026-99-99"), encoding="utf-8")
    assert read(path, Suite).value.description == "2026-99-99"


def test_aliases_and_merge_keys_of_ordinary_size_are_read(tmp_path: Path) -> None:
    text = GOOD.replace(
        "  - {name: floor, family: baseline, strategy: majority}",
        "  - &floor {name: floor, family: baseline, strategy: majority}\n  - {<<: *floor, name: again}",
    )
    path = tmp_path / "suite.yaml"
    path.write_text(text, encoding="utf-8")
    assert [model.name for model in read(path, Suite).value.models] == ["floor", "again"]


def test_only_a_plain_file_of_reasonable_size_is_read(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.yaml")
    (tmp_path / "loop.yaml").symlink_to(tmp_path / "loop.yaml")
    (tmp_path / "huge.yaml").write_bytes(b"#" * (MAX_BYTES + 1))
    (tmp_path / "folder.yaml").mkdir()
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(tmp_path / "socket.yaml"))
        for name in ("pipe", "loop", "huge", "folder", "socket"):
            with pytest.raises(SuiteError, match=f"{name}.yaml"):
                read(tmp_path / f"{name}.yaml", Suite)
    with pytest.raises(SuiteError, match="plain file"):
        read(Path("/dev/zero"), Suite)
