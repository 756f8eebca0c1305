"""Token F1 of short answers: the overlap of words with the reference, as SQuAD counts it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from bench.metrics.base import Floats
from bench.metrics.exact_match import AnswerWords, normalised
from bench.metrics.rows import ANSWER_KINDS, accepted, counted, mean, predictions
from bench.metrics.scripts import is_mostly_unspaced
from bench.record import Sample


def overlap_f1(predicted: str, expected: str) -> float:
    """Compute the harmonic mean of the precision and recall of words, counted with repetition.

    Where either has no words left after normalisation, 1 if neither has and 0 otherwise (SQuAD 2.0).

    >>> overlap_f1("the red car", "a red bus")
    0.5
    """
    return f1_of_words(normalised(predicted).split(), normalised(expected).split())


def f1_of_words(given: Sequence[str], wanted: Sequence[str]) -> float:
    """Compute the same of two lists of words."""
    if not given or not wanted:
        return float(not given and not wanted)
    shared = (Counter(given) & Counter(wanted)).total()
    return 2 * shared / (len(given) + len(wanted))


class TokenF1(AnswerWords):
    """Mean over examples of the F1 of words, the highest over the right answers. Rows: `f1, 1`.

    Source: Rajpurkar et al. 2018, SQuAD 2.0's evaluation script.
    """

    name = "token_f1"
    title = "Token F1"
    definition = "Mean over examples of the F1 of the answer's words, the highest over the right answers."
    source = "Rajpurkar et al. 2018"
    kinds = ANSWER_KINDS

    def statistics(self, samples: Sequence[Sample], labels: Sequence[str]) -> Floats:
        """Compute rows `(f1, 1)`, shape `(n, 2)`."""
        pairs = zip(predictions(samples), accepted(samples), strict=True)
        words_of = self.words_of
        return counted(
            [max(f1_of_words(words_of(given), words_of(right)) for right in answers) for given, answers in pairs]
        )

    def overlooks(self, text: str) -> bool:
        """Tell whether SQuAD's normalisation takes sentences of the text for words."""
        return not text.isascii() and self.setting("words") == "squad" and is_mostly_unspaced(self.words_of(text))

    def value(self, sums: Floats) -> Floats:
        """Compute the mean F1."""
        return mean(sums)
