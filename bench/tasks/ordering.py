"""The workload of kinds whose answer is an order of documents."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

from bench.candidates.interface import Classified, OnToken, Ranks
from bench.data.base import Columns
from bench.record import Sample
from bench.tasks.asking import Asking
from bench.tasks.base import Bound, Request
from bench.tasks.likelihood import highest


class Ordering(Asking[Classified]):
    """A workload whose answers are scores of documents, by which they are ordered."""

    ability = "rank"

    def __init__(
        self,
        bound: Bound,
        columns: Columns,
        documents: Sequence[Sequence[str]],
        grades: Sequence[Sequence[str]],
        most: int | None = None,
    ) -> None:
        """Bind the queries to their documents.

        Args:
            bound: examples and model.
            columns: of the kind.
            documents: for each query.
            grades: how relevant each of them is, numbers as texts.
            most: documents that are kept of each answer, relevant ones always; None for all.
        """
        queries = [str(example.columns[columns.input]) for example in bound.examples]
        super().__init__(bound, columns, queries, lambda texts: [])
        self._documents, self._grades, self._most = documents, grades, most

    def request(self, indices: Sequence[int]) -> Request:
        """Prepare a request."""
        rank, queries = cast("Ranks", self.bound.model).rank, [self.prompts[index] for index in indices]
        documents = [self._documents[index] for index in indices]

        def call(on_token: OnToken | None) -> Sequence[Classified]:
            return rank(queries, documents)

        return call

    def sample(self, index: int, answer: Classified) -> Sample:
        """Make the row with the best document, and score and grade of each."""
        documents, grades = self._documents[index], self._grades[index]
        best = max(range(len(grades)), key=lambda place: float(grades[place]))
        kept = self._kept(answer.scores, grades)
        return self.row(
            index,
            answer,
            reference=documents[best],
            prediction=documents[highest(answer.scores)],
            scores=tuple(answer.scores[place] for place in kept),
            answers=tuple(grades[place] for place in kept),
        )

    def _kept(self, scores: Sequence[float], grades: Sequence[str]) -> list[int]:
        if self._most is None or len(scores) <= self._most:
            return list(range(len(scores)))
        first = sorted(range(len(scores)), key=lambda place: -scores[place])[: self._most]
        return sorted({*first, *(place for place, grade in enumerate(grades) if float(grade) > 0)})
