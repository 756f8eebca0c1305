"""ROUGE-2: the overlap of pairs of words with the reference."""

from __future__ import annotations

from bench.metrics.rouge import SharedNgrams


class Rouge2(SharedNgrams):
    """F-measure of shared pairs of words."""

    name = "rouge2"
    title = "ROUGE-2"
    definition = "Mean F-measure of the pairs of words that answer and reference share."
    groups = ("rouge",)
    order = 2
