"""What a reader must know of how the candidates of a task were compared, in words."""

from __future__ import annotations

from functools import singledispatch

from bench.decision.board import Board
from bench.decision.fronts import NoVolume, Volume
from bench.decision.question import Question
from bench.decision.remarks import (
    CostLeftOut,
    CostsCombined,
    Dropped,
    Estimated,
    FrontRaced,
    LimitInapplicable,
    MetricsLeftOut,
    NoShares,
    ObjectiveDropped,
    OneProcess,
    PeakRead,
    QualityAveraged,
    StoodIn,
    StoppedEarly,
    TakenAsRead,
    TokensDiffer,
)
from bench.decision.rule import valued_column
from bench.decision.stages import preferred, rule_of
from bench.suite import DecisionSpec, PriceSpec
from bench.units import format_quantity
from bench.words.wording import are, capital, listed, percent, size, spoken, where


@singledispatch
def remark(note: object) -> str:
    """Say a remark of the decision."""
    raise TypeError(f"no sentence is known for {type(note).__name__}; add one beside the others")


@remark.register
def _(dropped: ObjectiveDropped) -> str:
    if dropped.why is Dropped.NOTHING_FINISHED:
        return f"{dropped.objective} is not known: no model finished '{dropped.task}'."
    if dropped.why is Dropped.NOT_A_METRIC:
        return f"{dropped.objective} is not a metric of '{dropped.task}': it is left out of this front."
    why = f" ({'; '.join(dropped.reasons)})" if dropped.reasons else ""
    return f"{dropped.objective} was measured for no model on '{dropped.task}'{why}: it is left out of this front."


@remark.register
def _(stood_in: StoodIn) -> str:
    return (
        f"{capital(spoken(stood_in.objective))} was not measured for every model (the run is of an older bench, or of "
        f"a system that does not tell): the models are compared by {spoken(stood_in.instead)} instead."
    )


@remark.register
def _(tokens: TokensDiffer) -> str:
    metrics = listed([spoken(name) for name in tokens.metrics])
    lead = f"The models of '{tokens.task}' cut texts into different tokens, so {metrics} is not compared, nor limited: "
    if tokens.instead is None:
        return f"{lead}nothing says which of them is better; add bits_per_byte to the task's metrics."
    return f"{lead}quality there is {spoken(tokens.instead)}."


@remark.register
def _(estimate: Estimated) -> str:
    lead = f"{capital(spoken(estimate.column))} on '{estimate.task}' is an estimate for"
    if not estimate.measured:
        return f"{lead} every model: read it as a ranking, not as a measurement."
    return (
        f"{lead} {', '.join(estimate.estimated)} and measured for {', '.join(estimate.measured)}: the estimates "
        "enter with their whole range, and a rank between the two kinds means less than one within them."
    )


@remark.register
def _(as_read: TakenAsRead) -> str:
    columns = [spoken(column) for column in as_read.columns]
    whose = f" for {listed(as_read.candidates)}" if as_read.candidates else ""
    if len(columns) == 1:
        return (
            f"How much {columns[0]} on '{as_read.task}' varies is not known{whose}: it is compared as it was read, so "
            "a small difference in it may be chance."
        )
    return (
        f"How much {listed(columns)} on '{as_read.task}' vary is not known{whose}: they are compared as they were "
        "read, so a small difference in one of them may be chance."
    )


@remark.register
def _(once: OneProcess) -> str:
    columns = [spoken(column) for column in once.columns]
    whose = f" for {listed(once.candidates)}" if once.candidates else ""
    return (
        f"{capital(listed(columns))} on '{once.task}' {'were' if len(columns) > 1 else 'was'} measured in one "
        f"process{whose}: another may differ, so no difference in {'them' if len(columns) > 1 else 'it'} is certain; "
        "measure in two or more."
    )


@remark.register
def _(early: StoppedEarly) -> str:
    whose = listed(early.candidates) if early.candidates else "every candidate"
    return (
        f"On '{early.task}' {whose} answered as many examples as the race needed: how many depends on the answers, so "
        "no place on the front is certain by quality; `--until all` answers all."
    )


@remark.register
def _(front: FrontRaced) -> str:
    kinds = (
        (front.on, "on it {are} {names}"),
        (front.off, "off it {are} {names}"),
        (front.ties, "{names} {are} on it or off it by less than the margin"),
        (front.open, "{names} {are} open"),
    )
    places = [text.format(names=listed(names), are=are(len(names))) for names, text in kinds if names]
    settled = f" (one of these places is wrong with a chance of at most {percent(front.risk)})"
    known = settled if front.on or front.off or front.ties else ""
    return (
        f"The race tells who is on the front of '{front.task}' with all {front.total:,} examples and the costs as "
        f"measured: {'; '.join(places)}{known}. It does not tell what other examples or processes would show, so no "
        "place counts as certain."
    )


