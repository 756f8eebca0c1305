"""From lines to the result: the verdict of the whole, and a last line that a person understands."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from bench.catalogue.readings import READINGS
from bench.errors import EXIT_OK, EXIT_REGRESSED
from bench.gate.draft import Draft
from bench.gate.quality import points
from bench.gate.speed import Looked, percent, seen_words
from bench.gate.verdict import AlarmNote, FrontChange, GateResult, Line, Verdict
from bench.history.effects import scale_of
from bench.words.wording import spoken

WORST_FIRST: tuple[Verdict, ...] = (
    "regressed", "suspected", "environment changed", "improved", "unchanged", "insufficient history",
)  # fmt: skip
NAMED = 3
"""Lines that the last line names; the rest are counted."""


def final_lines(draft: Draft, *, rerun: bool, same_environment: bool) -> tuple[Line, ...]:
    """Returns every line with its final verdict, the worst first.

    Without a rerun, a quality that is worse stands when the environment is the same (stored answers do not change),
    and nothing else does: an efficiency that looks worse is `suspected`, one that looks better is told as unchanged.
    """
    lines = [draft.settled.get(one.series.key) or _unsettled(one) for one in draft.looked]
    lines += [line for _, line in draft.broken.values()]
    for line in draft.scored:
        found = draft.settled.get((line.model, line.variant, line.task, line.reading), line)
        if not rerun and not same_environment and found.verdict == "regressed":
            found = replace(found, verdict="suspected", text=f"{found.text}; on another machine or software")
        lines.append(found)
    rank = {verdict: place for place, verdict in enumerate(WORST_FIRST)}
    return tuple(sorted([*draft.others, *map(_softened, lines)], key=lambda line: rank[line.verdict]))


def _unsettled(one: Looked) -> Line:
    line = one.line
    if not one.asked:
        return line
    if one.screened.worse:
        return replace(line, text=f"{line.text}; not run again, so not confirmed")
    why = seen_words(line) if one.blind else "better at first sight"
    return replace(line, verdict="unchanged", text=f"{line.text}; {why}, not run again")


def _softened(line: Line) -> Line:
    """Returns the line; one that is better and could not be confirmed is no suspicion, unless a rerun was too noisy
    to say which of both it is."""
    better = line.change is not None and (line.change > 0) == line.larger_is_better
    noisy = line.rerun and line.reading in READINGS
    return replace(line, verdict="unchanged") if line.verdict == "suspected" and better and not noisy else line


def conclude(
    candidate: str,
    baseline: str,
    asked: str,
    lines: tuple[Line, ...],
    fronts: tuple[FrontChange, ...],
    alarms: tuple[AlarmNote, ...],
    remarks: Sequence[str],
    *,
    strict: bool = False,
) -> GateResult:
    """Returns the result of a comparison that took place; with `strict` a suspicion fails, too."""
    present = {line.verdict for line in lines}
    verdict: Verdict = next((v for v in WORST_FIRST if v in present), "insufficient history")
    sentence = _sentence(verdict, lines, baseline) + _aside(fronts, alarms)
    code = EXIT_REGRESSED if verdict == "regressed" or (strict and verdict == "suspected") else EXIT_OK
    return GateResult(
        verdict, candidate, baseline, asked, lines, fronts, alarms, tuple(remarks), sentence, code
    )  # fmt: skip


def nothing_to_compare(candidate: str, asked: str, why: str, alarms: tuple[AlarmNote, ...]) -> GateResult:
    """Returns the result where there is no baseline: no failure, and said so."""
    sentence = f"Insufficient history: {why}; nothing is compared." + _aside((), alarms)
    return GateResult("insufficient history", candidate, None, asked, (), (), alarms, (why,), sentence, EXIT_OK)


def _sentence(verdict: Verdict, lines: Sequence[Line], baseline: str) -> str:
    those = [line for line in lines if line.verdict == verdict]
    if verdict == "insufficient history":
        return f"Insufficient history: run and baseline {baseline} share no reading that can be compared."
    if verdict == "unchanged":
        return f"Unchanged: all {len(lines)} readings are as in {baseline}{_seen(lines)}.{_machine(lines)}"
    if verdict == "environment changed":
        return _new_environment(those, lines, baseline)
    named = "; ".join(briefly(line) for line in those[:NAMED])
    more = f"; and {len(those) - NAMED} more" if len(those) > NAMED else ""
    lead = {
        "regressed": "Regressed", "suspected": "Suspected, neither confirmed nor refuted", "improved": "Improved",
    }[verdict]  # fmt: skip
    return f"{lead}: {named}{more} ({len(those)} of {len(lines)} readings, against {baseline})."


def _seen(lines: Sequence[Line]) -> str:
    """Returns the smallest changes that would have been found, from the best to the worst reading of each kind."""
    kinds: dict[str, list[tuple[float, str]]] = {"efficiency": [], "quality": []}
    for line in lines:
        scale = scale_of(line.reading, line.unit)
        if not line.detectable:
            continue
        if line.reading in READINGS:
            kinds["efficiency"].append((line.detectable, percent(line.detectable)))
        elif not scale.relative:  # a share and a score from 0 to 100 are compared in points
            kinds["quality"].append((line.detectable / scale.minimum, points(line.detectable, line)))
    parts = []
    for kind, found in kinds.items():
        ends = dict.fromkeys(text.lstrip("+") for text in (min(found)[1], max(found)[1])) if found else {}
        parts += [f"{' to '.join(ends)} in {kind}"] if ends else []
    return f"; changes of {' and '.join(parts)}, by reading, would be found 4 times in 5" if parts else ""


def _machine(lines: Sequence[Line]) -> str:
    """Returns what the machine, not a model, did that night; empty where it did nothing that is worth a word."""
    those = sorted((x for x in lines if x.machine), key=lambda x: abs(x.change or 0.0), reverse=True)
    if not those:
        return ""
    more = f" and {len(those) - 1} more" if len(those) > 1 else ""
    return f" The machine, not a model, gave other values that night: {briefly(those[0])}{more}, of unchanged models."


def _new_environment(those: Sequence[Line], lines: Sequence[Line], baseline: str) -> str:
    whys = list(dict.fromkeys(line.cause for line in those))
    more = f" (and {len(whys) - 1} more)" if len(whys) > 1 else ""
    rest = [line for line in lines if line not in those]
    others = "" if not rest else f"; the other {len(rest)} are {' or '.join(dict.fromkeys(x.verdict for x in rest))}"
    return (
        f"Environment changed: {whys[0]}{more}; {len(those)} of {len(lines)} readings begin anew and are not compared "
        f"with {baseline}{others}."
    )


def briefly(line: Line) -> str:
    """Returns a line in a few words: `small on topic: median latency +10.2 %`."""
    shown = "" if line.variant == "float32" else f"[{line.variant}]"
    where = f"{line.model}{shown} on {line.task}"
    if line.change is None:
        return f"{where}: {spoken(line.reading)} {line.text}"
    size = percent(line.change) if line.reading in READINGS else points(line.change, line)
    return f"{where}: {spoken(line.reading)} {size}"


def label(line: Line) -> str:
    """Returns `model[variant] · task · reading`."""
    shown = "" if line.variant == "float32" else f"[{line.variant}]"
    return f"{line.model}{shown} · {line.task} · {line.reading}"


def _aside(fronts: Sequence[FrontChange], alarms: Sequence[AlarmNote]) -> str:
    worse = [alarm for alarm in alarms if alarm.worse]
    parts = []
    if worse:
        more = f" (and {len(worse) - 1} more)" if len(worse) > 1 else ""
        parts.append(f" Trend alarm: {worse[0].text}{more}.")
    moved = [front for front in fronts if front.changed and not front.by_chance]
    if moved:
        parts.append(f" The front moved: {moved[0].text}.")
    return "".join(parts)
