"""Retrieval: find the document of each query among those of all queries that are scored."""

from __future__ import annotations

from collections.abc import Sequence

from bench.candidates.interface import Indexes
from bench.data.base import Column, Columns, Example
from bench.errors import DataError
from bench.suite import TaskSpec
from bench.tasks.base import Bound, Workload
from bench.tasks.kind import Kind
from bench.tasks.ordering import Ordering

KEPT = 100
"""Documents of each answer that a record keeps, beside the right one: metrics look no further than this."""


class RetrievalKind(Kind):
    """The document of a query among all."""

    name = "retrieval"
    summary = "the right document for a query, among the documents of all the queries that are scored"
    columns = Columns((Column("query"),), Column("document", aliases=("passage", "positive")))
    ability = "rank"
    chances = False
    rules = ("nearest",)
    answers = "order"
    metrics = ("mrr", "recall_at_k", "ndcg")

    def workload(self, spec: TaskSpec, bound: Bound) -> Workload:
        """Have all documents scored for each query; what several queries ask for is one document.

        Raises:
            DataError: there is a single document.
        """
        right = [self._document(example) for example in bound.examples]
        corpus = list(dict.fromkeys(right))
        if len(corpus) < 2:
            raise DataError("all queries have the same document, so that there is nothing to find; give others")
        places = {document: place for place, document in enumerate(corpus)}
        if isinstance(bound.model, Indexes):
            bound.model.index(corpus)
        grades = [["1.0" if place == places[document] else "0.0" for place in range(len(corpus))] for document in right]
        return Ordering(bound, self.columns, [corpus] * len(right), grades, KEPT)

    @staticmethod
    def _document(example: Example) -> str:
        return str(example.columns["document"])

    def right_places(self, examples: Sequence[Example], labels: Sequence[str]) -> tuple[int, ...]:
        """Count nothing: a document's place says nothing of it."""
        return ()
