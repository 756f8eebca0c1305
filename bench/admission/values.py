"""Impossible answers: scores that are no numbers, negative nats, counts below zero.

An interval around such a number would make it look measured. The cell fails instead, with the first example and what
the model gave for it. Source of the bounds: the definitions in `bench.candidates.interface`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import Protocol, runtime_checkable

from bench.catalogue.readings import READINGS
from bench.errors import AdmissionError
from bench.record import Fact, Sample, Timing

MAX_COUNT = 2**53
"""Tokens or bytes of one example: the largest whole number that every store and JSON reader keeps exactly."""
ROUNDING_NATS = 1e-3
"""By how much rounding may take a text's negative log-likelihood below zero."""
COUNTS = ("input_tokens", "output_tokens", "scored_tokens", "scored_bytes")


@runtime_checkable
class GivesLogProbabilities(Protocol):
    """A model whose scores are log-probabilities, not just numbers that grow with the preference."""

    log_probabilities: bool


def check_answers(model: str, samples: Sequence[Sample], *, log_probabilities: bool = False) -> None:
    """Refuse impossible answers.

    Args:
        model: its name in the suite, for the message.
        samples: rows of one scoring, or of a part of it.
        log_probabilities: whether its scores are log-probabilities.

    Raises:
        AdmissionError: a score is NaN or infinite; a likelihood is NaN, infinite or above 1; a count is no whole number
            in [0, 2⁵³].
    """
    for sample in samples:
        problem = _counts(sample) or _scores(sample) or _nats(sample)
        problem = problem or (_above_one(sample) if log_probabilities else None)
        if problem is not None:
            raise AdmissionError(f"model '{model}': example {sample.example_id!r}: {problem}")


def check_facts(model: str, facts: Sequence[Fact]) -> None:
    """Refuse impossible readings: each must lie in the range that the catalogue declares.

    Raises:
        AdmissionError: one does not.
    """
    for fact in facts:
        reading = READINGS.get(fact.name)
        if reading is None or fact.value is None or reading.range.admits(fact.value):
            continue
        raise AdmissionError(
            f"model '{model}': {fact.name} was read as {fact.value:,.6g} {reading.unit} by {fact.source}, which cannot "
            "be; look at the meter with `bench doctor`, or leave it out"
        )


def check_timings(model: str, timings: Sequence[Timing]) -> None:
    """Refuse impossible times: a request takes more than nothing, and its tokens come one after another.

    Raises:
        AdmissionError: one of them does not.
    """
    for timing in timings:
        stamps = timing.token_ns
        ordered = all(earlier <= later for earlier, later in pairwise((0, *stamps)))
        if timing.duration_ns <= 0 or not ordered or min(timing.input_tokens, timing.output_tokens) < 0:
            raise AdmissionError(
                f"model '{model}': request {timing.iteration} of the pass '{timing.phase}' took {timing.duration_ns:,} "
                f"ns with {timing.output_tokens:,} tokens, which cannot be; the clock or the model's counts are wrong"
            )


def _above_one(sample: Sample) -> str | None:
    most = max(sample.scores or (0.0,))
    if most <= ROUNDING_NATS:
        return None
    return f"a score is {most:.4g}, and no log-probability is above 0; the model's path has a mistake, please report it"


def _counts(sample: Sample) -> str | None:
    for name in COUNTS:
        count = getattr(sample, name)
        if count is None:
            continue
        if isinstance(count, bool) or not isinstance(count, int) or not 0 <= count <= MAX_COUNT:
            return f"it gave {_short(count)} as {name}, which is no count; return a whole number from 0 to 2^53"
    return None


def _scores(sample: Sample) -> str | None:
    odd = [score for score in sample.scores or () if not math.isfinite(score)]
    if not odd:
        return None
    return (
        f"{len(odd)} of {len(sample.scores or ())} scores are {_short(odd[0])}, which choose nothing; look for a "
        "division by zero, a logarithm of zero, an overflow of float16 or a damaged layer"
    )


def _nats(sample: Sample) -> str | None:
    if sample.nll is None:
        return None
    if not math.isfinite(sample.nll):
        return f"its negative log-likelihood is {_short(sample.nll)}; look for a token of probability 0 or an overflow"
    if sample.nll < -ROUNDING_NATS:
        return (
            f"log_likelihood gave {sample.nll:,.4g} nats; bench wants the negative log-likelihood, which is a positive "
            "number: is the sign turned?"
        )
    return None


def refuse_ties_alone(model: str, samples: Sequence[Sample]) -> None:
    """Refuse scores that choose nothing; a rule such as the majority, where all answers are as frequent, may give them.

    Raises:
        AdmissionError: in each of several examples every choice has the same score.
    """
    scored = [sample.scores for sample in samples if sample.scores is not None and len(sample.scores) > 1]
    if len(scored) > 1 and len(scored) == len(samples) and all(len(set(scores)) == 1 for scores in scored):
        raise AdmissionError(
            f"model '{model}': in each of {len(scored)} examples all answers have the same score, so that nothing is "
            "chosen; check that the scores depend on the input"
        )


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 30 else text[:27] + "…"
