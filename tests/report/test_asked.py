"""The page says of candidates what is not the usual way: how they were made, asked and let write."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

from bench.record import Cell, Record
from bench.report.asked import asked
from bench.suite import AdapterSpec, AnswerSpec, Shot, ShotsSpec
from tests.jobs import make_job


def view(notes: dict[str, object] | None = None, model: dict[str, Any] | None = None, **job: Any) -> Any:
    made = make_job(**job)
    made = made.model_copy(update={"model": made.model.model_copy(update=model or {})})
    cell = Cell("m", "causal-lm", "float32", "t", "question-answering", made)
    record = Record(cell, "ok", None, notes=notes or {})
    return SimpleNamespace(entries=[SimpleNamespace(cell=cell, records=[replace(record, process=1), record])])


def test_the_usual_way_is_not_told() -> None:
    plain = {"asked": {}, "followed": {}, "sampling": None}
    assert asked(view()) == asked(view({"generation": plain})) == []


def test_what_is_particular_is_told_once() -> None:
    told = view(
        {
            "generation": {"asked": {"num_beams": 4}, "followed": {"min_length": 2}, "sampling": {"top_k": 5}},
            "variant_shrunk": {"layers": [12, 6], "parameters": [2000, 1500]},
            "variant_made_by": "torch 2.13",
        },
        {"system": "Be brief.", "shots": ShotsSpec(number=1), "adapter": AdapterSpec(base="org/base")},
        shots=(Shot(prompt="a", answer="b", id="t7"),),
        answer=AnswerSpec(after="</think>"),
    )
    assert asked(told) == [
        (
            "m · t",
            "adapter merged with org/base; layers 12 → 6; parameters 2,000 → 1,500; quantised by torch 2.13; "
            'system: Be brief.; shots of train, seed 1: t7; answer: {"after": "</think>"}; '
            'generation_config.json asks for {"num_beams": 4}; followed {"min_length": 2}; '
            'tokens drawn with {"top_k": 5}',
        )
    ]


def test_settings_of_which_none_is_followed_and_draws_without_cuts_are_told() -> None:
    note = {"asked": {"do_sample": True}, "followed": {}, "sampling": {}}
    assert asked(view({"generation": note}))[0][1].endswith("none of it followed; tokens drawn")
