"""Judges suspicions of which only the candidate can be run again, against the nights.

Most often both nights ran the very same model. An A/B rerun of it would run one thing twice, so nothing here can
regress: what differs is the machine, and that is told beside the verdict. Only a difference beyond all that nights show
is left `suspected`, for what bench does not see: a driver, a setting, a file that the model reads.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from statistics import median

from bench.doubts import disturbances
from bench.gate import speed
from bench.gate.draft import Draft, Key, key_of
from bench.gate.rerun import Duel
from bench.gate.screen import Screened, screen
from bench.gate.verdict import Line
from bench.history.effects import MACHINE_SPEED
from bench.summary import Entry

UNSEEN = (
    "look for what bench does not see (a neighbour, a driver, a setting, a file that the model reads), then "
    "`bench gate` again"
)


def judge_alone(draft: Draft, duels: Mapping[Key, Duel], machine_s: float | None) -> None:
    """Puts into `draft.settled` what the candidate's own reruns say.

    Args:
        draft: with what is suspected.
        duels: the reruns.
        machine_s: what the canary takes now; None where it is not known.
    """
    for one in draft.suspected_speed():
        duel = duels[key_of(one.line)]
        if duel.can_pair:
            continue
        values = duel.values(one.series.reading)[1]
        if not values:
            draft.settled[one.series.key] = unsettled(one.line, duel)
            continue
        now = one.candidate._replace(value=median(values), canary_s=machine_s or one.candidate.canary_s)
        again = screen(one.series, now, one.baseline)
        why = _disturbed_by(draft.cells[key_of(one.line)][1])
        draft.settled[one.series.key] = _line(one, duel, median(values), again, why)


def unsettled(line: Line, duel: Duel) -> Line:
    """Returns a suspicion that the rerun could not settle, with the reason."""
    why = duel.failures[0] if duel.failures else duel.reason or "too few rounds"
    return replace(line, text=f"{line.text}; not confirmed: {why}")


def _line(one: speed.Looked, duel: Duel, value: float, again: Screened | None, why: str) -> Line:
    shown, times = speed.amount(value, one.line.unit), len(duel.pairs)
    if again is None or not again.suspected:
        text = f"{one.line.text}; measured again in {times} fresh processes it is {shown}: the night was disturbed{why}"
        return replace(one.line, verdict="unchanged", rerun=True, text=f"{text}; {speed.seen_words(one.line)}")
    if not duel.same:
        text = f"{shown} when measured again; not confirmed against the baseline: {duel.reason}"
        return replace(one.line, text=f"{one.line.text}; {text}")
    text = f"{one.line.text}; {shown} in {times} fresh processes now, and {duel.reason}"
    if again.worse and one.screened.is_extraordinary and again.is_extraordinary:
        return replace(one.line, rerun=True, text=f"{text}: {UNSEEN}{why}")
    text = f"{text}: {_machine_words(one.line)}{why}; {speed.seen_words(one.line)}"
    return replace(one.line, verdict="unchanged", rerun=True, machine=True, text=text)


def _machine_words(line: Line) -> str:
    if line.unit not in MACHINE_SPEED or line.change is None:
        return "the machine gives another value now, not the model"
    slower = (line.change < 0) == line.larger_is_better
    return f"the machine was {'slower' if slower else 'faster'}, not the model"


def _disturbed_by(entry: Entry) -> str:
    """Returns what disturbed the candidate's measuring, as the record's doubts say; empty where none does."""
    found = next((doubt.message for doubt in entry.doubts if doubt.code in disturbances()), None)
    return "" if found is None else f" ({found})"
