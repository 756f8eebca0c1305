"""README and docs hold what they promise: their commands run, their files are valid, their names exist.

A block's info string says how it is tried:

    console          run; slow: only with the slow tests; checked: parsed, since it needs a network, a service or `make`
    yaml NAME.yaml   a whole suite (or recipe or solver, so named); yaml suite, yaml recipe: keys put over a whole one
    python NAME.py   a file that others use; python, python slow: run
"""

from __future__ import annotations

import importlib
import re
import shlex
import shutil
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel
from ruamel.yaml import YAML

from bench.candidates.families.linear import LinearRecipe
from bench.catalogue.readings import ALIASES, READINGS
from bench.fit.recipe import Recipe
from bench.gate import settle
from bench.gate.gate import gate
from bench.metrics.catalogue import METRICS
from bench.suite import Suite
from bench.suite.yaml_file import read
from tests import keys_page
from tests.pages import (
    NAMES,
    PAGES,
    README,
    ROOT,
    Block,
    blocks,
    check_command,
    commands,
    inline_code,
    links,
    make_checkpoints,
    merged,
    prepare,
    run_lines,
    run_python,
    whole_files,
)

LINES, CHARACTERS = 150, 120
SCHEMAS: dict[str, type[BaseModel]] = {"recipe": Recipe, "solver": LinearRecipe}
"""By how the name of a file begins; any other is a suite."""
LANGUAGES = {"console", "yaml", "python", "toml", "json", "text"}
pages = pytest.mark.parametrize("page", PAGES, ids=NAMES)


