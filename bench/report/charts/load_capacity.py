"""What each loaded candidate bears, how many replicas a rate takes, what it costs; and who is picked at which rate."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from bench.decision.cost import token_prices
from bench.decision.rates import PickAtRate, picks_by_rate
from bench.report import tables
from bench.report.chart import LOAD, Chart, Plate, RunChart
from bench.report.drawing.rows import Dot, DotRow, draw_rows
from bench.report.marks import Mark
from bench.report.text import short
from bench.report.view import RunView, TaskView
from bench.report.wording import Measure, number
from bench.summary import Entry, Quantity
from bench.summary.levels import counted, spec_of

RATES = ("slo_rate_per_s", "capacity_per_s")


class Capacity(RunChart):
    """The rate that each loaded candidate bears, and what that takes and costs."""

    name, title, section, order = "capacity", "What it bears, and what that costs", LOAD, 20

    def applies(self, view: RunView) -> bool:
        """Tell whether anything was loaded."""
        return any(entry.load for entry in view.entries)

    def draw(self, view: RunView, marks: Mapping[str, Mark]) -> Iterator[Plate]:
        """Give one chart for each task with loaded candidates."""
        for task in view.tasks:
            loaded = [entry for entry in task.entries if entry.load]
            if loaded:
                yield self._plate(view, task, loaded, marks)

    def _plate(self, view: RunView, task: TaskView, loaded: Sequence[Entry], marks: Mapping[str, Mark]) -> Plate:
        picks = picks_by_rate(loaded, view.decision.question)
        measure = Measure(RATES[0], "Requests per second", "Rate", "1/s", higher_is_better=True)
        strong = view.decision.tasks[task.name].pick
        rows = [_dots(entry, strong=entry.candidate == strong) for entry in loaded[: task.rows]]
        chart = Chart(
            name=f"capacity-{task.number}",
            title=f"{short(task.name)}: what each candidate bears",
            takeaway=break_points(picks) or _most(loaded),
            description="Dot chart of the rate within the SLO and of the capacity.",
            narrow=task.has_narrow,
            slim=task.crowded,
            draw=lambda: draw_rows(rows, measure, marks, series=("within the SLO", "capacity"), joined=True),
            note=_note(loaded),
        )
        return Plate(chart, _table(task, loaded, marks))


def break_points(picks: Sequence[PickAtRate]) -> str:
    """Say who is picked up to which rate; empty where no level is shared, or nobody is picked at any.

    >>> picks = [PickAtRate(5.0, "small", True), PickAtRate(10.0, "small", True), PickAtRate(20.0, None, False)]
    >>> break_points(picks)
    'Up to 10 requests a second: small; at 20 nobody keeps the SLO.'
    """
    parts: list[tuple[str | None, float]] = []
    for at in picks:
        if parts and parts[-1][0] == at.pick:
            parts[-1] = (at.pick, at.rate)
        else:
            parts.append((at.pick, at.rate))
    if not parts or all(pick is None for pick, _ in parts):
        return ""
    words = [
        (f"up to {rate:.3g} requests a second: {short(pick)}" if place == 0 else f"up to {rate:.3g}: {short(pick)}")
        for place, (pick, rate) in enumerate(parts)
        if pick is not None
    ]
    first_lost = next((at for at in picks if at.pick is None), None)
    lost = "" if first_lost is None else f"; at {first_lost.rate:.3g} nobody {_lost(first_lost)}"
    sentence = "; ".join(words) + lost
    return f"{sentence[0].upper()}{sentence[1:]}."


def _lost(at: PickAtRate) -> str:
    return "that keeps the SLO can be picked" if at.kept else "keeps the SLO"


def _most(loaded: Sequence[Entry]) -> str:
    rates = {e.candidate: q.value for e in loaded if (q := e.quantity(RATES[0])) is not None and q.value}
    if not rates:
        return "No candidate was shown to keep an SLO at any level."
    best = max(rates, key=lambda name: rates[name])
    return f"{short(best)} bears most: {rates[best]:.3g} requests a second within the SLO."


def _note(loaded: Sequence[Entry]) -> str:
    spec = spec_of(loaded[0].records)
    target = None if spec is None else spec.target_per_s
    replicas = (
        ""
        if target is None
        else f" Replicas are for {target:.4g} requests a second in all; they are taken to share nothing, and to be "
        "asked evenly."
    )
    return (
        "The rate within the SLO is one that was offered, never between two. The picks are those of the suite's own "
        f"question among the candidates that keep the SLO at the level, read at that level.{replicas}"
    )


def _dots(entry: Entry, *, strong: bool) -> DotRow:
    quantities = [entry.quantity(name) for name in RATES]
    dots = tuple(Dot(q.value, series=n) for n, q in enumerate(quantities) if q is not None and q.value is not None)
    why = next((str(q.reason) for q in quantities if q is not None and q.value is None), "")
    return DotRow(entry.candidate, entry.cell.family, dots, why, strong)


def _table(task: TaskView, loaded: Sequence[Entry], marks: Mapping[str, Mark]) -> tables.Table:
    columns = [
        tables.Column("candidate", numeric=False),
        tables.Column("within SLO", "highest offered rate that kept every limit"),
        tables.Column("capacity", "answers per second of the fastest closed loop"),
        tables.Column("knee", "requests under way from which 95 % of the capacity is reached"),
        tables.Column("replicas", "for `load.target_per_s`"),
        tables.Column("output tokens", "per second, at the highest level"),
        tables.Column("per 1000 examples", "price of a thousand examples"),
        tables.Column("per million tokens", "price of a million tokens, in and out together"),
    ]
    return tables.beside(f"Capacity on {task.name}", columns, [_row(entry, marks) for entry in loaded], task.rows)


def _row(entry: Entry, marks: Mapping[str, Mark]) -> tables.Row:
    note: Mapping[str, object] = next((r.notes["load"] for r in entry.records if "load" in r.notes), {})
    highest = max(counted(entry), key=lambda level: level.rate).numbers
    tokens = highest.output_tokens * highest.achieved_rate / max(1, highest.endings.get("ok", 0))
    return tables.Row(
        (
            tables.name_item(entry, marks),
            *(tables.quantity_item(entry.quantity(name)) for name in RATES),
            _knee(note.get("knee")),
            _replicas(entry.quantity("replicas")),
            tables.Item(f"{tokens:.4g}/s", tokens),
            tables.quantity_item(entry.quantity("cost_per_1000")),
            _price(per_million(entry)),
        )
    )


def _replicas(quantity: Quantity | None) -> tables.Item:
    if quantity is None or quantity.value is None:
        return tables.quantity_item(quantity)
    return tables.Item(f"{quantity.value:.0f}", quantity.value)


def per_million(entry: Entry) -> float | None:
    """Price a million tokens of the task, in and out as they came; None without a price or counted tokens."""
    tokens = [sample.input_tokens + sample.output_tokens for sample in entry.samples]
    prices, cost = token_prices(entry), entry.quantity("cost_per_1000")
    if not tokens or not sum(tokens) or cost is None or cost.value is None:
        return None
    if prices is not None:
        read = sum(sample.input_tokens for sample in entry.samples)
        return prices.of(read, sum(tokens) - read) / sum(tokens) * 1e6
    return cost.value / 1000 / (sum(tokens) / len(tokens)) * 1e6


def _knee(value: object) -> tables.Item:
    if not isinstance(value, int):
        return tables.Item("–", css="none")
    return tables.Item(f"{value} under way", float(value))


def _price(value: float | None) -> tables.Item:
    if value is None:
        return tables.Item("–", css="none")
    return tables.Item(number(value, "currency"), value)