@remark.register
def _(peak: PeakRead) -> str:
    columns = [spoken(column) for column in peak.columns]
    whose = f" for {listed(peak.candidates)}" if peak.candidates else ""
    return (
        f"{capital(listed(columns))} on '{peak.task}' {are(len(columns))} read as the highest of the processes{whose}: "
        f"a difference is certain where it is above {100 * peak.share:g} % of the two together and "
        f"{format_quantity(2 * peak.slack_bytes, 'bytes')}."
    )


@remark.register
def _(average: QualityAveraged) -> str:
    weights = ", ".join(f"{weight:g} for '{task}'" for task, weight in average.weights)
    return f"Across tasks quality is each task's share of the best model, averaged with the weights {weights}."


@remark.register
def _(task: NoShares) -> str:
    return (
        f"Across tasks '{task.task}' is left out of the average quality: the best {spoken(task.metric)} is not above "
        "0, so that no other is a share of it; look at that task by itself."
    )


@remark.register
def _(costs: CostsCombined) -> str:
    columns = [spoken(column) for column in costs.columns]
    worst = f"taken at {'their' if len(columns) > 1 else 'its'} worst"
    return f"Across tasks {listed(columns)} {are(len(columns))} {'summed' if costs.summed else worst}."


@remark.register
def _(cost: CostLeftOut) -> str:
    tasks = listed([f"'{task}'" for task in cost.tasks])
    have = "has" if len(cost.tasks) == 1 else "have"
    return f"Across tasks {spoken(cost.column)} is left out: only {tasks} {have} it."


@remark.register
def _(metrics: MetricsLeftOut) -> str:
    left_out = listed([spoken(name) for name in metrics.left_out])
    return f"Across tasks '{metrics.task}' counts by {spoken(metrics.counted)}; {left_out} is left out."


@remark.register
def _(inapplicable: LimitInapplicable) -> str:
    limit = f"{spoken(inapplicable.limit.name)} {inapplicable.limit.text}"
    return f"The limit {limit} does not apply to '{inapplicable.task}', which has no such metric."


def rule(board: Board, spec: DecisionSpec) -> list[str]:
    """Say what the suite's rule is; nothing where there is nothing to prefer."""
    if not board.columns:
        return []
    prefer = preferred(board, spec)
    column = board.columns[prefer]
    instead = ""
    if spec.prefer and valued_column(board, spec.prefer) is None:
        instead = f" {capital(where(board))} has no {spoken(spec.prefer)}, so {spoken(column.name)} is preferred here."
    costs = [spoken(board.columns[c].name) for c in range(board.objectives) if c != prefer]
    phrase = rule_of(spec).phrase.format(
        preferred=spoken(column.name),
        ties=f", and among equals by {', then '.join(costs)}" if costs else "",
        cheapest=costs[0] if costs else "value",
        epsilon=size(column, spec.epsilon),
        order=listed([spoken(name) for name in spec.order], "then"),
        rates=listed([_rate(name, text, column.name) for name, text in spec.rates.items()]),
    )
    risk = percent(spec.risk)
    lead = f"The rule ({spec.rule}): of the models that break a limit with a chance of at most {risk}, the one with"
    return [f"{lead} {phrase}.{instead}"]


def _rate(name: str, text: str, preferred_name: str) -> str:
    """Say an exchange rate: `20 ms of p95 latency weigh as much as 0.01 of accuracy`."""
    amount, _, worth = text.partition(" per ")
    return f"{amount.strip()} of {spoken(name)} weigh as much as {worth.strip()} of {spoken(preferred_name)}"


def volume(front_volume: Volume) -> str:
    """Say what a hypervolume is, or why there is none."""
    if front_volume.why_not is NoVolume.NO_REFERENCE:
        return "no hypervolume: the suite fixes no reference point (decision.reference)"
    if front_volume.why_not is NoVolume.NO_COORDINATE:
        return f"no hypervolume: decision.reference has no {front_volume.objective}"
    return "hypervolume over the suite's reference point, each objective scaled"


def assumptions(question: Question) -> list[str]:
    """Say what the suite's prices assume, one sentence each."""
    prices = question.prices
    return [] if prices is None else [*_money(prices), *_carbon(prices)]


def _money(prices: PriceSpec) -> list[str]:
    lines = []
    if prices.machine_per_hour is not None:
        lines.append(
            f"Cost assumes {prices.machine_per_hour:g} {prices.currency} per hour of this machine, kept "
            "busy at the measured batched throughput; idle hours are not counted."
        )
    if prices.energy_per_kwh is not None:
        lines.append(
            f"Cost assumes {prices.energy_per_kwh:g} {prices.currency} per kWh for the energy of the energy "
            "pass; cooling and other machines are not counted."
        )
    return lines


def _carbon(prices: PriceSpec) -> list[str]:
    if prices.carbon_g_per_kwh is None:
        return []
    return [
        f"Carbon assumes {prices.carbon_g_per_kwh:g} gCO₂ per kWh, for use alone; making the hardware is not counted."
    ]
