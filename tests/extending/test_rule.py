"""A decision rule is one new file: `bench recommend --rule NAME` picks by it, and its own phrase explains it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import bench
from bench.decision.rule import Rule
from bench.suite.rules import FOLDER, RULES
from tests.factories import Sketch, make_run
from tests.store.nights import store_run

RULE = '''
"""The least accurate, as a joke of a rule."""

from __future__ import annotations

from bench.decision.rule import Rule, Situation, Stage


class CostsFirst(Rule):
    """Take the best of the first cost, and nothing else."""

    name = "costs-first"
    phrase = "the best {cheapest}, whatever its {preferred}"

    def stages(self, situation: Situation) -> list[Stage]:
        """Pass what is best in the first cost."""
        return situation.without_slack(situation.costs)


RULE = CostsFirst()
'''
MODELS = [Sketch("a", skill=0.9, latency_s=0.010), Sketch("b", skill=0.6, latency_s=0.003)]


@pytest.fixture
def house(tmp_path: Path) -> Path:
    """A copy of the package with one file more, and a results folder beside it."""
    package = Path(bench.__file__).parent
    shutil.copytree(package, tmp_path / "bench", ignore=shutil.ignore_patterns("__pycache__"))
    rules = tmp_path / "bench" / FOLDER.relative_to(package)
    (rules / "costs_first.py").write_text(RULE, encoding="utf-8")
    store_run(tmp_path / "results", make_run(MODELS), night=1)
    return tmp_path


def _recommend(house: Path, *options: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "bench", "recommend", "--results", str(house / "results"), *options]
    environment = os.environ | {"PYTHONPATH": str(house)}
    return subprocess.run(command, cwd=house, env=environment, capture_output=True, text=True, check=False, timeout=120)


@pytest.mark.slow
def test_one_file_is_a_rule_that_recommend_picks_by(house: Path) -> None:
    usual, new = (_recommend(house, "--json", *more) for more in ((), ("--rule", "costs-first")))
    picks = [json.loads(ran.stdout)["tasks"]["topic"]["recommendation"] for ran in (usual, new)]
    assert [(pick["rule"], pick["pick"]) for pick in picks] == [
        ("best-quality-within-budget", "a"),
        ("costs-first", "b"),
    ]
    said = _recommend(house, "--long", "--rule", "costs-first").stdout
    assert "the one with the best median latency, whatever its accuracy." in said


def test_an_unknown_rule_is_one_line(house: Path) -> None:
    ran = _recommend(house, "--rule", "cost-first")
    assert ran.returncode == 2 and "did you mean 'costs-first'?" in ran.stderr
    assert len(ran.stderr.strip().splitlines()) == 1


@pytest.mark.parametrize("name", list(RULES))
def test_every_rule_is_named_as_its_file_is(name: str) -> None:
    rule = RULES.find(name)
    assert isinstance(rule, Rule) and rule.name == name
    parts = dict.fromkeys(("preferred", "ties", "cheapest", "epsilon", "order", "rates"), "x")
    assert rule.phrase.format(**parts)
