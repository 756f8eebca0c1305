"""What the gate says of each reading, of each front, and in the end.

The gate calls this room for its lines, and decides nothing by what comes back. It is above, so that its types are known
here by what they must have.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Protocol

from bench.catalogue.readings import READINGS
from bench.units import format_number, format_quantity, plural
from bench.words.changes import metric_change, percent_change
from bench.words.wording import listed, spoken

NAMED = 3
"""Lines that the last line names; the rest are counted."""
MACHINE_TOLD = 0.02
"""Difference of the canaries from which the machine's own speed is reported beside a line."""
NOISY = "too noisy a machine to settle it: let it rest (`bench doctor` says what disturbs), then `bench gate` again"
UNSEEN = (
    "look for what bench does not see (a neighbour, a driver, a setting, a file that the model reads), then "
    "`bench gate` again"
)
LEADS = {
    "regressed": "Regressed",
    "suspected": "Suspected, neither confirmed nor refuted",
    "improved": "Improved",
}
"""Begin the last line, by the verdict of the whole."""


class JudgedLine(Protocol):
    """One reading of one cell, as the gate judged it."""

    @property
    def model(self) -> str:
        """The candidate's model."""

    @property
    def variant(self) -> str:
        """Its variant."""

    @property
    def task(self) -> str:
        """The task."""

    @property
    def reading(self) -> str:
        """A reading or a metric."""

    @property
    def verdict(self) -> str:
        """The gate's verdict."""

    @property
    def baseline(self) -> float | None:
        """The baseline's value, in `unit`."""

    @property
    def candidate(self) -> float | None:
        """The candidate's value, in `unit`."""

    @property
    def unit(self) -> str:
        """Base unit."""

    @property
    def larger_is_better(self) -> bool:
        """True when more is better."""

    @property
    def change(self) -> float | None:
        """The difference of a metric, in `unit`; of an efficiency reading the ratio less 1."""

    @property
    def low(self) -> float | None:
        """Lower end of the change's 95 % interval."""

    @property
    def high(self) -> float | None:
        """Its upper end."""

    @property
    def p(self) -> float | None:
        """Two-sided p-value."""

    @property
    def p_adjusted(self) -> float | None:
        """The same over the family of tests."""

    @property
    def minimum_effect(self) -> float:
        """The smallest change that counts."""

    @property
    def half_point(self) -> float | None:
        """Half a point in the metric's unit; None where changes are ratios, or points mean nothing."""

    @property
    def detectable(self) -> float | None:
        """The smallest true change that is found 4 times in 5."""

    @property
    def power(self) -> float | None:
        """The chance that a change of two points is found."""

    @property
    def text(self) -> str:
        """The line in words."""

    @property
    def machine(self) -> bool:
        """True when the machine, not the model, read otherwise."""

    @property
    def environment(self) -> str:
        """The change of the environment that forbids a comparison."""


class MovedFront(Protocol):
    """How a front changed."""

    @property
    def changed(self) -> bool:
        """True when a member or the pick changed."""

    @property
    def by_chance(self) -> bool:
        """True when no model is another one."""

    @property
    def text(self) -> str:
        """The line in words."""


class Alarming(Protocol):
    """A trend alarm."""

    @property
    def worse(self) -> bool:
        """True when the series became worse."""

    @property
    def text(self) -> str:
        """The line in words."""


def label(line: JudgedLine) -> str:
    """Name a line: `model[variant] · task · reading`."""
    return f"{_candidate(line)} · {line.task} · {line.reading}"


def _candidate(line: JudgedLine) -> str:
    return line.model if line.variant == "float32" else f"{line.model}[{line.variant}]"


def briefly(line: JudgedLine) -> str:
    """Say a line in a few words: `small on topic: median latency +10.2 %`."""
    place = f"{_candidate(line)} on {line.task}"
    if line.change is None:
        return f"{place}: {spoken(line.reading)} {line.text}"
    size = percent_change(line.change) if line.reading in READINGS else metric_change(line.change, line.half_point)
    return f"{place}: {spoken(line.reading)} {size}"


def _values(line: JudgedLine) -> str:
    return f"{format_quantity(line.baseline, line.unit)} → {format_quantity(line.candidate, line.unit)}"


