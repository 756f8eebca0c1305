"""Families and kinds of tasks are declared once: no name of one is a literal elsewhere, and each one is whole."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import bench
from bench.candidates import FAMILIES, is_floor
from bench.candidates.family import EXCLUSIVE_KEYS
from bench.metrics.catalogue import fits
from bench.report.marks import looks, marks_of
from bench.suite import ModelSpec
from bench.tasks import KINDS
from bench.tasks.choosing import scorings_of, why_unsupported
from bench.tasks.metrics import resolve

PACKAGE = Path(bench.__file__).parent
OWN = (PACKAGE / "candidates" / "families", PACKAGE / "tasks" / "kinds")
OTHER_MEANINGS = {
    "gate/rerun.py": {"baseline"},
    "nightly/outcome.py": {"baseline"},
    "candidates/limits.py": {"encoder", "embedding"},
    "candidates/checkpoint.py": {"regression"},
    "fit/recipe.py": {"linear"},
    "fit/trainer.py": {"linear"},
    "measure/flops.py": {"linear"},
    "report/drawing/axes.py": {"linear"},
}
"""Words that are names of families or kinds, and here of something else: the gate's baseline run, parts of a network,
transformers' `problem_type`, a schedule, an operator of torch, a scale."""


def literals(path: Path) -> Iterator[str]:
    """Yield the text constants of a file that are no docstrings."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    prose = {
        id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in prose:
            yield node.value


def test_no_name_of_a_family_or_a_kind_is_a_literal_outside_its_own_file() -> None:
    names = {*FAMILIES, *KINDS}
    found = {}
    for path in PACKAGE.rglob("*.py"):
        if path.parent not in OWN:
            place = path.relative_to(PACKAGE).as_posix()
            named = names.intersection(literals(path)) - OTHER_MEANINGS.get(place, set())
            if named:
                found[place] = named
    assert found == {}


@pytest.mark.parametrize("folder", OWN, ids=lambda folder: folder.name)
def test_no_declaration_names_another(folder: Path) -> None:
    names = {*FAMILIES, *KINDS}
    for path in folder.glob("*.py"):
        assert len(names.intersection(literals(path))) <= 1, path


def test_declarations_are_read_without_torch_and_transformers() -> None:
    code = (
        "import sys; from bench.candidates import FAMILIES; from bench.tasks import KINDS\n"
        "dict(FAMILIES), dict(KINDS)\n"
        "print(sorted({'torch', 'transformers', 'numpy', 'pandas'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert set(done.stdout.split()) <= {"[]", "['numpy']"}, done.stdout


@pytest.mark.parametrize("name", list(FAMILIES))
def test_a_family_is_declared_whole(name: str) -> None:
    family = FAMILIES[name]
    assert family.name == name and family.summary and family.abilities
    assert family.keys <= set(EXCLUSIVE_KEYS)
    assert set(family.needs) <= set(ModelSpec.model_fields)
    assert not family.abilities & set(family.lacks), "it cannot have an ability and lack it"
    assert any(why_unsupported(name, kind) is None for kind in KINDS)
    for kind in KINDS:
        reason = why_unsupported(name, kind)
        assert reason is None or "; use a " in reason or family.is_floor


@pytest.mark.parametrize("name", list(KINDS))
def test_a_kind_is_declared_whole(name: str) -> None:
    kind = KINDS[name]
    assert kind.name == name and kind.summary and kind.version >= 1
    assert all(fits(metric, kind) for metric in resolve([], name))
    assert any(why_unsupported(family, name) is None for family in FAMILIES)
    if kind.scorings:
        able = [f for f in FAMILIES if why_unsupported(f, name) is None and not is_floor(f)]
        assert all(scorings_of(family, name) for family in able)


def test_every_family_has_a_mark_of_its_own_and_one_is_left_for_a_plug_in() -> None:
    marks = marks_of([*FAMILIES, "one-more", "and-another"])
    assert len({(mark.colour, mark.shape) for mark in marks.values()}) == len(marks)
    assert {mark.css for mark in marks.values()} <= {f"--m-{place}" for place in range(len(looks()))}
    assert marks["one-more"].label == "one-more"
