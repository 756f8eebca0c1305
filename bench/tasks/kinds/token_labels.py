"""Token labels: a tag for each token of a sentence, such as which name it belongs to."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import cast

from bench.candidates.interface import OnToken, Tagged, Tags
from bench.candidates.windows import windows
from bench.data.answers import read_tags, read_tokens
from bench.data.base import Column, Columns, Dataset, Example
from bench.record import Sample
from bench.suite import TaskSpec
from bench.tasks.asking import Asking
from bench.tasks.base import Bound, Request, Workload
from bench.tasks.kind import Kind

NONE = "O"
"""The tag of a token that belongs to nothing; also of one that was cut off."""


def sentence(example: Example) -> list[str]:
    """Look up the tokens of an example."""
    return list(example.columns["tokens"])


class TokenLabels(Asking[Tagged]):
    """A workload whose answers are tags; they are kept with spaces between them."""

    ability = "tag"

    def request(self, indices: Sequence[int]) -> Request:
        """Prepare a request."""
        tag, sentences = cast("Tags", self.bound.model).tag, [sentence(self.examples[index]) for index in indices]

        def call(on_token: OnToken | None) -> Sequence[Tagged]:
            return tag(sentences)

        return call

    def sample(self, index: int, answer: Tagged) -> Sample:
        """Make the row with the tags; those of what was cut off are none."""
        example = self.examples[index]
        missing = len(sentence(example)) - len(answer.tags)
        tags = [*answer.tags, *[NONE] * missing]
        right = self.columns.several(example) or ()
        return self.row(index, answer, reference=" ".join(right), prediction=" ".join(tags))


class TokenLabelsKind(Kind):
    """A tag for each token."""

    name = "token-labels"
    summary = "a tag for each token of a sentence: names and their types"
    columns = Columns(
        (Column("tokens", read_tokens, joined=True, aliases=("words",)),),
        Column("tags", read_tags, aliases=("ner_tags",)),
    )
    ability = "tag"
    many_labels = True
    rules = ("majority",)
    answers = "tags"
    metrics = ("entity_f1", "tag_accuracy")

    def labels_of(self, data: Dataset) -> frozenset[str]:
        """Collect the tags that occur in a split."""
        return frozenset(tag for example in data.examples for tag in self.columns.several(example) or ())

    def texts(self, template: str, examples: Sequence[Example]) -> list[str]:
        """Write each sentence with spaces between its tokens."""
        return [" ".join(sentence(example)) for example in examples]

    def learnt(
        self, template: str, examples: Sequence[Example], labels: Sequence[str]
    ) -> tuple[list[str], Sequence[object]]:
        """List what is told of each token of all sentences, and the place of its tag."""
        places = {label: place for place, label in enumerate(labels)}
        told = [text for example in examples for text in windows(sentence(example))]
        return told, [places[tag] for example in examples for tag in self.columns.several(example) or ()]

    def right_texts(self, examples: Sequence[Example]) -> Mapping[str, int]:
        """Count how often each tag is right, for the majority baseline."""
        return Counter(tag for example in examples for tag in self.columns.several(example) or ())

    def workload(self, spec: TaskSpec, bound: Bound) -> Workload:
        """Ask for the tags."""
        return TokenLabels(bound, self.columns, self.texts("", bound.examples), lambda texts: [])
