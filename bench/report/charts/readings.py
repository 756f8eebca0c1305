"""Readings per candidate: token times of generators, memory by phase, energy by source, training cost."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

from bench.report import tables
from bench.report.advice import TaskAdvice
from bench.report.charts.base import Chart
from bench.report.charts.plate import Plate
from bench.report.charts.rows import Dot, DotRow, draw_rows
from bench.report.marks import Mark
from bench.report.text import short
from bench.report.view import TaskView, value_of
from bench.report.wording import SOURCE_WORDS, Measure, listed, measure_of, models_of, number, plural, times
from bench.summary import Entry

HOST_MEMORY, GPU_MEMORY = "Resident set of the process and its children.", "Allocated by torch."
TOKEN_TIMES = ("ttft_p50_s", "tpot_p50_s")
PHASES = (
    ("baseline_rss_bytes", "before loading"),
    ("load_rss_bytes", "loading"),
    ("peak_rss_evaluate_bytes", "scoring"),
    ("peak_rss_bytes", "peak of all"),
)
"""Facts of memory by phase, in the order in which the phases run."""


def token_plates(task: TaskView, advice: TaskAdvice, marks: Mapping[str, Mark]) -> Iterator[Plate]:
    """Yields time to the first token and time per further token, where anything is generated."""
    ordered = _sorted(task, "ttft_p50_s")
    measure = measure_of("ttft_p50_s", ordered)
    if measure is None:
        return
    first = models_of(ordered)[0]
    chart = Chart(
        name=f"tokens-{task.number}",
        title=f"{short(task.name)}: first token and each further token",
        takeaway=(
            f"{short(first.candidate)} writes its first token soonest, after "
            f"{_shown(first, 'ttft_p50_s')}{_tpot(task)}."
        ),
        description=(
            f"Dot chart of the medians of TTFT and TPOT of {plural(len(ordered), 'candidate')}, with 95 % intervals."
        ),
        narrow=not task.crowded,
        draw=lambda: draw_rows(
            [_row(e, TOKEN_TIMES, advice) for e in ordered[: task.rows]],
            measure,
            marks,
            title="Time, median",
            series=("first token (TTFT)", "per further token (TPOT)"),
            joined=True,
        ),
        note=_left_out(task, ordered),
    )
    heads = ("TTFT p50", "TPOT p50")
    yield Plate(chart, _table(task, f"Token times on {task.name}", ordered, TOKEN_TIMES, heads, marks))


def _tpot(task: TaskView) -> str:
    ordered = _sorted(task, "tpot_p50_s")
    if not ordered:
        return ""
    first = models_of(ordered)[0]
    return f"; {short(first.candidate)} is quickest per further token, {_shown(first, 'tpot_p50_s')}"


def memory_plates(task: TaskView, advice: TaskAdvice, marks: Mapping[str, Mark]) -> Iterator[Plate]:
    """Yields memory by phase, of the host and, where there is one, of the GPU."""
    for name, phases, what in (
        ("peak_rss_bytes", PHASES, "memory"),
        ("peak_gpu_memory_bytes", (), "GPU memory"),
    ):
        ordered = _sorted(task, name)
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
    least, most = models_of(ordered)[0], models_of(ordered)[-1]
    low, high = value_of(least, measure.name), value_of(most, measure.name)
    ratio = f", {times(high / low)} as much" if low and high and high / low > 1.05 else ""
    chart = Chart(
        name=f"memory-{task.number}" if what == "memory" else f"memory-gpu-{task.number}",
        title=f"{short(task.name)}: {what} by phase",
        takeaway=f"{short(least.candidate)} needs least, {number(low, 'bytes')} at its peak; "
        f"{short(most.candidate)} most, {number(high, 'bytes')}{ratio}.",
        description=f"Dot chart of the {what} of {plural(len(rows), 'candidate')} in each phase.",
        narrow=not task.crowded,
        draw=lambda: draw_rows(
            rows,
            measure,
            marks,
            title=what.capitalize() if what == "memory" else what,
            series=[word for _, word in known] if len(known) > 1 else (),
            joined=True,
            lines=bounds,
        ),
        note=f"{HOST_MEMORY if what == 'memory' else GPU_MEMORY} {_left_out(task, ordered)}".strip(),
    )
    columns = (tables.Column("candidate", numeric=False), *(tables.Column(word) for _, word in known))
    body = [
        tables.Row((tables.name_item(e, marks), *(_fact_item(fact_of(e, name), "bytes") for name, _ in known)))
        for e in ordered
    ]
    return Plate(chart, tables.beside(f"{what.capitalize()} on {task.name}", columns, body, task.rows))


def energy_plates(task: TaskView, advice: TaskAdvice, marks: Mapping[str, Mark]) -> Iterator[Plate]:
    """Yields energy per example; a candidate without a figure keeps its row, with the reason."""
    name = "energy_per_example_j"
    ordered = _sorted(task, name)
    measure = measure_of(name, task.entries)
    if measure is None or not any(e.status == "ok" for e in task.entries):
        return
    without = [e for e in task.entries if e.status == "ok" and value_of(e, name) is None]
    rows = [_row(e, (name,), advice) for e in [*ordered, *without][: task.rows]]
    sources = sorted({q.source for e in ordered if (q := e.quantity(name)) is not None})
    words = listed([SOURCE_WORDS.get(source, source) for source in sources])
    if ordered:
        said = (
            f"{short(models_of(ordered)[0].candidate)} needs least, "
            f"{_shown(models_of(ordered)[0], name)} per example; source: {words}."
        )
    else:
        said = "No energy was measured: each row says why."
    estimate = (
        "Bars are an estimate's low and high bound: read the order, not the figure." if "estimate" in sources else ""
    )
    chart = Chart(
        name=f"energy-{task.number}",
        title=f"{short(task.name)}: energy per example",
        takeaway=said,
        description=(
            f"Dot chart of energy per example of {plural(len(rows), 'candidate')}, not measured where it says so."
        ),
        narrow=not task.crowded,
        draw=lambda: draw_rows(rows, measure, marks),
        note=f"{estimate} {_left_out(task, ordered)}".strip(),
    )
    columns = (
        tables.Column("candidate", numeric=False),
        tables.Column("energy"),
        tables.Column("source", numeric=False),
    )
    body = [_energy_row(e, name, marks) for e in [*ordered, *without]]
    yield Plate(chart, tables.beside(f"Energy per example on {task.name}", columns, body, task.rows))


def _energy_row(entry: Entry, name: str, marks: Mapping[str, Mark]) -> tables.Row:
    quantity = entry.quantity(name)
    source = (
        "not measured"
        if quantity is None or quantity.value is None
        else SOURCE_WORDS.get(quantity.source, quantity.source)
    )
    reason = (quantity.reason or "") if quantity is not None else ""
    item = tables.Item(
        source,
        title=reason,
        small="" if quantity is None or quantity.value is not None else short(reason, 60),
    )
    return tables.Row((tables.name_item(entry, marks), tables.quantity_item(quantity), item))


def training_plates(task: TaskView, advice: TaskAdvice, marks: Mapping[str, Mark]) -> Iterator[Plate]:
    """Yields what the fitted candidates cost to train."""
    ordered = list({entry.cell.model: entry for entry in reversed(_sorted(task, "fit_s"))}.values())[::-1]
    measure = measure_of("fit_s", ordered)
    if measure is None:
        return
    first, last = ordered[0], ordered[-1]
    longest = f", {short(last.cell.model)} in {_shown(last, 'fit_s')}" if last is not first else ""
    chart = Chart(
        name=f"training-{task.number}",
        title=f"{short(task.name)}: training time",
        takeaway=f"{short(first.cell.model)} was trained in {_shown(first, 'fit_s')}{longest}.",
        description=f"Dot chart of the training time of {plural(len(ordered), 'fitted model')}.",
        narrow=not task.crowded,
        draw=lambda: draw_rows([_row(e, ("fit_s",), advice) for e in ordered[: task.rows]], measure, marks),
        note=f"One fit makes all variants of a model. {_left_out(task, ordered)}".strip(),
    )
    names, heads = ("fit_s", "fit_energy_j", "quality"), ("training time", "training energy", "quality")
    yield Plate(chart, _table(task, f"Training cost of the models on {task.name}", ordered, names, heads, marks))


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


def _row(entry: Entry, names: Sequence[str], advice: TaskAdvice) -> DotRow:
    dots, remark = [], ""
    for series, name in enumerate(names):
        found = entry.quantity(name)
        if found is not None and found.value is not None:
            dots.append(Dot(found.value, found.ci_low, found.ci_high, series))
        elif found is not None and found.reason:
            remark = f"not measured: {found.reason}"
    return DotRow(entry.candidate, entry.cell.family, tuple(dots), remark, strong=entry.candidate == advice.pick)


def _sorted(task: TaskView, name: str) -> list[Entry]:
    key: Callable[[Entry], float] = lambda e: value_of(e, name) or 0.0  # noqa: E731
    return sorted(task.measured(name), key=key)


def _shown(entry: Entry, name: str) -> str:
    found = entry.quantity(name)
    return "–" if found is None else number(found.value, found.unit)


def _left_out(task: TaskView, ordered: Sequence[Entry]) -> str:
    count = len(ordered)
    few = f"{task.rows} of {count} are drawn, the lowest first; the table of results has all."
    return few if count > task.rows else ""


def _table(
    task: TaskView,
    caption: str,
    ordered: Sequence[Entry],
    names: Sequence[str],
    heads: Sequence[str],
    marks: Mapping[str, Mark],
) -> tables.Table:
    columns = (tables.Column("candidate", numeric=False), *(tables.Column(head) for head in heads))
    rows = [
        tables.Row((tables.name_item(e, marks), *(tables.quantity_item(e.quantity(name)) for name in names)))
        for e in ordered
    ]
    return tables.beside(caption, columns, rows, task.rows)


def _fact_item(value: float | None, unit: str) -> tables.Item:
    return tables.Item("–", css="none") if value is None else tables.Item(number(value, unit), value)
