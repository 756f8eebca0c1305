"""Translation: a text in another language."""

from __future__ import annotations

from bench.data.answers import read_references
from bench.data.base import Column, Columns
from bench.suite import TaskSpec
from bench.tasks.base import Bound, Workload
from bench.tasks.generation import Generation
from bench.tasks.kind import Kind


class TranslationKind(Kind):
    """A text in another language."""

    name = "translation"
    summary = "a text in another language"
    version = 3
    columns = Columns((Column("source"),), Column("target", read_references))
    prompts = {"continue": "{source}\nTranslation:", "prefix": "translate: {source}"}
    ability = "generate"
    rules = ("copy", "lead", "nearest")
    answers = "text"
    metrics = ("bleu", "chrf")

    def workload(self, spec: TaskSpec, bound: Bound) -> Workload:
        """Have the text written."""
        return Generation(spec, bound, self.columns)
