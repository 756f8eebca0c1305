"""Ranking: which of each query's own documents are the most relevant."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from bench.data.answers import read_documents, read_grades
from bench.data.base import Column, Columns, Example
from bench.suite import TaskSpec
from bench.tasks.base import Bound, Workload
from bench.tasks.kind import Kind
from bench.tasks.ordering import Ordering


class RankingKind(Kind):
    """An order of each query's own documents."""

    name = "ranking"
    summary = "an order of each query's own documents, the most relevant first"
    columns = Columns(
        (Column("query"), Column("documents", read_documents, aliases=("passages",))),
        Column("relevance", read_grades, aliases=("grades", "labels")),
    )
    ability = "rank"
    chances = False
    rules = ("nearest", "majority")
    answers = "order"
    metrics = ("ndcg", "mrr", "recall_at_k")

    def right_places(self, examples: Sequence[Example], labels: Sequence[str]) -> tuple[int, ...]:
        """Count how often each position is relevant, for the majority baseline."""
        grades = [self.columns.several(example) or () for example in examples]
        places = Counter(place for own in grades for place, grade in enumerate(own) if float(grade) > 0)
        return tuple(places[place] for place in range(max(map(len, grades), default=0)))

    def workload(self, spec: TaskSpec, bound: Bound) -> Workload:
        """Have each query's documents scored."""
        documents = [list(example.columns["documents"]) for example in bound.examples]
        grades = [self.columns.several(example) or () for example in bound.examples]
        return Ordering(bound, self.columns, documents, grades)
