"""Two candidates or two runs compared, in words."""

from __future__ import annotations

from bench.catalogue.readings import READINGS
from bench.compare.pairs import Comparison, EfficiencyRow, Estimates, Untested
from bench.compare.quality import QualityRow
from bench.compare.remarks import (
    Apart,
    FewProcesses,
    NoCell,
    NoRatio,
    NotCompared,
    OneFamily,
    OneGroup,
    OneProcess,
    Remark,
    StoppedEarly,
    TokensDiffer,
    Uncompared,
    UndefinedMetric,
)
from bench.decision.board import Column
from bench.stats.paired import FEW_DISCORDANT_SAID, Flips
from bench.stats.processes import FEW_PROCESSES_SAID
from bench.words.wording import amount, are, capital, listed, size, spoken

ESTIMATES = {
    Estimates.NONE: "",
    Estimates.ONE: " One of the two is an estimate, the other measured: compare with care.",
    Estimates.BOTH: " Both are estimates.",
}
MOST_TIMES = 50
"""Times the least number of examples beyond which the most is told as "many more"."""
APART = {
    Apart.OTHER_MACHINE: (
        "The two runs were made on different machines or software: a difference in efficiency may be theirs."
    ),
    Apart.OTHER_TIME: (
        "The two runs were made at different times: what the machine did differently then is in no interval. "
        "`bench gate` measures both again, in turn."
    ),
}


def sentences(comparison: Comparison) -> list[str]:
    """Say every verdict, and the remarks that qualify them."""
    names = (comparison.a, comparison.b)
    return [
        *(quality(row, names) for row in comparison.quality),
        *(efficiency(row, names) for row in comparison.efficiency),
        *remarks(comparison),
    ]


def remarks(comparison: Comparison) -> list[str]:
    """Say what could not be compared, and how far to trust the rest."""
    return [_remark(remark) for remark in comparison.remarks]


def quality_remark(row: QualityRow) -> str:
    """Say what qualifies the interval of a difference; empty for nothing."""
    return FEW_DISCORDANT_SAID if row.few_discordant else ""


def estimates(row: EfficiencyRow) -> str:
    """Say which values of a ratio are estimates; empty for none."""
    return ESTIMATES[row.estimates]


def quality(row: QualityRow, names: tuple[str, str]) -> str:
    """Say what the data show of one metric, what they could have found, and how many examples would settle it."""
    column, place = Column(row.metric, row.metric, row.unit, True), _place(row.task, row.model)
    values = f"{spoken(row.metric)} {amount(column, row.a)} → {amount(column, row.b)}"
    span = ""
    if row.ci_low is not None and row.ci_high is not None:
        span = f", 95 % interval of the difference {row.ci_low:+.3g} to {row.ci_high:+.3g}"
    evidence = f"{row.test.value}, p = {row.p:.3g}, {row.p_holm:.3g} over all comparisons"
    sensitivity = f"at n = {row.n:,} a true difference of {size(column, row.detectable)} would be found 4 times in 5"
    if not row.detectable:
        sensitivity = f"on all {row.n:,} examples the two are equal, so what could have been found is not known"
    remark = f" ({quality_remark(row)})" if row.few_discordant else ""
    lead = f"{place}: {_verdict(row, names)}"
    return f"{lead}: {values} ({evidence}{span}{remark}); {sensitivity}{_answers(row.flips)}."


def _verdict(row: QualityRow, names: tuple[str, str]) -> str:
    if row.differs:
        return f"{names[0]} and {names[1]} differ, {names[row.b_is_better]} is better"
    return f"no difference between {names[0]} and {names[1]} is shown{_examples(row)}"


def _examples(row: QualityRow) -> str:
    """Say how many examples would show a difference; nothing where there is none."""
    needed = row.examples_range
    if needed is None:
        return ""
    if needed.most is None or needed.most > MOST_TIMES * needed.least:
        return f"; {needed.least:,} examples or many more would show it 4 times in 5, if there is one"
    return f"; {needed.least:,} to {needed.most:,} examples would show it 4 times in 5, if it is about as large as seen"


def _answers(flips: Flips) -> str:
    """Say how many answers changed; nothing where there are no answers to compare, as in language modelling."""
    if not flips.n:
        return ""
    text = f"; {flips.changed:,} of {flips.n:,} answers differ"
    right = f" ({flips.fixed} put right, {flips.broken} made wrong)" if flips.fixed or flips.broken else ""
    return text + right


def efficiency(row: EfficiencyRow, names: tuple[str, str]) -> str:
    """Say how one reading differs, and whether that is shown."""
    about = READINGS[row.reading]
    column = Column(row.reading, row.reading, about.unit, about.higher_is_better)
    shown = f"{spoken(row.reading)} {amount(column, row.a)} → {amount(column, row.b)}, a ratio of {row.ratio:.3g}"
    lead = f"{_place(row.task, row.model)}: {shown}"
    if row.untested is Untested.ONE_PROCESS:
        return f"{lead}. One process each: how much another would differ is not known, so it is not tested."
    if row.ci_low is None or row.ci_high is None or row.p is None or row.differs is None:
        return f"{lead}. How much it varies is not known, so it is not tested.{estimates(row)}"
    span = (
        f"(95 % interval {row.ci_low:.3g} to {row.ci_high:.3g}; p = {row.p:.3g}, {row.p_holm:.3g} over all comparisons)"
    )
    verdict = f"{names[row.b_is_better]} is better" if row.differs else "no difference is shown"
    return f"{lead} {span}: {verdict}.{estimates(row)}"


def _place(task: str, model: str) -> str:
    return f"'{task}', {model}" if model else f"'{task}'"


def _remark(remark: Remark) -> str:
    if isinstance(remark, Apart):
        return APART[remark]
    if isinstance(remark, FewProcesses):
        return f"{capital(FEW_PROCESSES_SAID)}."
    if isinstance(remark, OneProcess):
        return (
            "Speed that was measured in one process is shown and not tested: another process may read otherwise. "
            "`measure: {processes: 3}` tells how much."
        )
    if isinstance(remark, OneFamily):
        return (
            f"The {remark.size} tests are one family: each verdict is that of its p-value after Holm's correction over "
            "all."
        )
    if isinstance(remark, StoppedEarly):
        return (
            f"{_place(remark.task, remark.model)}: {listed(remark.sides)} stopped early in a race. How many examples "
            "that were hangs on the answers, so that a difference in quality is a little less sure than its p-value "
            "says."
        )
    return f"{_place(remark.task, remark.model)}: {_uncompared(remark)}"


def _uncompared(remark: Uncompared) -> str:
    if isinstance(remark, NoCell):
        return f"{remark.side} has no such cell."
    if isinstance(remark, NotCompared):
        cell = "neither can do it" if remark.side is None else f"the cell of {remark.side} is {remark.status}"
        return f"{cell}: {remark.reason}."
    if isinstance(remark, OneGroup):
        return "the examples that both answered are of one group, which says nothing of others, so they are not tested."
    if isinstance(remark, UndefinedMetric):
        return f"{spoken(remark.metric)} is undefined for {listed(remark.sides)}, so it is not compared."
    if isinstance(remark, NoRatio):
        readings = listed([spoken(name) for name in remark.readings])
        return f"{readings} of A {are(len(remark.readings))} 0, of which nothing is a multiple, so no ratio is given."
    if isinstance(remark, TokensDiffer):
        return f"the two cut texts into different tokens, so {spoken(remark.metric)} is not compared."
    return f"{remark.gone or 'they answered no example in common'}, so quality is not compared."
