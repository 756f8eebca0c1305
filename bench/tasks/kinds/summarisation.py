"""Summarisation: a short text for a long one."""

from __future__ import annotations

from bench.data.answers import read_references
from bench.data.base import Column, Columns
from bench.suite import TaskSpec
from bench.tasks.base import Bound, Workload
from bench.tasks.generation import Generation
from bench.tasks.kind import Kind


class SummarisationKind(Kind):
    """A short text for a long one."""

    name = "summarisation"
    summary = "a short text for a long one"
    version = 3
    columns = Columns((Column("document"),), Column("summary", read_references))
    prompts = {"continue": "{document}\nSummary:", "prefix": "summarize: {document}"}
    ability = "generate"
    rules = ("copy", "lead", "nearest")
    answers = "text"
    metrics = ("rougeL", "rouge1", "rouge2")

    def workload(self, spec: TaskSpec, bound: Bound) -> Workload:
        """Have the text written."""
        return Generation(spec, bound, self.columns)
