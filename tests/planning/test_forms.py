"""Several prompts are several candidates, shots are drawn from rows that nobody scores, and what has no use is left."""

from __future__ import annotations

import json
import random
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from bench.errors import SuiteError
from bench.planning import Plan, make_plan, open_suite
from bench.planning.forms import entry_of
from bench.record import Cell

SPLITS = {
    "train": [{"id": f"t{n}", "text": f"train {n}", "label": "abc"[min(n % 4, 2)]} for n in range(40)],
    "test": [{"id": f"s{n}", "text": f"test {n}", "label": "abc"[n % 3]} for n in range(9)],
}


def write(folder: Path, models: str, splits: dict[str, list[dict[str, str]]] | None = None) -> Path:
    (folder / "data").mkdir(exist_ok=True)
    (folder / "gpt").mkdir(exist_ok=True)
    (folder / "gpt" / "config.json").write_text('{"architectures": ["GPT2LMHeadModel"]}')
    for name, rows in (splits or SPLITS).items():
        (folder / "data" / f"{name}.jsonl").write_text("\n".join(map(json.dumps, rows)))
    path = folder / "suite.yaml"
    path.write_text(
        f"name: s\nmodels:\n{models}\ntasks:\n"
        "  - {name: topic, kind: classification, data: {path: data}}\n"
        "  - {name: written, kind: classification, data: {path: data}, scoring: generated, max_new_tokens: 4}\n"
        "  - {name: lm, kind: language-modelling, data: {path: data}}\n"
    )
    return path


def planned(folder: Path, entry: str, **options: Any) -> Plan:
    path = write(folder, f"  - {{name: gpt, family: causal-lm, checkpoint: ./gpt{entry}}}", **options)
    return make_plan(open_suite(str(path)), folder / "results")


def cell_of(plan: Plan, model: str, task: str) -> Cell:
    return next(cell for cell in plan.cells if (cell.model, cell.task) == (model, task))


def test_prompts_with_names_of_their_own_are_candidates(tmp_path: Path) -> None:
    plan = planned(tmp_path, ', prompts: {short: "{text} is", long: {topic: "Topic of {text}:"}}')
    assert [cell.model for cell in plan.cells] == ["gpt·short"] * 3 + ["gpt·long"] * 3
    templates = {(cell.model, cell.task): cell.to_run().template for cell in plan.cells}
    assert templates["gpt·short", "topic"] == templates["gpt·short", "written"] == "{text} is"
    assert templates["gpt·long", "topic"] == "Topic of {text}:" != templates["gpt·long", "written"]
    assert len({cell.id for cell in plan.cells if cell.task == "topic"}) == 2
    assert entry_of(plan.suite.value, "gpt·long") == 0


def test_prompts_by_task_stay_what_they_were(tmp_path: Path) -> None:
    plan = planned(tmp_path, ', prompts: {topic: "{text} is"}')
    assert {cell.model for cell in plan.cells} == {"gpt"}
    named = planned(tmp_path, ', prompts: {a: {topic: "{text} is"}, b: "{text} was"}')
    ids = [cell_of(plan, "gpt", "topic").identity, cell_of(named, "gpt·a", "topic").identity]
    assert {**ids[0], "model": None} == {**ids[1], "model": None}, "the same question but for the name"


def test_shots_are_balanced_seeded_and_part_of_the_id(tmp_path: Path) -> None:
    plans = [planned(tmp_path, f", shots: {{number: 5, seed: {seed}}}") for seed in (1, 1, 2)]
    cells = [cell_of(plan, "gpt", "topic") for plan in plans]
    shots = [cell.to_run().shots for cell in cells]
    assert shots[0] == shots[1] != shots[2] and cells[0].id == cells[1].id != cells[2].id
    assert sorted(Counter(shot.answer for shot in shots[0]).values()) == [1, 2, 2]
    assert all(shot.id.startswith("t") and shot.prompt == f"train {shot.id[1:]}\nLabel:" for shot in shots[0])
    as_drawn = planned(tmp_path, ", shots: {number: 30, balanced: false}")
    counts = Counter(shot.answer for shot in cell_of(as_drawn, "gpt", "topic").to_run().shots)
    assert counts["c"] > counts["a"], "half of the split are c"