def _efficiency(line: JudgedLine) -> str:
    span = ""
    if line.low is not None and line.high is not None:
        span = f", 95 % interval {percent_change(line.low)} to {percent_change(line.high)}"
    return f"{_values(line)} ({percent_change(line.change)}{span}"


def first_look(line: JudgedLine, machine: float) -> str:
    """Say what the first look at an efficiency reading shows.

    Args:
        line: of the reading.
        machine: how much of the logarithm's change is the machine's own.
    """
    text = f"{_efficiency(line)})"
    if abs(machine) >= MACHINE_TOLD:
        text += f"; the machine's own change of {percent_change(math.expm1(machine))} is taken out of it"
    return f"{text}; {seen(line)}" if line.verdict == "unchanged" else text


def seen(line: JudgedLine) -> str:
    """Say how small a change the first look could have detected."""
    return f"a change of {percent_change(line.detectable).lstrip('+')} would be suspected 4 times in 5"


def rerun(line: JudgedLine, pairs: int) -> str:
    """Say what an interleaved rerun of so many pairs shows."""
    return (
        f"{_efficiency(line)}, p = {line.p_adjusted:.2g}) in {pairs} interleaved reruns of both; a change of "
        f"{percent_change(line.detectable).lstrip('+')} would be found 4 times in 5"
    )


def too_noisy(line: JudgedLine) -> str:
    """Add that the machine was too noisy to clear a reading."""
    return f"{line.text}; {NOISY}"


def quality(line: JudgedLine, n: int) -> str:
    """Say what the paired test of a metric shows on n examples, and what it could have found."""
    change = metric_change(line.change or 0.0, line.half_point)
    text = f"{_values(line)} ({change}, paired on {n:,} examples, p = {line.p_adjusted:.2g})"
    if line.power is not None:
        text += f"; a change of 2 points would be found with a power of {100 * line.power:.0f} %"
    if line.verdict != "unchanged":
        return text
    if line.detectable is None:
        return f"{text}; {n:,} examples are too few to find any change 4 times in 5"
    size = metric_change(line.detectable, line.half_point).lstrip("+")
    return f"{text}, one of {size} with 80 %" if line.power is not None else f"{text}; one of {size} with 80 %"


def not_confirmed(line: JudgedLine, why: str | None) -> str:
    """Add that a suspicion could not be settled by a rerun."""
    return f"{line.text}; not confirmed: {why or 'too few rounds'}"


def not_run_again(line: JudgedLine, *, worse: bool, blind: bool) -> str:
    """Add that no rerun took place.

    Args:
        line: of the reading.
        worse: whether it looks worse.
        blind: whether nothing was seen, since the nights are too noisy.
    """
    if worse:
        return f"{line.text}; not run again, so not confirmed"
    return f"{line.text}; {seen(line) if blind else 'better at first sight'}, not run again"


def on_another_machine(line: JudgedLine) -> str:
    """Add that a worse quality was read on another machine or software."""
    return f"{line.text}; on another machine or software"


def same_model(*, by_factory: bool) -> str:
    """Say that candidate and baseline are the same model."""
    seen_by = ", as far as the factory's own file or package shows" if by_factory else ""
    return f"the model, its weights and its data are those of the baseline{seen_by}"


def night_disturbed(line: JudgedLine, value: float, times: int, disturbance: str) -> str:
    """Add that the same model, measured again, shows nothing of the suspicion."""
    shown = format_quantity(value, line.unit)
    again = f"measured again in {times} fresh processes it is {shown}: the night was disturbed"
    return f"{line.text}; {again}{_aside(disturbance)}; {seen(line)}"


def baseline_gone(line: JudgedLine, value: float, reason: str | None) -> str:
    """Add that the candidate was measured again, but its baseline could not be."""
    shown = format_quantity(value, line.unit)
    return f"{line.text}; {shown} when measured again; not confirmed against the baseline: {reason}"


def same_model_again(line: JudgedLine, value: float, times: int, reason: str | None, disturbance: str) -> str:
    """Add that the very same model still gives other values: the cause is the machine.

    Args:
        line: of the reading.
        value: measured again.
        times: in so many processes.
        reason: why there is no baseline to run.
        disturbance: what disturbed the night; empty for nothing.
    """
    machine = "the machine gives another value now, not the model"
    if line.unit in ("s", "1/s") and line.change is not None:
        slower = (line.change < 0) == line.larger_is_better
        machine = f"the machine was {'slower' if slower else 'faster'}, not the model"
    return f"{_again(line, value, times, reason)}: {machine}{_aside(disturbance)}; {seen(line)}"


