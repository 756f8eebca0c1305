"""Settle what the first look suspects, by running the suspected cells again."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path

from bench.errors import BenchError
from bench.gate import quality, speed
from bench.gate.alone import judge_alone, unsettled
from bench.gate.draft import ENDED_BADLY, Draft, Key, key_of
from bench.gate.rerun import Duel, duel, fight, once
from bench.gate.settle import LEVEL, PairedReading, judge
from bench.gate.verdict import Line
from bench.host import machine_key
from bench.host.differences import differences
from bench.record import WELL
from bench.running.canary import run_canary
from bench.running.executors.base import Executor
from bench.store import RunInfo
from bench.summary import summarise
from bench.words import gate as words


@dataclass(frozen=True, slots=True)
class Arena:
    """Where reruns happen."""

    executor: Executor
    results: Path
    run: RunInfo
    """The candidate: its folder holds the logs."""
    rounds: Sequence[int]
    seed: int
    say: Callable[[str], None]


def settle_draft(draft: Draft, arena: Arena) -> None:
    """Run the suspected cells again, and put the results into `draft.settled`; the executor is closed after it."""
    with closing(arena.executor), arena.executor.holding(_secrets(draft)):
        _settle(draft, arena)


def _secrets(draft: Draft) -> set[str]:
    """Name the variables of all keys that a rerun may need, also those that only the baseline's models name."""
    entries = [
        *(entry for pair in draft.cells.values() for entry in pair),
        *(entry for entry, _ in draft.broken.values()),
    ]
    return {name for entry in entries if entry.cell.job is not None for name in entry.cell.job.model.secrets}


def _settle(draft: Draft, arena: Arena) -> None:
    slow = {key_of(looked.line) for looked in draft.suspected_speed()}
    wrong = {key_of(line) for _, line in draft.suspected_quality()}
    duels = {
        key: duel(new.cell, old.cell, score=key in wrong)
        for key, (old, new) in draft.cells.items()
        if key in slow | wrong
    }
    _fight([looked for key, looked in duels.items() if key not in slow], arena, range(1))
    done, still = 0, slow
    for until in arena.rounds:
        _fight([duels[key] for key in duels if key in still], arena, range(done, until))
        done, still = until, _judge_pairs(draft, duels)
    if any(not duels[key].can_pair for key in slow):
        judge_alone(draft, duels, _canary(draft, arena))
    _judge_quality(draft, duels)
    _run_broken(draft, arena)
    if any(fought.pairs for fought in duels.values()):
        draft.remarks += _elsewhere(arena)


def _elsewhere(arena: Arena) -> list[str]:
    """Remark that the rerun was on another machine than the run, or with other software; nothing where it was not.

    Machines that are gone by now cannot be asked: what they measured is judged all the same.
    """
    there = arena.run.environment
    try:
        here = arena.executor.fingerprint()
    except BenchError as error:
        return [words.reran_somewhere(str(error))]
    if machine_key(here) == machine_key(dict(there)):
        return []
    return [words.reran_elsewhere("; ".join(differences(there, here)))]


def _fight(duels: Sequence[Duel], arena: Arena, rounds: range) -> None:
    if duels:
        fight(duels, arena.executor, arena.results, arena.run.id, rounds=rounds, seed=arena.seed, say=arena.say)


def _judge_pairs(draft: Draft, duels: Mapping[Key, Duel]) -> set[Key]:
    """Judge the readings whose two sides ran; return the cells that more rounds might decide."""
    paired = [looked for looked in draft.suspected_speed() if duels[key_of(looked.line)].can_pair]
    values = [duels[key_of(looked.line)].values(looked.series.reading) for looked in paired]
    questions = [
        PairedReading(old, new, looked.step, looked.series.larger_is_better)
        for looked, (old, new) in zip(paired, values, strict=True)
    ]
    judged = judge(questions)
    for looked, answer, (old, new) in zip(paired, judged, values, strict=True):
        line = speed.settled_line(looked, answer, old, new)
        draft.settled[looked.series.key] = (
            unsettled(looked.line, duels[key_of(looked.line)]) if not line.rerun else line
        )
    return {key_of(looked.line) for looked, answer in zip(paired, judged, strict=True) if answer.open}


def _canary(draft: Draft, arena: Arena) -> float | None:
    jobs = (new.cell.job for _, new in draft.cells.values())
    cpus = next((job.cpus for job in jobs if job is not None), None)
    canary = run_canary(arena.executor, arena.results / "logs" / arena.run.id / "gate-canary.log", cpus)
    return None if canary is None else canary.seconds


def _run_broken(draft: Draft, arena: Arena) -> None:
    """Run once more what ended badly: a model that fails by chance is not one that no longer runs."""
    for key, (entry, line) in draft.broken.items():
        arena.say(f"running {entry.cell.label} again, which ended as {entry.status}")
        record = once(entry.cell, arena.executor, arena.results, arena.run.id)
        if record.status in WELL:
            text = words.ended_badly_again(line, well=True)
            draft.broken[key] = (entry, replace(line, verdict="suspected", rerun=True, text=text))
        elif record.status in ENDED_BADLY:
            draft.broken[key] = (entry, replace(line, rerun=True, text=words.ended_badly_again(line, well=False)))


def _judge_quality(draft: Draft, duels: Mapping[Key, Duel]) -> None:
    """Confirm a verdict on quality only when scoring again gives the same."""
    for tested, line in draft.suspected_quality():
        fought = duels[key_of(line)]
        draft.settled[(*key_of(line), line.reading)] = _scored_again(draft, tested, line, fought)


def _scored_again(draft: Draft, tested: quality.Tested, line: Line, fought: Duel) -> Line:
    if not fought.pairs:
        return unsettled(replace(line, verdict="suspected"), fought)
    first, second = fought.pairs[0]
    old = draft.cells[key_of(line)][0] if first is None else summarise([first])[0]
    again = [t for t in quality.tests_of(summarise([second])[0], old) if t.row.metric == line.reading]
    if again and _holds(line, again[0]):
        return replace(line, rerun=True, text=words.scored_again(line, same=True, both=first is not None))
    text = words.scored_again(line, same=False, both=first is not None)
    return replace(line, verdict="suspected", rerun=True, text=text)


def _holds(line: Line, again: quality.Tested) -> bool:
    same_sign = (again.row.difference < 0) == ((line.change or 0.0) < 0)
    return quality.one_sided(again.row) <= LEVEL and same_sign and abs(again.row.difference) >= line.minimum_effect
