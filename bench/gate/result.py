"""From lines to the result: the verdict of the whole, and its last line."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from bench.catalogue.readings import READINGS
from bench.errors import EXIT_OK, EXIT_REGRESSED
from bench.gate.draft import Draft
from bench.gate.speed import Looked
from bench.gate.verdict import AlarmNote, FrontChange, GateResult, Line, Verdict
from bench.words import gate as words

WORST_FIRST: tuple[Verdict, ...] = (
    "regressed",
    "suspected",
    "environment changed",
    "improved",
    "unchanged",
    "insufficient history",
)


def final_lines(draft: Draft, *, rerun: bool, same_environment: bool) -> tuple[Line, ...]:
    """Give every line its final verdict, the worst first.

    Without a rerun, a quality that is worse stands when the environment is the same (stored answers do not change),
    and nothing else does: an efficiency that looks worse is `suspected`, one that looks better is reported as
    unchanged.
    """
    lines = [draft.settled.get(look.series.key) or _unsettled(look) for look in draft.looked]
    lines += [line for _, line in draft.broken.values()]
    for line in draft.scored:
        settled = draft.settled.get((line.model, line.variant, line.task, line.reading), line)
        if not rerun and not same_environment and settled.verdict == "regressed":
            settled = replace(settled, verdict="suspected", text=words.on_another_machine(settled))
        lines.append(settled)
    rank = {verdict: place for place, verdict in enumerate(WORST_FIRST)}
    return tuple(sorted([*draft.others, *map(_softened, lines)], key=lambda line: rank[line.verdict]))


def _unsettled(look: Looked) -> Line:
    """Leave a reading as the first look has it; only one that looks worse stays suspected."""
    line, worse = look.line, look.screened.worse
    if not look.asked:
        return line
    text = words.not_run_again(line, worse=worse, blind=look.blind)
    return replace(line, verdict=line.verdict if worse else "unchanged", text=text)


def _softened(line: Line) -> Line:
    """Soften the verdict of a line: one that is better and could not be confirmed is no suspicion, unless a rerun was
    too noisy to say which of both it is."""
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
    """Conclude a comparison that took place; with `strict` a suspicion fails, too."""
    present = {line.verdict for line in lines}
    verdict: Verdict = next((v for v in WORST_FIRST if v in present), "insufficient history")
    sentence = words.last_line(verdict, lines, baseline, fronts, alarms)
    code = EXIT_REGRESSED if verdict == "regressed" or (strict and verdict == "suspected") else EXIT_OK
    return GateResult(verdict, candidate, baseline, asked, lines, fronts, alarms, tuple(remarks), sentence, code)


def nothing_to_compare(
    candidate: str, asked: str, why: str, alarms: tuple[AlarmNote, ...], passed_over: str | None = None
) -> GateResult:
    """Make the result where there is no baseline, which is no failure."""
    sentence = words.nothing_to_compare(why, alarms)
    remarks = (why,) if passed_over is None else (why, passed_over)
    return GateResult("insufficient history", candidate, None, asked, (), (), alarms, remarks, sentence, EXIT_OK)