def unexplained(line: JudgedLine, value: float, times: int, reason: str | None, disturbance: str) -> str:
    """Add that the very same model gives far other values, and that bench does not see why."""
    return f"{_again(line, value, times, reason)}: {UNSEEN}{_aside(disturbance)}"


def _again(line: JudgedLine, value: float, times: int, reason: str | None) -> str:
    return f"{line.text}; {format_quantity(value, line.unit)} in {times} fresh processes now, and {reason}"


def _aside(disturbance: str) -> str:
    return f" ({disturbance})" if disturbance else ""


def ended_badly(status: str, reason: str | None) -> str:
    """Say that a cell ran in the baseline and no longer does."""
    return f"ran in the baseline, and now is {status}: {reason}"


def ended_badly_again(line: JudgedLine, *, well: bool) -> str:
    """Add how one more run of a cell that ended badly ended."""
    return f"{line.text}; " + ("run again it ends well: it fails now and then" if well else "the same when run again")


def scored_again(line: JudgedLine, *, same: bool, both: bool) -> str:
    """Add what scoring again gives.

    Args:
        line: of the metric.
        same: whether it gives the verdict again.
        both: whether the baseline was scored again, too.
    """
    if not same:
        gone = "scored again here and now the difference is gone: that night's answers cannot be had again"
        return f"{line.text}; {gone}"
    how = "both scored again" if both else "scored again, against the baseline's stored answers"
    return f"{line.text}; {how}: the same"


def scoring_changed(parts: Sequence[str]) -> str:
    """Say which parts of a cell's identity changed, so that its quality is not compared."""
    return f"its {', '.join(part.replace('_', ' ') for part in parts)} changed"


def not_compared(environment: str) -> str:
    """Say that a reading is not compared, since its environment changed."""
    return f"not compared: {environment}"


def reran_elsewhere(environment: str) -> str:
    """Say that what was suspected was measured again in another environment than the run's."""
    return f"measured again in another environment than the run's: {environment}"


def reran_somewhere(why: str) -> str:
    """Say that the environment in which was measured again cannot be asked for any more."""
    return f"measured again, and whether in the run's environment cannot be told: {why}"


def front_change(
    task: str,
    picks: tuple[str | None, str | None],
    lost: Sequence[str],
    gained: Sequence[str],
    volumes: tuple[float | None, float | None],
    *,
    same_models: bool,
) -> str:
    """Say how the front of a task changed.

    Args:
        task: its name; empty for all together.
        picks: before and after, where they were settled.
        lost: who left the front.
        gained: who joined it.
        volumes: hypervolumes before and after.
        same_models: whether no model is another one.
    """
    parts = []
    if picks[0] != picks[1]:
        parts.append(f"the settled pick changes from {picks[0] or 'none'} to {picks[1] or 'none'}")
    parts += [f"{name} leaves the front" for name in lost] + [f"{name} joins the front" for name in gained]
    parts += ["no model is another one, so this is the chance of measuring"] if parts and same_models else []
    if volumes[0] is not None and volumes[1] is not None:
        parts.append(f"hypervolume {format_number(volumes[0])} → {format_number(volumes[1])}")
    place = f"'{task}'" if task else "all tasks together"
    return f"{place}: " + ("; ".join(parts) if parts else "the front and the pick are the same")


def last_line(
    verdict: str,
    lines: Sequence[JudgedLine],
    baseline: str,
    fronts: Sequence[MovedFront],
    alarms: Sequence[Alarming],
) -> str:
    """Say what the gate found in one line, for a person."""
    return _sentence(verdict, lines, baseline) + _beside(fronts, alarms)


def nothing_to_compare(why: str, alarms: Sequence[Alarming]) -> str:
    """Say that there is no baseline."""
    return f"Insufficient history: {why}; nothing is compared." + _beside((), alarms)


