"""ROUGE-1: the overlap of words with the reference."""

from __future__ import annotations

from bench.metrics.rouge import SharedNgrams


class Rouge1(SharedNgrams):
    """F-measure of shared words."""

    name = "rouge1"
    title = "ROUGE-1"
    definition = "Mean F-measure of the words that answer and reference share."
    groups = ("rouge",)
    order = 1
