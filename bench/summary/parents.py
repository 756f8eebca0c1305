"""How far the answers of a candidate under another runtime, or in another form, are those of its parent.

The parent is the same model under torch in float32, on the same examples. In the same precision every difference that
is more than rounding is a doubt; in another one it is what the form costs, and is shown. Where hardly an
answer is left that chance would not give as well, it is a doubt too: admission holds converted networks to torch's
answers in float32 alone.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

from bench.doubts.precision_changes_answers import PrecisionChangesAnswers
from bench.doubts.runtime_changes_answers import RuntimeChangesAnswers
from bench.measure.audit import agrees, tolerance_of
from bench.record import Sample
from bench.suite.runtimes import DEFAULT_RUNTIME
from bench.summary.entry import Entry, Likeness

PRECISE = "float32"
FEWEST = 20
"""Examples from which on agreement with the parent is judged."""
LEAST_AGREEMENT = 0.25
"""Cohen's κ with the parent below which fewer bits are no explanation. Landis and Koch (1977) call up to 0.2 slight."""


def with_parents(entries: Sequence[Entry]) -> list[Entry]:
    """Compare every candidate that is a form of a model with the plain one, and doubt what should be the same."""
    parents = {(entry.cell.model, entry.cell.task): entry for entry in entries if entry.cell.variant == PRECISE}
    return [_compared(entry, parents.get((entry.cell.model, entry.cell.task))) for entry in entries]


def _compared(entry: Entry, parent: Entry | None) -> Entry:
    if parent is None or parent is entry or not entry.samples or not parent.samples:
        return entry
    likeness = likeness_of(parent, entry)
    if likeness is None:
        return entry
    doubts = entry.doubts
    if likeness.differing and _only_the_runtime_differs(entry):
        case = RuntimeChangesAnswers(
            parent=likeness.parent,
            differing=likeness.differing,
            compared=likeness.compared,
            largest=likeness.largest,
            readings=tuple(entry.quality),
        )
        doubts = (*doubts, case.doubt())
    if _only_the_precision_differs(entry) and _is_little(parent, entry):
        other = PrecisionChangesAnswers(
            parent=likeness.parent, equal=likeness.equal, compared=likeness.compared, readings=tuple(entry.quality)
        )
        doubts = (*doubts, other.doubt())
    return replace(entry, likeness=likeness, doubts=doubts)


def likeness_of(parent: Entry, entry: Entry) -> Likeness | None:
    """Compare two candidates' answers to the examples that both answered; None where there are none."""
    right = {sample.example_id: sample for sample in parent.samples}
    pairs = [(right[sample.example_id], sample) for sample in entry.samples if sample.example_id in right]
    if not pairs:
        return None
    tolerance = tolerance_of(PRECISE)
    differing = tuple(ours.example_id for theirs, ours in pairs if not agrees(ours, theirs, tolerance))
    distances = [distance for pair in pairs if (distance := _distance(*pair)) is not None]
    equal = sum(_is_equal(theirs, ours, tolerance) for theirs, ours in pairs)
    return Likeness(parent.candidate, len(pairs), equal, max(distances, default=None), differing)


def _only_the_runtime_differs(entry: Entry) -> bool:
    """Tell whether a candidate computes in float32 as its parent does, under another runtime."""
    variant = None if entry.cell.job is None else entry.cell.job.variant
    if variant is None or variant.runtime == DEFAULT_RUNTIME:
        return False
    return variant.model_copy(update={"runtime": DEFAULT_RUNTIME}).label == PRECISE


def _only_the_precision_differs(entry: Entry) -> bool:
    """Tell whether a candidate has its parent's weights, whole, in another number format."""
    variant = None if entry.cell.job is None else entry.cell.job.variant
    if variant is None or (variant.dtype == PRECISE and variant.quantise is None):
        return False
    return variant.prune is None and variant.shrink is None and variant.sparsity is None


def _is_little(parent: Entry, entry: Entry) -> bool:
    """Tell whether labels or texts agree hardly more often than by chance, by Cohen's κ.

    Source: Cohen (1960), Educational and Psychological Measurement 20, 37-46.
    """
    right = {sample.example_id: sample.prediction for sample in parent.samples}
    pairs = [
        (right[sample.example_id], sample.prediction)
        for sample in entry.samples
        if sample.prediction is not None and right.get(sample.example_id) is not None
    ]
    if len(pairs) < FEWEST:
        return False
    theirs, ours = (Counter(map(str, side)) for side in zip(*pairs, strict=True))
    by_chance = sum(theirs[answer] * count for answer, count in ours.items()) / len(pairs) ** 2
    agreeing = sum(one == other for one, other in pairs) / len(pairs)
    return by_chance < 1 and (agreeing - by_chance) / (1 - by_chance) < LEAST_AGREEMENT


def _is_equal(one: Sample, other: Sample, tolerance: float) -> bool:
    if one.prediction is None or other.prediction is None:
        return agrees(other, one, tolerance)
    return one.prediction == other.prediction


def _distance(one: Sample, other: Sample) -> float | None:
    if one.nll is not None and other.nll is not None:
        return abs(one.nll - other.nll)
    if one.scores is not None and other.scores is not None and len(one.scores) == len(other.scores):
        return max((abs(a - b) for a, b in zip(one.scores, other.scores, strict=True)), default=0.0)
    return None
