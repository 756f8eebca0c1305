"""Memory by phase: what the model needs, what the host has, and, where there is one, the GPU."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from bench.report import tables
from bench.report.advice import TaskAdvice
from bench.report.chart import MEMORY, Chart, Plate, TaskChart
from bench.report.drawing.readings import least, left_out, sorted_by
from bench.report.drawing.rows import Dot, DotRow, draw_rows
from bench.report.marks import Mark
from bench.report.text import short
from bench.report.view import TaskView, value_of
from bench.report.wording import Measure, measure_of, number, plural
from bench.summary import Entry


@dataclass(frozen=True, slots=True)
class Place:
    """A kind of memory."""

    part: str
    """Of the chart's name: `memory`, and `memory-gpu`."""
    detail: str
    peak: str
    """The reading that the limit is about."""
    phases: tuple[tuple[str, str], ...]
    """Facts of the phases with their words, in the order in which the phases run."""
    words: str
    axis: str
    note: str


MODEL = Place(
    part="memory-model",
    detail="model",
    peak="model_memory_bytes",
    phases=(("model_load_memory_bytes", "loading"), ("model_memory_bytes", "serving")),
    words="model memory",
    axis="Model memory",
    note="What the model needs beside an empty worker.",
)
HOST = Place(
    part="memory",
    detail="",
    peak="peak_rss_bytes",
    phases=(
        ("baseline_rss_bytes", "before loading"),
        ("load_rss_bytes", "loading"),
        ("peak_rss_evaluate_bytes", "scoring"),
        ("peak_rss_bytes", "peak of all"),
    ),
    words="memory",
    axis="Memory",
    note="Resident set of the process and its children.",
)
GPU = Place(
    part="memory-gpu",
    detail="gpu",
    peak="peak_gpu_memory_bytes",
    phases=(),
    words="GPU memory",
    axis="GPU memory",
    note="Allocated by torch.",
)


class Memory(TaskChart):
    """The highest memory in each phase."""

    name, title, section, order = "memory", "Memory by phase", MEMORY, 10

    def draw(self, task: TaskView, advice: TaskAdvice, marks: Mapping[str, Mark]) -> Iterator[Plate]:
        """Give the model's memory, then that of the host, then the GPU's."""
        for place in (MODEL, HOST, GPU):
            ordered = sorted_by(task, place.peak)
            measure = measure_of(place.peak, ordered)
            if measure is not None:
                yield _plate(task, advice, marks, measure, ordered, place)


def _plate(
    task: TaskView,
    advice: TaskAdvice,
    marks: Mapping[str, Mark],
    measure: Measure,
    ordered: Sequence[Entry],
    place: Place,
) -> Plate:
    phases = [(name, word) for name, word in place.phases if any(fact_of(e, name) is not None for e in ordered)]
    phases = phases or [(measure.name, "peak of all")]
    bounds = [(b.value, f"limit {number(b.value, 'bytes')}") for b in advice.limits if b.reading == measure.name]
    rows = [_phase_row(e, [name for name, _ in phases], advice) for e in ordered[: task.rows]]
    chart = Chart(
        name=f"{place.part}-{task.number}",
        title=f"{short(task.name)}: {place.words} by phase",
        takeaway=least(ordered, measure.name, " at its peak"),
        description=f"Dot chart of the {place.words} of {plural(len(rows), 'candidate')} in each phase.",
        detail=place.detail,
        narrow=task.has_narrow,
        slim=task.crowded,
        draw=lambda: draw_rows(
            rows,
            measure,
            marks,
            title=place.axis,
            series=[word for _, word in phases] if len(phases) > 1 else (),
            joined=True,
            lines=bounds,
        ),
        note=f"{place.note} {left_out(task, ordered)}".strip(),
    )
    columns = (tables.Column("candidate", numeric=False), *(tables.Column(word) for _, word in phases))
    body = [
        tables.Row((tables.name_item(e, marks), *(_fact_item(fact_of(e, name), "bytes") for name, _ in phases)))
        for e in ordered
    ]
    return Plate(chart, tables.beside(f"{place.words.capitalize()} on {task.name}", columns, body, task.rows))


def fact_of(entry: Entry, name: str) -> float | None:
    """Look up the reading of a name, or the stored fact at its highest over the processes."""
    reading = value_of(entry, name)
    if reading is not None:
        return reading
    facts = [f.value for record in entry.records for f in record.facts if f.name == name and f.value is not None]
    return max(facts, default=None)


def _phase_row(entry: Entry, names: Sequence[str], advice: TaskAdvice) -> DotRow:
    values = [(value, i) for i, name in enumerate(reversed(names)) if (value := fact_of(entry, name)) is not None]
    dots = tuple(Dot(value, series=len(names) - 1 - i) for value, i in values)
    return DotRow(entry.candidate, entry.cell.family, dots, strong=entry.candidate == advice.pick)


def _fact_item(value: float | None, unit: str) -> tables.Item:
    return tables.Item("–", css="none") if value is None else tables.Item(number(value, unit), value)
