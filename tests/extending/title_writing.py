"""A kind of task in one file: a title for an article, its keywords given; columns, prompts and metrics of its own."""

from __future__ import annotations

from bench.data.base import Column, Columns
from bench.suite import TaskSpec
from bench.tasks.base import Bound, Workload
from bench.tasks.generation import Generation
from bench.tasks.kind import Kind


class TitleWriting(Kind):
    """A title for an article."""

    name = "title-writing"
    summary = "a title for an article"
    version = 1
    columns = Columns((Column("article"), Column("keywords", optional=True)), Column("title", aliases=("headline",)))
    prompt_columns = ("article", "keywords")
    prompts = {"continue": "{article}\nTitle:", "prefix": "title: {article} {keywords}"}  # noqa: RUF012
    ability = "generate"
    rules = ("lead",)
    answers = "text"
    metrics = ("rouge1",)

    def workload(self, spec: TaskSpec, bound: Bound) -> Workload:
        """Have the title written."""
        return Generation(spec, bound, self.columns)
