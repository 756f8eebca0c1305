"""One page of each synthetic run, made once for all tests."""

from functools import cache
from pathlib import Path

import pytest

from bench.report import RunView, render
from bench.report.advice import advice_of
from bench.report.chart import Plate
from bench.report.charts import chart_kinds, drawings
from bench.report.marks import marks_of
from tests.report import runs


@cache
def page_text(name: str) -> str:
    return render(view_named(name))


@cache
def view_named(name: str) -> RunView:
    made: RunView = getattr(runs, name)()
    return made


def plates_of(view: RunView, name: str) -> list[Plate]:
    """The plates of one kind of chart, task by task."""
    kinds = [kind for kind in chart_kinds() if kind.name == name]
    assert kinds, name
    listed = drawings(view, advice_of(view.decision), marks_of(view.families), kinds)
    return [plate for drawing in listed for plate in drawing.plates()]


KINDS = [kind.name for kind in chart_kinds()]


@pytest.fixture
def quickstart() -> RunView:
    return view_named("quickstart")


@pytest.fixture(scope="session")
def page_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("report") / "quickstart.html"
    path.write_text(page_text("quickstart"), encoding="utf-8")
    return path