def test_what_has_no_use_on_a_task_is_left_out_of_its_cell(tmp_path: Path) -> None:
    plain = planned(tmp_path, "")
    keys = ", system: Be brief., shots: {number: 2}, answer: {strip: true}, generation: {max_new_tokens: 2}"
    plan = planned(tmp_path, keys)
    assert cell_of(plan, "gpt", "lm").id == cell_of(plain, "gpt", "lm").id
    topic, written = (cell_of(plan, "gpt", name).to_run() for name in ("topic", "written"))
    assert topic.model.system and topic.shots and topic.model.generation is topic.task.answer is None
    assert written.task.answer is not None and written.task.max_new_tokens == 2
    assert cell_of(plain, "gpt", "written").to_run().task.max_new_tokens == 4


def leaked(key: str) -> dict[str, list[dict[str, str]]]:
    """Splits of which every training row is a scored one, by its text or by its id."""
    test = [{"id": f"s{n}", "text": f"test {n}", "label": "abc"[n % 3]} for n in range(9)]
    train = [row | {"id": f"x{row['id']}", "text": row["text"] + "!"} | {key: row[key]} for row in test]
    random.Random(0).shuffle(train)
    return {"train": train, "test": test}


@pytest.mark.parametrize(("key", "same"), [("text", "the same text"), ("id", "the same id")])
def test_shots_are_never_scored_rows(key: str, same: str, tmp_path: Path) -> None:
    with pytest.raises(SuiteError, match=rf"suite.yaml:3:\d+ models\[0\].shots: .*scored row.*{same}"):
        planned(tmp_path, ", shots: {number: 2}", splits=leaked(key))


def test_numbers_that_stand_for_ids_are_no_ids(tmp_path: Path) -> None:
    bare = {name: [{k: v for k, v in row.items() if k != "id"} for row in rows] for name, rows in SPLITS.items()}
    assert len(cell_of(planned(tmp_path, ", shots: {number: 9}", splits=bare), "gpt", "topic").to_run().shots) == 9


MISTAKES = {
    "scored split": (", shots: {number: 2, split: test}", "models[0].shots.split", "the split that 'topic' scores"),
    "no split": (", shots: {number: 2, split: trian}", "models[0].shots.split", "did you mean 'train'"),
    "too many": (", shots: {number: 99}", "models[0].shots.number", "has 40 examples, and 99"),
    "unknown key of shots": (", shots: {number: 2, count: 3}", "models[0].shots.count", "unknown key 'count'"),
    "shots without a number": (", shots: {seed: 2}", "models[0].shots", "the key 'number' is missing"),
    "shots for a bare text": (", tasks: [lm], shots: {number: 2}", "models[0].shots", "none of its tasks asks"),
    "nothing is written": (", tasks: [topic], generation: {min_length: 2}", "models[0].generation", "writes no text"),
    "missing placeholder": (', prompts: {a: "{txt} is", b: "{text}?"}', "models[0].prompts.a", "'{txt}'; did you mean"),
    "one prompt of no task": (', prompts: {tpoic: "{text}"}', "models[0].prompts.tpoic", "did you mean 'topic'?"),
    "task and name": (', prompts: {topic: "{text}", b: "{text}"}', "models[0].prompts.b", "no task is named 'b'"),
    "no task in a prompt": (
        ', prompts: {a: {tpoic: "{text}"}, b: "{text}?"}',
        "models[0].prompts.a.tpoic",
        "did you mean 'topic'?",
    ),
    "equal prompts": (', prompts: {a: "{text}", b: "{text}"}', "models[0].prompts.b", "what an earlier one says"),
    "regex": (', answer: {regex: "("}', "models[0].answer.regex", "no regular expression"),
    "temperature alone": (", generation: {temperature: 0.5}", "models[0].generation", "set 'do_sample: true'"),
    "unknown setting": (", generation: {top_q: 5}", "models[0].generation.top_q", "did you mean 'top_p'?"),
}


@pytest.mark.parametrize("name", list(MISTAKES))
def test_a_mistake_is_one_line_with_place_and_remedy(name: str, tmp_path: Path) -> None:
    entry, place, message = MISTAKES[name]
    with pytest.raises(SuiteError) as caught:
        planned(tmp_path, entry)
    lines = str(caught.value).splitlines()
    assert len(lines) == 1 and "suite.yaml:3:" in lines[0] and f" {place}: " in lines[0], lines
    assert message in lines[0]


def test_a_key_of_another_family_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path, "  - {name: m, family: baseline, strategy: majority, shots: {number: 1}}")
    with pytest.raises(SuiteError, match="'shots' is for causal-lm, endpoint, seq2seq"):
        make_plan(open_suite(str(path)), tmp_path / "results")
