"""Answers that cannot be: scores that are no numbers, negative nats, counts below zero.

An interval around such a number would make it look measured. The cell fails instead, with the first example and what
the model gave for it. Source of the bounds: the definitions in `bench.candidates.interface`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from bench.errors import AdmissionError
from bench.record import Sample

MAX_COUNT = 2**53
"""Tokens or bytes of one example: the largest whole number that every store and JSON reader keeps exactly."""
ROUNDING_NATS = 1e-3
"""By how much rounding may take a text's negative log-likelihood below zero."""
COUNTS = ("input_tokens", "output_tokens", "scored_tokens", "scored_bytes")


def check_answers(model: str, samples: Sequence[Sample]) -> None:
    """Refuse answers that cannot be.

    Args:
        model: its name in the suite, for the message.
        samples: rows of one scoring, or of a part of it.

    Raises:
        AdmissionError: a score is NaN or infinite; a likelihood is NaN, infinite or above 1; a count is no whole number
            in [0, 2⁵³].
    """
    for sample in samples:
        problem = _counts(sample) or _scores(sample) or _nats(sample)
        if problem is not None:
            raise AdmissionError(f"model '{model}': example {sample.example_id!r}: {problem}")


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
