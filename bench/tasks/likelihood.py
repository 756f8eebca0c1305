"""How likely an answer is, for its length: whole, per token, or per UTF-8 byte."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from bench.candidates.interface import Classified
from bench.errors import UnsupportedError


def scores_of(answer: Classified, texts: Sequence[str], scoring: str) -> tuple[float, ...]:
    """Score each text so that the highest wins.

    `likelihood-per-token` divides log P by the tokens of the text (an encoder-decoder's end token is one),
    `likelihood-per-byte` by its UTF-8 bytes without the space before it, so that long texts are not worse for being
    long. Any other scoring leaves the scores as they are.

    Raises:
        UnsupportedError: the model does not say how many tokens a text has.

    >>> scores_of(Classified((-6.0, -4.0), 1, False, (3, 1)), ("a b c", "é"), "likelihood-per-token")
    (-2.0, -4.0)
    >>> scores_of(Classified((-6.0, -4.0), 1), ("abc", "é"), "likelihood-per-byte")
    (-2.0, -2.0)
    """
    if scoring == "likelihood-per-byte":
        return tuple(s / max(len(t.strip().encode()), 1) for s, t in zip(answer.scores, texts, strict=True))
    if scoring == "likelihood-per-token":
        if not answer.choice_tokens:
            raise UnsupportedError("the model does not say how many tokens an answer has; use 'likelihood-per-byte'")
        return tuple(s / max(n, 1) for s, n in zip(answer.scores, answer.choice_tokens, strict=True))
    return answer.scores


def highest(scores: Sequence[float]) -> int:
    """Find the place of the highest score, the first on a tie."""
    return int(np.argmax(scores))
