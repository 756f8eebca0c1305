"""Readings per candidate: token times of generators, and memory by phase."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

from bench.catalogue.readings import READINGS
from bench.report import tables
from bench.report.advice import TaskAdvice
from bench.report.charts.base import Chart
from bench.report.charts.plate import Plate
from bench.report.charts.rows import Dot, DotRow, draw_rows
from bench.report.marks import Mark
from bench.report.text import short
from bench.report.view import TaskView, value_of
from bench.report.wording import Measure, among, listed, measure_of, models_of, number, plural, times
from bench.summary import Entry

HOST_MEMORY, GPU_MEMORY = "Resident set of the process and its children.", "Allocated by torch."
TOKEN_TIMES = ("ttft_p50_s", "tpot_p50_s")
MANY = 1.05
"""From this ratio on a takeaway says how many times as much."""
PHASES = (
    ("baseline_rss_bytes", "before loading"),
    ("load_rss_bytes", "loading"),
    ("peak_rss_evaluate_bytes", "scoring"),
    ("peak_rss_bytes", "peak of all"),
)
"""Facts of memory by phase, in the order in which the phases run."""


def token_plates(task: TaskView, advice: TaskAdvice, marks: Mapping[str, Mark]) -> Iterator[Plate]:
    """Yields time to the first token and time per further token, where anything is generated."""
    ordered = sorted_by(task, "ttft_p50_s")
    measure = measure_of("ttft_p50_s", ordered)
    if measure is None:
        return
    chart = Chart(
        name=f"tokens-{task.number}",
        title=f"{short(task.name)}: first token and each further token",
        takeaway=_soonest(task, ordered),
        description=(
            f"Dot chart of the medians of TTFT and TPOT of {plural(len(ordered), 'candidate')}, with 95 % intervals."
        ),
        narrow=task.has_narrow,
        slim=task.crowded,
        draw=lambda: draw_rows(
            [reading_row(e, TOKEN_TIMES, advice) for e in ordered[: task.rows]],
            measure,
            marks,
            title="Time, median",
            series=("first token (TTFT)", "per further token (TPOT)"),
            joined=True,
        ),
        note=left_out(task, ordered),
    )
    heads = [READINGS[name].short for name in TOKEN_TIMES]
    yield Plate(chart, reading_table(task, f"Token times on {task.name}", ordered, TOKEN_TIMES, heads, marks))


def _soonest(task: TaskView, ordered: Sequence[Entry]) -> str:
    """Returns who is first with the first token and who with each further one."""
    models, further = models_of(ordered), sorted_by(task, "tpot_p50_s")
    first, said = models[0], among(ordered, models)
    if len(models) == 1:
        rest = f" and one each {shown(first, 'tpot_p50_s')} after that" if value_of(first, "tpot_p50_s") else ""
        return f"{short(first.candidate)} writes its first token after {shown(first, 'ttft_p50_s')}{rest}."
    soon = f"{said}{short(first.candidate)} writes its first token soonest, after {shown(first, 'ttft_p50_s')}"
    if not further:
        return f"{soon}."
    quick = models_of(further)[0]
    if quick is first:
        return f"{soon}, and is quickest per further token too, {shown(quick, 'tpot_p50_s')}."
    return f"{soon}; {short(quick.candidate)} is quickest per further token, {shown(quick, 'tpot_p50_s')}."


def memory_plates(task: TaskView, advice: TaskAdvice, marks: Mapping[str, Mark]) -> Iterator[Plate]:
    """Yields memory by phase, of the host and, where there is one, of the GPU."""
    for name, phases, what in (
        ("peak_rss_bytes", PHASES, "memory"),
        ("peak_gpu_memory_bytes", (), "GPU memory"),
    ):
        ordered = sorted_by(task, name)
        measure = measure_of(name, ordered)
        if measure is not None:
            yield _memory(task, advice, marks, measure, ordered, phases, what)


def _memory(
    task: TaskView,
    advice: TaskAdvice,
    marks: Mapping[str, Mark],
    measure: Measure,
    ordered: Sequence[Entry],
    phases: Sequence[tuple[str, str]],
    what: str,
) -> Plate:
    known = [(name, word) for name, word in phases if any(fact_of(e, name) is not None for e in ordered)]
    known = known or [(measure.name, "peak of all")]
    bounds = [(b.value, f"limit {number(b.value, 'bytes')}") for b in advice.limits if b.reading == measure.name]
    rows = [_phase_row(e, [name for name, _ in known], advice) for e in ordered[: task.rows]]
    chart = Chart(
        name=f"memory-{task.number}" if what == "memory" else f"memory-gpu-{task.number}",
        title=f"{short(task.name)}: {what} by phase",
        takeaway=least(ordered, measure.name, " at its peak"),
        description=f"Dot chart of the {what} of {plural(len(rows), 'candidate')} in each phase.",
        narrow=task.has_narrow,
        slim=task.crowded,
        draw=lambda: draw_rows(
            rows,
            measure,
            marks,
            title=what.capitalize() if what == "memory" else what,
            series=[word for _, word in known] if len(known) > 1 else (),
            joined=True,
            lines=bounds,
        ),
        note=f"{HOST_MEMORY if what == 'memory' else GPU_MEMORY} {left_out(task, ordered)}".strip(),
    )
    columns = (tables.Column("candidate", numeric=False), *(tables.Column(word) for _, word in known))
    body = [
        tables.Row((tables.name_item(e, marks), *(_fact_item(fact_of(e, name), "bytes") for name, _ in known)))
        for e in ordered
    ]
    return Plate(chart, tables.beside(f"{what.capitalize()} on {task.name}", columns, body, task.rows))


def least(ordered: Sequence[Entry], name: str, where: str = "") -> str:
    """Returns which model needs least and which most of a cost; `ordered` is the lowest first."""
    models = models_of(ordered)
    least, most = models[0], models[-1]
    low, high = value_of(least, name), value_of(most, name)
    tied = [short(e.candidate) for e in models if value_of(e, name) == low]
    if len(models) == 1:
        return f"{among(ordered, models)}{tied[0]} alone has a figure, {shown(models[0], name)}{where}."
    need = "needs" if len(tied) == 1 else "need"
    said = f"{among(ordered, models)}{listed(tied, 3)} {need} least, {shown(least, name)}{where}"
    if low == high or low is None or high is None:
        return f"{said}, and none needs more."
    ratio = f", {times(high / low)} as much" if low > 0 and high / low > MANY else ""
    return f"{said}; {short(most.candidate)} most, {shown(most, name)}{ratio}."


def fact_of(entry: Entry, name: str) -> float | None:
    """Returns a stored fact at its highest over the processes, or the reading of that name."""
    known = value_of(entry, name)
    if known is not None:
        return known
    found = [f.value for record in entry.records for f in record.facts if f.name == name and f.value is not None]
    return max(found, default=None)


def _phase_row(entry: Entry, names: Sequence[str], advice: TaskAdvice) -> DotRow:
    found = [(value, i) for i, name in enumerate(reversed(names)) if (value := fact_of(entry, name)) is not None]
    dots = tuple(Dot(value, series=len(names) - 1 - i) for value, i in found)
    return DotRow(entry.candidate, entry.cell.family, dots, strong=entry.candidate == advice.pick)


def reading_row(entry: Entry, names: Sequence[str], advice: TaskAdvice) -> DotRow:
    """Returns a candidate's row: a dot for each reading, or why there is none."""
    dots, remark = [], ""
    for series, name in enumerate(names):
        found = entry.quantity(name)
        if found is not None and found.value is not None:
            dots.append(Dot(found.value, found.ci_low, found.ci_high, series))
        elif found is not None and found.reason:
            remark = f"not measured: {found.reason}"
    return DotRow(entry.candidate, entry.cell.family, tuple(dots), remark, strong=entry.candidate == advice.pick)


