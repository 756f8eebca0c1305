"""The levels of load of a cell as they are shown: its requests, what they amount to, and what was answered."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from bench.measure.load.level import Offered as Request
from bench.measure.load.outcome import Numbers, numbers_of
from bench.measure.load.stored import levels_of
from bench.record import Record, Sample, Timing
from bench.suite import LoadSpec


class _Loaded(Protocol):
    @property
    def load(self) -> tuple[Offered, ...]: ...


@dataclass(frozen=True, slots=True)
class Offered:
    """One level of load of one candidate."""

    rate: float
    """Requests per second that were offered, as the level is called."""
    numbers: Numbers
    answers: Mapping[int, str]
    """By example: the first answer to it that came."""
    requests: tuple[Request, ...]

    @property
    def salted(self) -> bool:
        """Tell whether the prompts had beginnings of their own; without is the control."""
        return self.numbers.salted

    def answered(self, samples: Sequence[Sample]) -> list[Sample]:
        """Put the answers of the level in the place of those that were scored one at a time."""
        return [
            replace(sample, prediction=self.answers[sample.index], raw=None)
            for sample in samples
            if sample.index in self.answers
        ]


def counted(entry: _Loaded) -> list[Offered]:
    """List the levels that count: where prompts were salted, all but the control without."""
    salts = any(level.salted for level in entry.load)
    return [level for level in entry.load if level.salted == salts]


def spec_of(records: Sequence[Record]) -> LoadSpec | None:
    """Find how a cell was to be loaded; None where it was not."""
    job = records[0].cell.job
    return None if job is None else job.load


def offered(records: Sequence[Record]) -> tuple[Offered, ...]:
    """Collect the levels of a cell, in the order in which they were run; none where its raw timings are gone."""
    spec = spec_of(records)
    if spec is None:
        return ()
    found = []
    for record in records:
        rows = [timing for timing in record.timings if timing.phase == "level"]
        answers = _answers(rows)
        for level in levels_of(rows, spec.window_s):
            rate = float(level.offered_rate or 0.0)
            numbers = numbers_of(level, spec.limits)
            found.append(Offered(rate, numbers, answers[level.offered_rate, level.salted], level.requests))
    return tuple(found)


def _answers(rows: Sequence[Timing]) -> Mapping[tuple[float | None, bool], Mapping[int, str]]:
    """Find the first answer to each example, by rate and salt."""
    answers: dict[tuple[float | None, bool], dict[int, str]] = {}
    for timing in rows:
        own = answers.setdefault((timing.offered_per_s, timing.salted is not False), {})
        if timing.answer is not None:
            own.setdefault(timing.examples[0], timing.answer)
    return answers
