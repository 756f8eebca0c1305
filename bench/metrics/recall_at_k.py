"""Recall@k: how many of the relevant documents stand among the first."""

from __future__ import annotations

from bench.metrics.base import Floats
from bench.metrics.cutoff import Ordered


class RecallAtK(Ordered):
    """Mean over queries of the share of relevant documents among the first k. Rows: `share, 1`."""

    name = "recall_at_k"
    title = "Recall at k"
    definition = "Mean over queries of the share of the relevant documents that stand among the first k."

    def of(self, grades: Floats) -> float:
        """Compute the share of one query."""
        relevant = int((grades > 0).sum())
        return float((grades[: self.k] > 0).sum()) / relevant if relevant else 0.0
