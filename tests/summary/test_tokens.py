"""Metrics per token are compared only between models that count the same tokens."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bench.compare.pairs import compare
from bench.compare.remarks import TokensDiffer as NotTested
from bench.decision import decide
from bench.decision.build import build
from bench.decision.question import Question
from bench.decision.remarks import TokensDiffer
from bench.record import Record
from bench.suite import DecisionSpec
from bench.summary import summarise
from bench.words import remarks
from bench.words.compare import sentences
from bench.words.decision import replaced
from tests.factories import Sketch, Task, make_record

OBJECTIVES = ("quality", "peak_memory_bytes")


def records(metrics: tuple[str, ...], factor: float) -> list[Record]:
    """Two models, of which the second counts `factor` times the tokens."""
    task = Task("lm", "language-modelling", metrics)
    words, letters = (make_record(Sketch(name), task, examples=30) for name in ("words", "letters"))
    cut = [replace(s, scored_tokens=round(100 * factor * (s.scored_tokens or 0))) for s in letters.samples]
    whole = [replace(s, scored_tokens=100 * (s.scored_tokens or 0)) for s in words.samples]
    return [replace(words, samples=tuple(whole)), replace(letters, samples=tuple(cut))]


@pytest.mark.parametrize(
    ("metrics", "quality"), [(("perplexity", "bits_per_byte"), "bits_per_byte"), (("perplexity",), None)]
)
def test_other_tokens_leave_perplexity_out(metrics: tuple[str, ...], quality: str | None) -> None:
    entries = summarise(records(metrics, 4.0))
    assert [doubt.readings for entry in entries for doubt in entry.doubts] == [("perplexity",)] * 2
    assert {entry.quality_metric for entry in entries} == {quality or "perplexity"}
    board = build("lm", entries, Question((*OBJECTIVES, "perplexity"), rule=DecisionSpec(replicates=200)))
    assert [column.name for column in board.columns] == [*([quality] if quality else []), "peak_rss_bytes"]
    assert TokensDiffer("lm", ("perplexity",), quality) in board.remarks
    told = replaced(decide(entries, Question(OBJECTIVES, rule=DecisionSpec(replicates=200))))
    assert told == [remarks.remark(TokensDiffer("lm", ("perplexity",), quality))]
    found = compare(entries[:1], entries[1:], "words", "letters")
    assert [row.metric for row in found.quality] == ([quality] if quality else [])
    assert NotTested("lm", "", "perplexity") in found.remarks and sentences(found)


@pytest.mark.parametrize("factor", [1.0, 1.005])
def test_the_same_tokens_are_compared(factor: float) -> None:
    entries = summarise(records(("perplexity", "bits_per_byte"), factor))
    assert not any(entry.doubts for entry in entries)
    board = build("lm", entries, Question(OBJECTIVES, rule=DecisionSpec(replicates=200)))
    assert board.columns[0].name == "perplexity" and not any(isinstance(r, TokensDiffer) for r in board.remarks)
    assert {row.metric for row in compare(entries[:1], entries[1:], "a", "b").quality} == {
        "perplexity",
        "bits_per_byte",
    }
