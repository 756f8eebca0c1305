from pathlib import Path

import pytest

from bench.errors import SuiteError
from bench.suite import Suite
from bench.suite.yaml_file import dotted, read

GOOD = """\
name: tickets
models:
  - {name: floor, family: baseline, strategy: majority}
tasks:
  - {name: topic, kind: classification, data: {path: topic.jsonl}}
measure: {energy: off, tdp_w: 1.2e2}
"""


def write(folder: Path, text: str) -> Path:
    path = folder / "suite.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def test_yaml_1_2_reads_off_as_a_word_and_exponents_as_numbers(tmp_path: Path) -> None:
    suite = read(write(tmp_path, GOOD), Suite).value
    assert suite.measure.energy == "off"
    assert suite.measure.tdp_w == 120.0


def test_places_are_found_again(tmp_path: Path) -> None:
    located = read(write(tmp_path, GOOD), Suite)
    assert located.where("tasks", 0, "data").endswith("suite.yaml:5:41 tasks[0].data")
    assert str(located.error(("models", 0, "strategy"), "no")).endswith(":3:37 models[0].strategy: no")


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (
            "strategy: majority",
            "strategie: majority",
            "3:37 models[0].strategie: unknown key 'strategie'; did you mean 'strategy'?",
        ),
        ("family: baseline, ", "", "3:5 models[0]: the key 'family' is missing"),
        ("name: floor", "name: 7", "3:6 models[0].name: 7 should be text; put it in quotes"),
        ("strategy: majority", "strategy: [majority]", '3:37 models[0].strategy: ["majority"] should be a single text'),
        ("strategy: majority", "strategy: majority, strategy: copy", "the key strategy is there a second time"),
        (
            "  - {name: floor, family: baseline, strategy: majority}",
            "  floor",
            'models: "floor" should be a list',
        ),
        ("{energy: off,", "{energy: off", "not valid YAML"),
        ("energy: off", "energy: never", "did you mean|valid names: auto, off"),
        ("name: tickets\n", "name: tickets\n\tbad\n", "not valid YAML"),
    ],
)
def test_mistakes_have_a_place_and_a_remedy(tmp_path: Path, old: str, new: str, message: str) -> None:
    assert old in GOOD
    with pytest.raises(SuiteError) as caught:
        read(write(tmp_path, GOOD.replace(old, new)), Suite)
    text = str(caught.value)
    assert any(part in text for part in message.split("|")), text
    assert str(tmp_path / "suite.yaml") in text


def test_every_mistake_has_a_line_of_its_own(tmp_path: Path) -> None:
    text = GOOD.replace("energy: off", "enery: off").replace("kind:", "kindd:")
    with pytest.raises(SuiteError) as caught:
        read(write(tmp_path, text), Suite)
    assert len(str(caught.value).splitlines()) == 3


def test_a_file_that_is_empty_missing_or_not_text(tmp_path: Path) -> None:
    with pytest.raises(SuiteError, match="is empty"):
        read(write(tmp_path, ""), Suite)
    with pytest.raises(SuiteError, match="cannot be read: No such file"):
        read(tmp_path / "none.yaml", Suite)
    (tmp_path / "latin.yaml").write_bytes(b"name: caf\xe9\n")
    with pytest.raises(SuiteError, match="not UTF-8"):
        read(tmp_path / "latin.yaml", Suite)


def test_dotted() -> None:
    assert dotted(("models", 2, "variants", 0, "dtype")) == "models[2].variants[0].dtype"