@pytest.fixture(scope="session")
def tiny_checkpoints(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_checkpoints(tmp_path_factory.mktemp("pages"))


@pytest.fixture
def folder(tmp_path: Path, tiny_checkpoints: Path) -> Path:
    place = tmp_path / "work"
    place.mkdir()
    prepare(place, tiny_checkpoints)
    return place


@pytest.fixture(scope="session")
def results(tmp_path_factory: pytest.TempPathFactory, tiny_checkpoints: Path) -> Path:
    """A results folder in which the suite of the pages was run."""
    place = tmp_path_factory.mktemp("run") / "work"
    place.mkdir()
    prepare(place, tiny_checkpoints)
    _succeed(["bench run suite.yaml --no-report"], place)
    return place / "results"


def _succeed(lines: list[str], folder: Path) -> None:
    for line, ended in run_lines(lines, folder):
        assert ended.returncode == 0, f"{line}\n{ended.stdout}{ended.stderr}"


def _try(block: Block, folder: Path) -> None:
    if block.language == "console":
        _succeed(block.lines, folder)
    elif block.language == "python" and "." not in block.about:
        run_python(block.text, folder)


def test_the_readme_stays_short() -> None:
    lines = README.read_text().splitlines()
    assert len(lines) <= LINES
    assert [line for line in lines if len(line) > CHARACTERS] == []


def test_the_page_of_the_keys_is_that_of_their_declarations() -> None:
    assert keys_page.PAGE.read_text() == keys_page.page(), "run 'python -m tests.keys_page' to write it again"


@pages
def test_every_block_says_how_it_is_tried(page: Path) -> None:
    for block in blocks(page):
        assert block.language in LANGUAGES, block
        assert "." in block.about or block.about in ("", "slow", "checked", "suite", "recipe"), block


@pages
def test_every_link_leads_somewhere(page: Path) -> None:
    for target in links(page):
        assert (page.parent / target.partition("#")[0]).exists(), target


@pages
def test_every_command_line_can_be_parsed(page: Path) -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    for block in blocks(page):
        for line in block.lines if block.language == "console" else ():
            words = shlex.split(line)
            if words[0] == "bench":
                check_command(line)
            elif words[0] == "make":
                assert set(words[1:]) <= targets, line


@pages
def test_every_suite_and_recipe_is_valid(page: Path, tmp_path: Path) -> None:
    whole = whole_files()
    for number, block in enumerate(blocks(page)):
        if block.language != "yaml":
            continue
        name = block.about
        schema = next((schema for begin, schema in SCHEMAS.items() if name.startswith(begin)), Suite)
        values: dict[str, Any] = YAML(typ="safe").load(block.text)
        if "." not in name:
            values = merged(whole[f"{name}.yaml"], block.text)
        path = tmp_path / f"{number}.yaml"
        YAML(typ="safe").dump(values, path)
        read(path, schema)


@pages
def test_quick_blocks_run(page: Path, folder: Path) -> None:
    for block in blocks(page):
        if block.about not in ("slow", "checked"):
            _try(block, folder)


@pytest.fixture
def few_reruns(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the gate settle in three rounds what the noise of a busy machine makes it suspect, instead of up to 24."""
    monkeypatch.setattr(settle, "ROUNDS", (3,))
    monkeypatch.setitem(gate.__kwdefaults__, "rounds", (3,))


@pytest.mark.slow
@pytest.mark.usefixtures("few_reruns")
@pytest.mark.parametrize("page", [page for page in PAGES if any(b.about == "slow" for b in blocks(page))])
def test_slow_blocks_run(page: Path, folder: Path, results: Path) -> None:
    shutil.copytree(results, folder / "results")
    for block in blocks(page):
        if block.about == "slow":
            _try(block, folder)


@pages
def test_no_option_or_command_is_made_up(page: Path) -> None:
    known = commands()
    options = {option for command in known.values() for parameter in command.params for option in parameter.opts}
    options |= {"--help", "--version"}
    for script in (ROOT / "benchmarks").rglob("*.py"):
        options |= set(re.findall(r'add_argument\("(--[a-z-]+)"', script.read_text()))
    for code in inline_code(page):
        words = code.split()
        if words[0] == "bench" and len(words) > 1 and words[1][0].isalpha():
            assert tuple(words[1:2]) in known, code
        for option in re.findall(r"(?<![\w-])--[a-z][\w-]*", code):
            assert option in options, code


def _keys() -> set[str]:
    keys: set[str] = set()
    models: list[type[BaseModel]] = [Suite, *SCHEMAS.values()]
    for model in models:
        schema = model.model_json_schema()
        for section in (schema, *schema.get("$defs", {}).values()):
            keys |= set(section.get("properties", {}))
    return keys


@pages
def test_no_key_or_reading_is_made_up(page: Path) -> None:
    keys = _keys()
    for code in inline_code(page):
        if written := re.match(r"([a-z_]+): ", code):
            assert written[1] in keys, code
        if re.fullmatch(r"[a-z0-9_]+_(s|j|bytes|per_s|per_1000|per_1000_g)", code):
            assert code in {*READINGS, *ALIASES, *METRICS} | keys, code


def _groups() -> set[str]:
    """Collect the groups of entry points that the code reads."""
    literals = re.compile(r'"(bench\.[a-z_.]+)"')
    return {name for path in (ROOT / "bench").rglob("*.py") for name in literals.findall(path.read_text())}


@pages
def test_no_module_or_entry_point_group_is_made_up(page: Path) -> None:
    groups = _groups() | {"bench.db"}
    names = set(re.findall(r"(?<![\w/.:-])bench(?:\.[a-z_A-Z]\w*)+(?![\w/])", page.read_text()))
    assert [name for name in sorted(names) if name not in groups and not _exists(name)] == []


def _exists(name: str) -> bool:
    """Tell whether a dotted name is a module, or something in one."""
    module, _, attribute = name.rpartition(".")
    if not module:
        return True
    try:
        if find_spec(name) is not None:
            return True
    except (ModuleNotFoundError, AttributeError):
        pass
    try:
        return hasattr(importlib.import_module(module), attribute)
    except ModuleNotFoundError:
        return False
