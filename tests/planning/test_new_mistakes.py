"""Mistakes with linear and embedding models, `nearest` and the newer kinds: one line each, with place and remedy."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from bench.errors import BenchError
from bench.planning import make_plan, open_suite
from tests.fit.solved import write_vectors

LINEAR = "{name: lin, family: linear, fit: {recipe: recipe.yaml}}"
PAIR = {"text": "a", "text_pair": "b", "label": "x"}


def planned(folder: Path, model: str, kind: str, rows: list[dict[str, Any]], *, recipe="", more="", train=None):
    (folder / "data").mkdir()
    splits = {"test": rows, "validation": train or rows, "train": train or rows}
    for split, own in splits.items():
        (folder / "data" / f"{split}.jsonl").write_text("\n".join(map(json.dumps, own)))
    (folder / "recipe.yaml").write_text(recipe or "{}\n")
    (folder / "suite.yaml").write_text(
        f"name: wrong\nmodels:\n  - {model}\ntasks:\n  - name: t\n    kind: {kind}\n    data: {{path: data}}\n{more}"
    )
    return make_plan(open_suite(str(folder / "suite.yaml")), folder / "results")


TEXT = [{"text": "a", "label": "x"}, {"text": "b", "label": "y"}]
MISTAKES: dict[str, tuple[str, str, list[dict[str, Any]], dict[str, Any], str, str]] = {
    # name: (model, kind, rows, more, place, part of the message)
    "a key of networks": (
        LINEAR,
        "classification",
        TEXT,
        {"recipe": "steps: 10\n"},
        "recipe.yaml:1:1 steps",
        "unknown",
    ),
    "no strength": (LINEAR, "classification", TEXT, {"recipe": "c: 0.0\n"}, "recipe.yaml:1:1 c", "greater than 0"),
    "nothing to read": (
        LINEAR,
        "classification",
        TEXT,
        {"recipe": "{words: 0, characters: 0}\n"},
        "recipe.yaml:1",
        "'words: 0' needs 'characters' of 3 or more",
    ),
    "a search of what it has not": (
        LINEAR,
        "classification",
        TEXT,
        {"recipe": "search: {method: grid, space: {learning_rate: [1.0]}}\n"},
        "recipe.yaml:1",
        "'learning_rate' cannot be searched; valid names: c, characters",
    ),
    "a search with an impossible value": (
        LINEAR,
        "classification",
        TEXT,
        {"recipe": "search: {method: grid, space: {c: [-1.0]}}\n"},
        "recipe.yaml:1",
        "the search sets {'c': -1.0}",
    ),
    "a teacher": (
        "{name: lin, family: linear, fit: {recipe: recipe.yaml, teacher: lin}}",
        "classification",
        TEXT,
        {},
        "suite.yaml:3:60 models[0].fit.teacher",
        "knows no 'teacher'; leave it out",
    ),
    "neither fit nor folder": (
        "{name: lin, family: linear}",
        "classification",
        TEXT,
        {},
        "suite.yaml:3:5 models[0]",
        "needs the key 'fit' or a 'checkpoint'",
    ),
    "vectors that know no word of the texts": (
        "{name: v, family: embedding, checkpoint: ./glove, fit: {recipe: recipe.yaml}}",
        "classification",
        [{"text": f"собака {place}", "label": label} for place in range(4) for label in ("да", "нет")],
        {},
        "models[0].fit",
        "no word of the training texts has a vector in",
    ),
    "vectors by their file": (
        "{name: v, family: embedding, checkpoint: ./glove/glove.txt}",
        "classification",
        TEXT,
        {},
        "suite.yaml:3:34 models[0].checkpoint",
        "is a file; give the folder that it lies in",
    ),
    "a misspelt rule": (
        "{name: near, family: baseline, strategy: nearst}",
        "classification",
        TEXT,
        {},
        "models[0].strategy",
        "did you mean 'nearest'?",
    ),
    "no second text": (LINEAR, "sentence-pairs", TEXT, {}, "suite.yaml:7:5 tasks[0].data", "no column 'text_pair'"),
    "a label that is never scored": (
        LINEAR,
        "sentence-pairs",
        [PAIR, {**PAIR, "label": "y"}],
        {"train": [PAIR, {**PAIR, "label": "z"}]},
        "tasks[0].data",
        "has the label 'z', which the scored data have not; list all labels",
    ),
    "one label where several may be": (
        LINEAR,
        "multi-label",
        [{"text": "a", "labels": "x"}],
        {},
        "data",
        "must be a list",
    ),
    "no number": (
        LINEAR,
        "regression",
        [{"text": "a", "value": 1}, {"text": "b", "value": float("nan")}],
        {},
        "tasks[0].data",
        "row 2: 'value' is empty",
    ),
    "a word for a number": (LINEAR, "regression", [{"text": "a", "value": "x"}], {}, "data", "not a finite number"),
    "fewer tags than tokens": (
        LINEAR,
        "token-labels",
        [{"tokens": ["a", "b"], "tags": ["O"]}],
        {},
        "tasks[0].data",
        "1 tags for 2 tokens",
    ),
    "tags that are numbers": (
        LINEAR,
        "token-labels",
        [{"tokens": ["a"], "tags": [3]}],
        {},
        "data",
        "holds 3, which is no tag",
    ),
    "no relevant document": (
        "{name: near, family: baseline, strategy: nearest}",
        "ranking",
        [{"query": "a", "documents": ["b", "c"], "relevance": [0, 0]}],
        {},
        "tasks[0].data",
        "no document above 0",
    ),
    "a metric of texts": (
        LINEAR,
        "multi-label",
        [{"text": "a", "labels": ["x"]}],
        {"more": "    metrics: [bleu]\n"},
        "suite.yaml:8:5 tasks[0].metrics",
        "makes no sense for multi-label; these do: macro_f1, micro_f1, subset_accuracy",
    ),
    "a runtime that executes nothing": (
        "{name: m, family: encoder, checkpoint: ./glove, runtime: [torch], variants: [{runtime: onnxruntime}]}",
        "classification",
        TEXT,
        {},
        "models[0].runtime",
        "names a 'runtime' of its own, so that this one executes nothing",
    ),
    "a depth that there is not": (
        "{name: near, family: baseline, strategy: nearest}",
        "ranking",
        [{"query": "a", "documents": ["b", "c"], "relevance": [0, 1]}],
        {"more": "    metric_options: {ndcg: {k: '7'}}\n"},
        "tasks[0].metrics",
        "the metric 'ndcg' has no 'k: 7'; its values are 10, 1, 3",
    ),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistake_is_told_in_one_line_with_its_place(name: str, tmp_path: Path) -> None:
    model, kind, rows, more, place, part = MISTAKES[name]
    write_vectors(tmp_path / "glove")
    with pytest.raises(BenchError) as caught:
        planned(tmp_path, model, kind, rows, **more)
    (line,) = {line.partition("row")[2] or line: line for line in str(caught.value).splitlines()}.values()
    assert place in line, line
    assert part in line, line


@pytest.mark.parametrize(
    ("model", "kind", "rows", "reason"),
    [
        ("{name: near, family: baseline, strategy: nearest}", "classification", TEXT, "needs a split 'train'"),
        (
            "{name: v, family: embedding, checkpoint: ./glove}",
            "classification",
            TEXT,
            "have no head; add a 'fit' to fit one, or use a causal-lm, encoder,",
        ),
        ("{name: l, family: linear, checkpoint: ./glove}", "classification", TEXT, "no fitted head (heads.json)"),
        (
            "{name: o, family: transformer, checkpoint: ./bert}",
            "classification",
            TEXT,
            "is of a 'bert', and no in-house",
        ),
        (
            "{name: near, family: baseline, strategy: nearest}",
            "multiple-choice",
            [{"question": "a", "choices": ["b", "c"], "answer": 0}],
            "makes no sense for multiple-choice; use 'majority'",
        ),
    ],
)
def test_what_a_model_cannot_do_is_unsupported_with_the_reason(model, kind, rows, reason, tmp_path: Path) -> None:
    write_vectors(tmp_path / "glove")
    (tmp_path / "bert").mkdir()
    (tmp_path / "bert" / "config.json").write_text('{"model_type": "bert"}')
    (tmp_path / "one.jsonl").write_text("\n".join(map(json.dumps, rows)))
    (tmp_path / "suite.yaml").write_text(
        f"name: one\nmodels:\n  - {model}\ntasks:\n  - {{name: t, kind: {kind}, data: {{path: one.jsonl}}}}\n"
    )
    (cell,) = make_plan(open_suite(str(tmp_path / "suite.yaml")), tmp_path / "results").cells
    assert reason in str(cell.unsupported)
    assert len(str(cell.unsupported).splitlines()) == 1