def _sentence(verdict: str, lines: Sequence[JudgedLine], baseline: str) -> str:
    those = [line for line in lines if line.verdict == verdict]
    if verdict == "insufficient history":
        return f"Insufficient history: run and baseline {baseline} share no reading that can be compared."
    if verdict == "unchanged":
        return (
            f"No change shown against {baseline} in {len(lines)} readings"
            f"{_would_be_found(lines)}.{_largest_drop(lines)}{_machine(lines)}"
        )
    if verdict == "environment changed":
        return _new_environment(those, lines, baseline)
    named = "; ".join(briefly(line) for line in those[:NAMED])
    more = f"; and {len(those) - NAMED} more" if len(those) > NAMED else ""
    return f"{LEADS[verdict]}: {named}{more} ({len(those)} of {len(lines)} readings, against {baseline})."


def _would_be_found(lines: Sequence[JudgedLine]) -> str:
    """Say the smallest changes that would have been found, from the best to the worst reading of each kind."""
    kinds: dict[str, list[tuple[float, str]]] = {"efficiency": [], "quality": []}
    blind = 0
    for line in lines:
        if not line.detectable:
            blind += line.detectable is None and line.reading not in READINGS and line.change is not None
            continue
        if line.reading in READINGS:
            kinds["efficiency"].append((line.detectable, percent_change(line.detectable)))
        elif line.half_point is not None:  # a share and a score from 0 to 100 are compared in points
            kinds["quality"].append(
                (line.detectable / line.half_point, metric_change(line.detectable, line.half_point))
            )
    parts = []
    for kind, sizes in kinds.items():
        ends = dict.fromkeys(text.lstrip("+") for text in (min(sizes)[1], max(sizes)[1])) if sizes else {}
        parts += [f"{' to '.join(ends)} in {kind}"] if ends else []
    seen = f"; changes of {' and '.join(parts)}, by reading, would be found 4 times in 5" if parts else ""
    few = "too few examples to find any change 4 times in 5"
    return f"{seen}; {blind} of quality {'has' if blind == 1 else 'have'} {few}" if blind else seen


def _largest_drop(lines: Sequence[JudgedLine]) -> str:
    """Name the worst drop of quality that counts and is not shown to be more than chance; empty for none."""
    drops = [
        (-abs(line.change) / line.half_point, line)
        for line in lines
        if line.change is not None
        and line.half_point is not None
        and (line.change < 0) == line.larger_is_better
        and abs(line.change) >= line.half_point
    ]
    if not drops:
        return ""
    _, line = min(drops, key=lambda drop: drop[0])
    return f" Worse but not shown to be more than chance: {briefly(line)}."


def _machine(lines: Sequence[JudgedLine]) -> str:
    """Say how the machine, not a model, affected the night; empty where the effect is not worth a word."""
    those = sorted((line for line in lines if line.machine), key=lambda line: abs(line.change or 0.0), reverse=True)
    if not those:
        return ""
    more = f" and {len(those) - 1} more" if len(those) > 1 else ""
    return f" The machine, not a model, gave other values that night: {briefly(those[0])}{more}, of unchanged models."


def _new_environment(those: Sequence[JudgedLine], lines: Sequence[JudgedLine], baseline: str) -> str:
    whys = list(dict.fromkeys(line.environment for line in those))
    more = f" (and {len(whys) - 1} more)" if len(whys) > 1 else ""
    rest = [line for line in lines if line not in those]
    others = "" if not rest else f"; the other {len(rest)} are {' or '.join(dict.fromkeys(x.verdict for x in rest))}"
    return (
        f"Environment changed: {whys[0]}{more}; {len(those)} of {len(lines)} readings begin anew and are not compared "
        f"with {baseline}{others}."
    )


def _beside(fronts: Sequence[MovedFront], alarms: Sequence[Alarming]) -> str:
    worse = [alarm for alarm in alarms if alarm.worse]
    parts = []
    if worse:
        more = f" (and {len(worse) - 1} more)" if len(worse) > 1 else ""
        parts.append(f" Trend alarm: {worse[0].text}{more}.")
    moved = [front for front in fronts if front.changed and not front.by_chance]
    if moved:
        parts.append(f" The front moved: {moved[0].text}.")
    return "".join(parts)


def moved_together(readings: Sequence[str], models: int) -> str:
    """Say which readings moved for all models of the machine alike; nothing where none did."""
    if not readings:
        return ""
    return (
        f"{listed([spoken(reading) for reading in readings])} of {plural(models, 'model')} moved together with the "
        "others of this machine, which the canary did not show: the machine's doing, and no alarm"
    )
