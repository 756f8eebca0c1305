"""A chart is one new file: in `bench/report/charts/`, or in a package of one's own with an entry point."""

import os
import shutil
import subprocess
import sys
from pathlib import Path
from textwrap import dedent

import pytest

from bench import plugins
from bench.errors import InputError
from bench.report import charts
from bench.report.chart import RunChart, TaskChart
from bench.report.charts import CHARTS, chart_kinds

ROOT = Path(__file__).parents[2]

CHART = '''
"""Load time of every candidate."""

from bench.report.chart import ChartSection, Chart, Plate, TaskChart
from bench.report.drawing.readings import reading_row, reading_table, sorted_by
from bench.report.drawing.rows import draw_rows
from bench.report.wording import measure_of

START = ChartSection("start", "Start", "How long it takes to start", "From nothing to ready.", order=45)


class Start(TaskChart):
    """Load time."""

    name, title, section, order = "start-up", "Load time", START, 10

    def applies(self, task):
        """Tell whether anything was loaded."""
        return bool(task.measured("load_s"))

    def draw(self, task, advice, marks):
        """Give the load time of each candidate."""
        entries = sorted_by(task, "load_s")
        rows = [reading_row(entry, ("load_s",), advice) for entry in entries]
        chart = Chart(
            name=f"start-up-{task.number}",
            title=f"{task.name}: load time",
            takeaway=f"{entries[0].candidate} is ready first.",
            description="Dot chart of the load time.",
            draw=lambda: draw_rows(rows, measure_of("load_s", entries), marks),
        )
        heads = ("load time",)
        yield Plate(chart, reading_table(task, f"Load time on {task.name}", entries, ("load_s",), heads, marks))
'''

SHOW = """
    import re, sys
    from pathlib import Path
    from bench.report import render, write_figures
    from tests.report import runs

    view = runs.two()
    page = render(view)
    assert page.count("is ready first.") >= 1, "the chart is not in the page"
    assert "Load time on status" in page, "its table is not in the page"
    order = re.findall(r'<section id="([^"]+)"', page)
    assert order.index("speed") < order.index("start") < order.index("memory"), order
    written = write_figures(view, Path(sys.argv[1]), ["svg"])
    assert "status-start-up.svg" in [path.name for path in written]
"""


def run_in(folder: Path, *path: Path) -> None:
    """Renders a synthetic run in a process of its own, whose modules come from the folders given."""
    script = folder / "show.py"
    script.write_text(dedent(SHOW))
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(map(str, path)), "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(
        [sys.executable, "-P", str(script), str(folder / "figures")],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def test_a_new_file_in_the_folder_is_a_chart_of_the_page_and_of_the_figures(tmp_path: Path) -> None:
    without_caches = shutil.ignore_patterns("__pycache__")
    shutil.copytree(ROOT / "bench", tmp_path / "bench", ignore=without_caches)
    shutil.copytree(ROOT / "tests", tmp_path / "tests", ignore=without_caches)
    (tmp_path / "bench" / "report" / "charts" / "startup.py").write_text(CHART)
    run_in(tmp_path, tmp_path)


@pytest.mark.slow
def test_an_entry_point_adds_a_chart(tmp_path: Path) -> None:
    (tmp_path / "third_party.py").write_text(CHART)
    metadata = tmp_path / "third_party-1.0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: third-party\nVersion: 1.0\n")
    (metadata / "entry_points.txt").write_text("[bench.charts]\nstart-up = third_party:Start\n")
    run_in(tmp_path, tmp_path, ROOT)


def test_every_file_of_the_folder_declares_a_chart_and_every_chart_is_whole() -> None:
    kinds = chart_kinds()
    files = {path.stem for path in Path(charts.__file__).parent.glob("*.py")} - {"__init__"}
    assert {type(kind).__module__.rpartition(".")[2] for kind in kinds} == files
    for kind in kinds:
        assert isinstance(kind, (TaskChart, RunChart))
        assert kind.title and kind.section.title and kind.section.nav
    assert len({(kind.section.anchor, kind.order) for kind in kinds}) == len(kinds), "an order that two charts share"


class _Point:
    name, value = "wrong", "json:dumps"


@pytest.mark.parametrize("value", ["json:dumps", "bench.report.charts.front:Front"])
def test_an_entry_point_that_is_no_chart_or_takes_a_name_is_an_error(
    value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    point = _Point()
    point.value = value
    monkeypatch.setattr(plugins, "entry_points", lambda group: [point])
    CHARTS.forget()
    try:
        with pytest.raises(InputError, match=r"is no DeclaredChart|own name 'front'"):
            chart_kinds()
    finally:
        CHARTS.forget()
