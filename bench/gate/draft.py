"""The first look of the gate: every reading of every cell that candidate and baseline both have."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from bench.catalogue.readings import READINGS
from bench.gate import quality, speed
from bench.gate.verdict import Line, Verdict
from bench.history.effects import scale_of
from bench.history.series import History, Point, Series
from bench.summary import Entry
from bench.words import gate as words

Key = tuple[str, str, str]
"""Model, variant, task."""

SCORING = ("task", "task_version", "labels")
"""Parts of a cell's identity that must be equal for its quality to be compared."""
ENDED_BADLY = ("failed", "oom", "timeout")
STATUS = "status"
"""Name of the line of a cell that no longer runs."""


@dataclass(slots=True)
class Draft:
    """What is known before any rerun, and then what the rerun settled."""

    cells: dict[Key, tuple[Entry, Entry]] = field(default_factory=dict)
    """Baseline and candidate of every cell that both runs have."""
    looked: list[speed.Looked] = field(default_factory=list)
    tested: list[quality.Tested] = field(default_factory=list)
    scored: list[Line] = field(default_factory=list)
    """The lines of `tested`, in the same order."""
    others: list[Line] = field(default_factory=list)
    """Lines that are settled already: another environment."""
    broken: dict[Key, tuple[Entry, Line]] = field(default_factory=dict)
    """Cells that ran in the baseline and no longer do: of the candidate."""
    remarks: list[str] = field(default_factory=list)
    settled: dict[tuple[str, str, str, str], Line] = field(default_factory=dict)
    """What the rerun says, by model, variant, task and reading."""

    def suspected_speed(self) -> list[speed.Looked]:
        """List the efficiency readings that look different, or cannot be seen well enough."""
        return [looked for looked in self.looked if looked.asked]

    def suspected_quality(self) -> list[tuple[quality.Tested, Line]]:
        """List the metrics that are different by their test."""
        pairs = zip(self.tested, self.scored, strict=True)
        return [(tested, line) for tested, line in pairs if line.verdict != "unchanged"]


def key_of(line: Line) -> Key:
    """Name the cell that a line is about."""
    return line.model, line.variant, line.task


def draft_of(
    history: History, runs: tuple[str, str], old: Sequence[Entry], new: Sequence[Entry], changed: str
) -> Draft:
    """Compare every line of both runs for the first time.

    Args:
        history: with both nights.
        runs: ids of baseline and candidate.
        old: entries of the baseline.
        new: entries of the candidate.
        changed: what changed in the environment; empty where nothing did.
    """
    draft = Draft()
    before = {_key(entry): entry for entry in old}
    after = {_key(entry): entry for entry in new}
    draft.remarks += [f"{before[key].cell.label} is not in this run" for key in before if key not in after]
    draft.remarks += [f"{after[key].cell.label} is new in this run" for key in after if key not in before]
    for key in after:
        if key in before:
            _look_at(draft, key, before[key], after[key])
    draft.scored = quality.lines(draft.tested)
    for series in history.series:
        pair = draft.cells.get(series.key[:3])
        if pair is not None and not series.is_quality:
            _look_at_speed(draft, series, runs, pair, changed)
    return draft


def _key(entry: Entry) -> Key:
    return entry.cell.model, entry.cell.variant, entry.cell.task


def _look_at(draft: Draft, key: Key, old: Entry, new: Entry) -> None:
    if old.ended_well and new.ended_well:
        draft.cells[key] = (old, new)
        _look_at_quality(draft, old, new)
    elif old.ended_well and new.status in ENDED_BADLY:
        text = words.ended_badly(new.status, new.reason)
        draft.broken[key] = (new, _line(key, STATUS, "regressed", text))
    elif old.status != new.status:
        draft.remarks.append(f"{new.cell.label}: {old.status} in the baseline, {new.status} now")


def _look_at_quality(draft: Draft, old: Entry, new: Entry) -> None:
    different = [part for part in SCORING if old.cell.identity.get(part) != new.cell.identity.get(part)]
    if different:
        shared = [name for name in new.quality if name in old.quality]
        draft.others += [_uncompared(_key(new), name, words.scoring_changed(different)) for name in shared]
        return
    tested = quality.tests_of(new, old)
    if not tested and new.quality:
        draft.remarks.append(f"{new.cell.label}: no example was answered in both runs, so quality is not compared")
    draft.tested += tested


def _look_at_speed(
    draft: Draft, series: Series, runs: tuple[str, str], pair: tuple[Entry, Entry], changed: str
) -> None:
    points = {point.run_id: point for point in series.points}
    old, new = points.get(runs[0]), points.get(runs[1])
    if old is None or new is None or old.value is None:
        return
    if new.value is None:
        draft.remarks.append(f"{series.label} is missing: {new.reason}")
    elif old.segment != new.segment:
        draft.others.append(_other_environment(series, old, new, changed))
    else:
        looked = speed.look(series, new, old, pair)
        if looked is not None:
            draft.looked.append(looked)


def _other_environment(series: Series, old: Point, new: Point, changed: str) -> Line:
    line = _uncompared(
        series.key[:3], series.reading, changed or "the data, the batch size or the measuring of this cell"
    )
    return replace(
        line, baseline=old.value, candidate=new.value, unit=series.unit, larger_is_better=series.larger_is_better
    )


def _uncompared(key: Key, reading: str, environment: str) -> Line:
    """Make a line of a reading that is not compared, since its environment changed."""
    line = _line(key, reading, "environment changed", words.not_compared(environment))
    return replace(line, environment=environment)


def _line(key: Key, reading: str, verdict: Verdict, text: str) -> Line:
    """Make a line without a comparison."""
    about = READINGS.get(reading)
    unit, larger = (about.unit, about.higher_is_better) if about else ("", True)
    minimum = scale_of(reading, unit).minimum
    return Line(
        *key,
        reading,
        verdict,
        baseline=None,
        candidate=None,
        unit=unit,
        larger_is_better=larger,
        change=None,
        low=None,
        high=None,
        p=None,
        p_adjusted=None,
        minimum_effect=minimum,
        detectable=None,
        rerun=False,
        text=text,
    )
