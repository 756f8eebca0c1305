"""The static charts as files for papers and slides."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from bench.errors import UsageError, nearest
from bench.report.advice import advice_of
from bench.report.charts import KINDS, plates
from bench.report.charts.base import file_bytes
from bench.report.marks import marks_of
from bench.report.view import RunView
from bench.store.files import write_file

FORMATS = ("svg", "png", "pdf")


def write_figures(view: RunView, folder: Path, formats: Sequence[str] = FORMATS) -> list[Path]:
    """Writes every static chart in each format, and returns the paths; the same view gives the same bytes.

    Raises:
        UsageError: no such format.
    """
    for form in formats:
        if form not in FORMATS:
            raise UsageError(f"no figure format is named '{form}'; {nearest(form, FORMATS)}")
    folder.mkdir(parents=True, exist_ok=True)
    advice, marks = advice_of(view.decision), marks_of(view.families)
    written = []
    for kind in KINDS:
        for plate in plates(view, advice, marks, kind):
            for form in formats:
                path = folder / f"{plate.chart.name}.{form}"
                write_file(path, file_bytes(plate.chart, form))
                written.append(path)
    return written
