"""The static charts as files for papers and slides."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from pathlib import Path

from bench.errors import UsageError, nearest
from bench.report.advice import advice_of
from bench.report.charts import Drawing, drawings
from bench.report.drawing.svg import file_bytes
from bench.report.marks import marks_of
from bench.report.view import RunView

FORMATS = ("svg", "png", "pdf")
NAME_CHARACTERS = 60
"""Of a task's or a candidate's name in the name of a file."""


def write_figures(view: RunView, folder: Path, formats: Sequence[str] = FORMATS) -> list[Path]:
    """Write every static chart in each format as `TASK-CHART.FORMAT`; the same view gives the same bytes.

    Returns:
        The paths written, in the order of the page.

    Raises:
        UsageError: no such format.
    """
    for form in formats:
        if form not in FORMATS:
            raise UsageError(f"no figure format is named '{form}'; {nearest(form, FORMATS)}")
    folder.mkdir(parents=True, exist_ok=True)
    written: dict[str, Path] = {}
    for drawing in drawings(view, advice_of(view.decision), marks_of(view.families)):
        for plate in drawing.plates():
            stem = _unused(_stem(drawing, plate.chart.detail), written)
            for form in formats:
                path = folder / f"{stem}.{form}"
                path.write_bytes(file_bytes(plate.chart, form))
                written[path.name] = path
    return list(written.values())


def _stem(drawing: Drawing, detail: str) -> str:
    task = "" if drawing.task is None else drawing.task.name
    return "-".join(part for part in (slug(task), slug(drawing.kind.name), slug(detail)) if part)


def _unused(stem: str, written: dict[str, Path]) -> str:
    """Number a name that another task or candidate has taken: names that differ in signs alone give one slug."""
    taken = {path.stem for path in written.values()}
    number = 2
    unused = stem
    while unused in taken:
        unused, number = f"{stem}-{number}", number + 1
    return unused


def slug(name: str) -> str:
    """Turn a name into letters, digits and hyphens that every file system takes.

    >>> slug("Titles, long"), slug("latency_p95_s"), slug("../größe")
    ('titles-long', 'latency-p95-s', 'größe')
    """
    words = re.findall(r"[^\W_]+", unicodedata.normalize("NFC", name.lower()))
    return "-".join(words)[:NAME_CHARACTERS].strip("-")
