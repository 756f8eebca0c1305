"""Quality at a level of load against quality at the lowest one: the same candidate on the same examples, paired.

Answers do change with load: batches, caches of prompts and races change what is computed. All levels of all candidates
and tasks of a run are one family, whose p-values are Holm's. What was asked once more without salts is no member: its
prompts are others. Nor is a metric that reads more than the answers, of which alone a level has its own: scores and
likelihoods are those of the unloaded model, and equal at every level.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from bench.compare.quality import QualityRow, corrected, cut, is_defined, row
from bench.metrics.base import Field
from bench.stats.paired import holm
from bench.summary import Entry
from bench.summary.levels import Offered, counted
from bench.summary.quality import SEED
from bench.summary.statistics import Answers

REPLICATES = 2000
OF_A_LEVEL: frozenset[Field] = frozenset(("prediction", "reference", "answers"))
"""What there is of an answer at a level, beside what is right, which is the same at all."""


@dataclass(frozen=True, slots=True)
class QualityAtLevel:
    """One level of one candidate beside its lowest."""

    entry: Entry
    level: Offered
    row: QualityRow
    """`a` is the lowest level, `b` this one."""


def quality_under_load(entries: Sequence[Entry]) -> list[QualityAtLevel]:
    """Compare every level with the lowest of its candidate, over all entries of a run; Holm's procedure covers all."""
    found = [at for entry in entries if entry.ended_well for at in _of(entry)]
    adjusted = holm([at.row.p for at in found])
    return [replace(at, row=corrected(at.row, p, len(found))) for at, p in zip(found, adjusted, strict=True)]


def not_of_a_level(entry: Entry) -> frozenset[Field]:
    """List what the candidate's quality metric reads that no level has of its own; where it does, none is compared."""
    metric = entry.metrics.get(entry.quality_metric or "")
    return frozenset() if metric is None else metric.reads - OF_A_LEVEL


def _of(entry: Entry) -> Iterator[QualityAtLevel]:
    levels = sorted(counted(entry), key=lambda level: level.rate)
    metric = entry.metrics.get(entry.quality_metric or "")
    if metric is None or not levels or not_of_a_level(entry):
        return
    (_, lowest), *others = [(level, _answering(entry, level)) for level in levels]
    for level, other in others:
        pair = _of_both(lowest, other)
        if pair[0].samples and all(metric.name in each.statistics and is_defined(each, metric) for each in pair):
            yield QualityAtLevel(entry, level, row(pair, metric, REPLICATES, SEED))


def _answering(entry: Entry, level: Offered) -> Entry:
    """Put the answers of a level in the place of those that were scored one at a time."""
    samples = tuple(level.answered(entry.samples))
    statistics = Answers(samples, entry.labels, [entry.metrics[entry.quality_metric or ""]]).statistics().rows
    return replace(entry, samples=samples, statistics=statistics)


def _of_both(a: Entry, b: Entry) -> tuple[Entry, Entry]:
    """Cut two levels to the examples that both answered, by their positions: ids may come twice."""
    places = [{sample.index: place for place, sample in enumerate(each.samples)} for each in (a, b)]
    common = [index for index in places[0] if index in places[1]]
    return cut(a, [places[0][index] for index in common]), cut(b, [places[1][index] for index in common])
