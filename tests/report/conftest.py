"""One page of each synthetic run, made once for all tests."""

from functools import cache
from pathlib import Path

import pytest

from bench.report import RunView, render
from tests.report import runs


@cache
def page_text(name: str) -> str:
    return render(view_named(name))


@cache
def view_named(name: str) -> RunView:
    made: RunView = getattr(runs, name)()
    return made


@pytest.fixture
def quickstart() -> RunView:
    return view_named("quickstart")


@pytest.fixture(scope="session")
def page_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("report") / "quickstart.html"
    path.write_text(page_text("quickstart"), encoding="utf-8")
    return path
