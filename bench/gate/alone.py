"""Judge suspicions of which only the candidate can be run again, against the nights.

Most often both nights ran the very same model. An A/B rerun of it would run one thing twice, so nothing here can
regress: what differs is the machine, and that is reported beside the verdict. Only a difference beyond all that nights
show is left `suspected`, for what bench does not see: a driver, a setting, a file that the model reads.
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
from bench.summary import Entry
from bench.words import gate as words


def judge_alone(draft: Draft, duels: Mapping[Key, Duel], machine_s: float | None) -> None:
    """Put the results of the candidate's own reruns into `draft.settled`.

    Args:
        draft: with what is suspected.
        duels: the reruns.
        machine_s: what the canary takes now; None where it is not known.
    """
    for look in draft.suspected_speed():
        duel = duels[key_of(look.line)]
        if duel.can_pair:
            continue
        values = duel.values(look.series.reading)[1]
        if not values:
            draft.settled[look.series.key] = unsettled(look.line, duel)
            continue
        now = look.candidate._replace(value=median(values), canary_s=machine_s or look.candidate.canary_s)
        again = screen(look.series, now, look.baseline)
        disturbance = _disturbed_by(draft.cells[key_of(look.line)][1])
        draft.settled[look.series.key] = _line(look, duel, median(values), again, disturbance)


def unsettled(line: Line, duel: Duel) -> Line:
    """Leave a suspicion that the rerun could not settle, with the reason."""
    return replace(line, text=words.not_confirmed(line, duel.failures[0] if duel.failures else duel.reason))


def _line(look: speed.Looked, duel: Duel, value: float, again: Screened | None, disturbance: str) -> Line:
    """Judge a reading of a candidate that was run again by itself."""
    line, times = look.line, len(duel.pairs)
    if again is None or not again.suspected:
        text = words.night_disturbed(line, value, times, disturbance)
        return replace(line, verdict="unchanged", rerun=True, text=text)
    if not duel.same:
        return replace(line, text=words.baseline_gone(line, value, duel.reason))
    if again.worse and look.screened.is_extraordinary and again.is_extraordinary:
        return replace(line, rerun=True, text=words.unexplained(line, value, times, duel.reason, disturbance))
    text = words.same_model_again(line, value, times, duel.reason, disturbance)
    return replace(line, verdict="unchanged", rerun=True, machine=True, text=text)


def _disturbed_by(entry: Entry) -> str:
    """Look up in the record's doubts what disturbed the candidate's measurement; empty where nothing did."""
    return next((doubt.message for doubt in entry.doubts if doubt.code in disturbances()), "")