def sorted_by(task: TaskView, name: str) -> list[Entry]:
    """Returns the entries that have a reading, the lowest first."""
    key: Callable[[Entry], float] = lambda e: value_of(e, name) or 0.0  # noqa: E731
    return sorted(task.measured(name), key=key)


def shown(entry: Entry, name: str) -> str:
    """Returns a reading as a person reads it."""
    found = entry.quantity(name)
    return "–" if found is None else number(found.value, found.unit)


def left_out(task: TaskView, ordered: Sequence[Entry]) -> str:
    """Returns that a chart shows only its first rows, where it does."""
    count = len(ordered)
    few = f"{task.rows} of {count} are drawn, the lowest first; the table of results has all."
    return few if count > task.rows else ""


def reading_table(
    task: TaskView,
    caption: str,
    ordered: Sequence[Entry],
    names: Sequence[str],
    heads: Sequence[str],
    marks: Mapping[str, Mark],
) -> tables.Table:
    """Returns the readings that a chart draws, one row per candidate."""
    columns = (tables.Column("candidate", numeric=False), *(tables.Column(head) for head in heads))
    rows = [
        tables.Row((tables.name_item(e, marks), *(tables.quantity_item(e.quantity(name)) for name in names)))
        for e in ordered
    ]
    return tables.beside(caption, columns, rows, task.rows)


def _fact_item(value: float | None, unit: str) -> tables.Item:
    return tables.Item("–", css="none") if value is None else tables.Item(number(value, unit), value)
