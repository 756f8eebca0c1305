"""F1 of whole names among tagged tokens, as CoNLL's evaluation and seqeval count them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from bench.metrics.base import Floats, Metric
from bench.metrics.rows import TAG_KINDS, counted, ratio
from bench.record import Sample

Entity = tuple[str, int, int]
"""Type, first token and last token."""
BEGINS, ENDS = frozenset("BSU"), frozenset("ESL")
"""Marks of a tag that begin a name, or end it, whatever lies beside it: of IOB2, IOBES and BILOU."""


def entities(tags: Sequence[str]) -> set[Entity]:
    """Find the names in a sequence of tags.

    A name begins at a `B` (`S`, `U`), where the type changes, and at an `I` after nothing, which is taken for a
    beginning as CoNLL's script does; it ends before the next beginning, before `O`, and at an `E` (`L`, `S`, `U`).

    >>> sorted(entities(["B-PER", "I-PER", "O", "I-LOC", "B-LOC"]))
    [('LOC', 3, 3), ('LOC', 4, 4), ('PER', 0, 1)]
    """
    found: set[Entity] = set()
    start, kind = 0, ""
    ended = True
    for place, tag in enumerate([*tags, "O"]):
        mark, _, own = tag.partition("-")
        goes_on = not ended and own == kind and mark not in BEGINS and mark != "O"
        if not goes_on:
            if not ended:
                found.add((kind, start, place - 1))
            start, kind, ended = place, own, mark == "O"
        if not ended and mark in ENDS:
            found.add((kind, start, place))
            ended = True
    return found


class EntityF1(Metric):
    """2·hits / (predicted + expected) of names with their exact tokens and type, counted over all sentences.

    Rows: `hits, predicted, expected, 1`. Equals `seqeval.metrics.f1_score` (its default mode).

    Source: Tjong Kim Sang and De Meulder 2003 (CoNLL).
    """

    name = "entity_f1"
    title = "Entity F1"
    definition = "2·hits / (predicted + expected) of names, of which type, first and last token must be right."
    source = "Tjong Kim Sang and De Meulder 2003"
    kinds = TAG_KINDS

    def statistics(self, samples: Sequence[Sample], labels: Sequence[str]) -> Floats:
        """Compute rows of shape `(n, 4)`."""
        sides = [(entities((s.prediction or "").split()), entities(s.reference.split())) for s in samples]
        rows = [[len(given & right), len(given), len(right)] for given, right in sides]
        return counted(np.asarray(rows, dtype=np.float64).reshape(len(rows), 3))

    def value(self, sums: Floats) -> Floats:
        """Compute the F1; undefined where no name is predicted or expected."""
        return ratio(2 * sums[..., 0], sums[..., 1] + sums[..., 2])
