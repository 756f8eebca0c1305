"""From a suite to cells: identities, unsupported ones, fits, limits and patterns."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bench.errors import InputError, SuiteError
from bench.planning import Options, fit_jobs, make_plan, open_suite

RECIPE = """\
start: scratch
architecture: {layers: 1, d_model: 16, heads: 2, d_ff: 32, vocab_size: 300}
steps: 20
learning_rate: 1.0e-3
warmup_steps: 2
"""


def suite_file(folder: Path, models: str, extra: str = "") -> Path:
    data = folder / "data"
    data.mkdir(exist_ok=True)
    for split in ("train", "validation", "test"):
        rows = [{"text": f"{split} {i}", "label": "ab"[i % 2], "source": "x", "target": "y"} for i in range(10)]
        (data / f"{split}.jsonl").write_text("\n".join(map(json.dumps, rows)))
    (folder / "recipe.yaml").write_text(RECIPE)
    path = folder / "suite.yaml"
    path.write_text(
        f"name: s\nmodels:\n{models}\ntasks:\n"
        "  - {name: topic, kind: classification, data: {path: data}}\n"
        "  - {name: en-de, kind: translation, data: {path: data}}\n" + extra
    )
    return path


def plan_of(path: Path, options: Options | None = None):  # type: ignore[no-untyped-def]
    return make_plan(open_suite(str(path)), path.parent / "results", options)


FLOOR = "  - {name: floor, family: baseline, strategy: majority}"


def test_unsupported_cells_have_their_reason_before_anything_runs(tmp_path: Path) -> None:
    plan = plan_of(suite_file(tmp_path, FLOOR))
    assert [cell.unsupported is None for cell in plan.cells] == [True, False]
    assert not (tmp_path / "results").exists()


def test_the_identity_follows_what_matters_and_nothing_else(tmp_path: Path) -> None:
    path = suite_file(tmp_path, FLOOR)
    first = plan_of(path).cells[0].id
    assert plan_of(path).cells[0].id == first
    path.write_text(path.read_text() + "description: other words\n")
    assert plan_of(path).cells[0].id == first
    for change in ("defaults: {seed: 7}\n", "defaults: {batch_size: 3}\n", "measure: {profile: quick}\n"):
        path = suite_file(tmp_path, FLOOR, change)
        assert plan_of(path).cells[0].id != first, change
    bound = [
        plan_of(suite_file(tmp_path, FLOOR, f'defaults: {{cpus: "{cpus}"}}\n')).cells[0] for cpus in ("0,1", "0-1")
    ]
    assert bound[0].id == bound[1].id != first
    assert bound[0].to_run().cpus == "0-1"
    path = suite_file(tmp_path, FLOOR)
    (tmp_path / "data" / "test.jsonl").write_text('{"text": "new", "label": "a", "source": "x", "target": "y"}')
    assert plan_of(path).cells[0].id != first


def test_limit_and_only(tmp_path: Path) -> None:
    path = suite_file(tmp_path, FLOOR)
    plan = plan_of(path, Options(limit=3, only=("floor/topic",)))
    assert [cell.task for cell in plan.cells] == ["topic"]
    assert plan.work(plan.cells[0])["examples"] == 3
    both = plan_of(path, Options(only=("floor/topic", "en-*")))
    assert [cell.task for cell in both.cells] == ["topic", "en-de"]
    with pytest.raises(InputError, match="did you mean 'topic'"):
        plan_of(path, Options(only=("floor", "topc")))
    with pytest.raises(InputError, match="did you mean 'floor'"):
        plan_of(path, Options(only=("flor",)))


def test_a_missing_checkpoint_becomes_a_fit_and_keeps_its_identity(tmp_path: Path) -> None:
    model = "  - {name: bert, family: encoder, fit: {recipe: recipe.yaml}}"
    path = suite_file(tmp_path, model)
    plan = plan_of(path)
    assert [job.model.name for job in plan.fits] == ["bert"]
    plan.fits[0].output.mkdir(parents=True)
    again = plan_of(path)
    assert again.fits == ()
    assert [cell.id for cell in again.cells] == [cell.id for cell in plan.cells]
    (tmp_path / "recipe.yaml").write_text(RECIPE.replace("steps: 20", "steps: 21"))
    assert len(plan_of(path).fits) == 1


def test_a_committed_checkpoint_of_another_recipe_is_stale(tmp_path: Path) -> None:
    model = "  - {name: bert, family: encoder, fit: {recipe: recipe.yaml, output: made}}"
    path = suite_file(tmp_path, model)
    (tmp_path / "made").mkdir()
    (tmp_path / "made" / "provenance.json").write_text('{"recipe_hash": "other", "wall_s": 1.0}')
    assert plan_of(path).cells[0].to_run().stale_checkpoint


def test_training_on_the_scored_file_is_refused(tmp_path: Path) -> None:
    model = "  - {name: bert, family: encoder, fit: {recipe: recipe.yaml}}"
    path = suite_file(tmp_path, model)
    path.write_text(path.read_text().replace("{path: data}", "{path: data/test.jsonl}"))
    with pytest.raises(SuiteError, match=r"training needs the split 'train', and this is a single file"):
        plan_of(path)


def test_a_suite_without_recipes_has_nothing_to_fit(tmp_path: Path) -> None:
    path = suite_file(tmp_path, FLOOR)
    with pytest.raises(InputError, match="no model has a 'fit'"):
        fit_jobs(open_suite(str(path)), tmp_path / "results")


@pytest.mark.parametrize(
    ("extra", "message"),
    [
        ("objectives: [quality, latency_p95]\n", r":7:23 objectives\[1\]: 'latency_p95' is no metric and no reading"),
        ("constraints: {accuracy: '0.9'}\n", r"begin with <= or >="),
        ("constraints: {accuracy: '>= 95 % of best', latency_p95_s: '<= 50'}\n", r"'50' has no unit"),
        ("constraints: {accuracy: '>= 95'}\n", r":7:\d+ constraints.accuracy: 'accuracy >= 95'.*write '>= 95 %'"),
    ],
)
def test_names_and_limits_are_checked_with_their_place(tmp_path: Path, extra: str, message: str) -> None:
    with pytest.raises(SuiteError, match=message):
        plan_of(suite_file(tmp_path, FLOOR, extra))


def test_a_bare_encoder_is_unsupported_until_a_head_is_fitted(tmp_path: Path) -> None:
    (tmp_path / "bare").mkdir()
    (tmp_path / "bare" / "config.json").write_text('{"architectures": ["BertModel"]}')
    plan = plan_of(suite_file(tmp_path, "  - {name: bert, family: encoder, checkpoint: bare}"))
    assert "no classification head; add a 'fit'" in str(plan.cells[0].unsupported)


def test_learning_from_the_scored_split_is_refused(tmp_path: Path) -> None:
    path = suite_file(tmp_path, "  - {name: bert, family: encoder, fit: {recipe: recipe.yaml}}")
    path.write_text(path.read_text().replace("{path: data}", "{path: data, split: validation}"))
    with pytest.raises(SuiteError, match=r"learns from the split 'validation', which this task scores"):
        plan_of(path)


def test_the_identity_follows_the_weights_in_a_subfolder(tmp_path: Path) -> None:
    weights = tmp_path / "ckpt" / "step-100"
    weights.mkdir(parents=True)
    (weights / "model.safetensors").write_bytes(b"one")
    path = suite_file(tmp_path, "  - {name: gpt, family: causal-lm, checkpoint: ckpt, subfolder: step-100}")
    first = plan_of(path).cells[0].id
    (weights / "model.safetensors").write_bytes(b"two")
    assert plan_of(path).cells[0].id != first


def test_a_factory_is_looked_for_beside_the_suite_and_belongs_to_the_identity(tmp_path: Path) -> None:
    path = suite_file(tmp_path, '  - {name: mine, family: torch-module, factory: "no_such_module_here:build"}')
    with pytest.raises(SuiteError, match="no module 'no_such_module_here' beside the suite"):
        plan_of(path)
    (tmp_path / "no_such_module_here.py").write_text("def build(): ...")
    first = plan_of(path).cells[0].id
    (tmp_path / "no_such_module_here.py").write_text("def build(): return 1")
    assert plan_of(path).cells[0].id != first


@pytest.mark.parametrize("factory", ["kit.models:build", "kit:build"])
def test_whatever_changes_in_a_factorys_package_is_another_model(tmp_path: Path, factory: str) -> None:
    path = suite_file(tmp_path, f'  - {{name: mine, family: torch-module, factory: "{factory}"}}')
    (tmp_path / "kit").mkdir()
    for name in ("__init__", "models", "layers"):
        (tmp_path / "kit" / f"{name}.py").write_text("def build(): ...")
    first = plan_of(path).cells[0].id
    (tmp_path / "other.py").write_text("")
    assert plan_of(path).cells[0].id == first
    (tmp_path / "kit" / "layers.py").write_text("slow = True")
    assert plan_of(path).cells[0].id != first


@pytest.mark.parametrize(
    ("decision", "place", "says"),
    [
        ("{order: [latncy_p95_s]}", "decision.order[0]", "did you mean 'latency_p95_s'"),
        ("{margins: {acuracy: 0.01}}", "decision.margins.acuracy", "did you mean 'accuracy'"),
        ("{reference: {latncy_p95_s: 1 s}}", "decision.reference.latncy_p95_s", "did you mean 'latency_p95_s'"),
        ("{rule: lexicographic}", "decision.rule", "needs decision.order"),
        ("{rule: weighted}", "decision.rule", "needs decision.rates"),
    ],
)
def test_what_a_decision_lacks_is_said_before_anything_runs(
    tmp_path: Path, decision: str, place: str, says: str
) -> None:
    path = suite_file(tmp_path, FLOOR, f"decision: {decision}\n")
    with pytest.raises(SuiteError, match=says) as found:
        plan_of(path)
    assert place in str(found.value)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("{path: data}}", "{path: data}, label_names: {aa: yes}}", r"label_names: the task has no label 'aa'"),
        ("{path: data}}", "{path: data}, label_names: {a: b}}", "'a' and 'b' are both written 'b'"),
        ("translation, ", "translation, stop: [''], ", r"stop\[0\]"),
        ("family: baseline, ", "family: baseline, chat_template: true, ", "'chat_template' is for causal-lm"),
    ],
)
def test_what_would_pass_without_a_word_is_refused(tmp_path: Path, old: str, new: str, message: str) -> None:
    path = suite_file(tmp_path, FLOOR)
    path.write_text(path.read_text().replace(old, new, 1))
    with pytest.raises(SuiteError, match=message):
        plan_of(path)


def test_a_metric_may_lie_beside_the_suite(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    from bench.record import Record
    from bench.summary.quality import metrics_of

    name = "lies_beside_the_suite"
    (tmp_path / f"{name}.py").write_text("def score(predictions, references): return [1.0] * len(predictions)\n")
    path = suite_file(tmp_path, FLOOR)
    path.write_text(path.read_text().replace("topic,", f"topic, metrics: ['{name}:score'],"))
    monkeypatch.setattr(sys, "path", list(sys.path))
    cell = plan_of(path).cells[0]
    monkeypatch.undo()
    sys.modules.pop(name)
    from bench.tasks.metrics import resolve

    monkeypatch.setattr(sys, "path", list(sys.path))
    record = Record(cell=cell, status="ok", reason=None, process=0, started_at="", wall_s=0.0)
    assert [metric.name for metric in metrics_of(record, resolve)] == [f"{name}:score"]


def test_a_model_is_tried_on_the_tasks_that_its_entry_names(tmp_path: Path) -> None:
    named = "  - {name: floor, family: baseline, strategy: copy, tasks: [en-de]}"
    plan = plan_of(suite_file(tmp_path, named))
    reasons = {cell.task: cell.unsupported for cell in plan.cells}
    assert reasons["en-de"] is None and "tasks: [en-de]" in str(reasons["topic"])
    everything = plan_of(suite_file(tmp_path, named.replace(", tasks: [en-de]", "")))
    assert [cell.id for cell in plan.cells] == [cell.id for cell in everything.cells], "it changes no answer"


def test_a_model_learns_only_the_tasks_that_its_entry_names(tmp_path: Path) -> None:
    both = "  - {name: t, family: transformer, fit: {recipe: recipe.yaml}}"
    learnt = {
        entry: [task.spec.name for task in plan_of(suite_file(tmp_path, entry)).fits[0].tasks]
        for entry in (both, both.replace("fit:", "tasks: [topic], fit:"))
    }
    assert list(learnt.values()) == [["topic", "en-de"], ["topic"]]


def test_tasks_that_do_not_exist_are_told_at_once_with_their_places(tmp_path: Path) -> None:
    wrong = "  - {name: a, family: baseline, strategy: copy, tasks: [en-dee, topic]}\n" + FLOOR.replace(
        "strategy", "tasks: [topics], strategy"
    )
    with pytest.raises(SuiteError) as told:
        plan_of(suite_file(tmp_path, wrong))
    lines = str(told.value).splitlines()
    assert [line.split()[1] for line in lines] == ["models[0].tasks[0]:", "models[1].tasks[0]:"]
    assert "suite.yaml:3:" in lines[0] and "did you mean 'en-de'?" in lines[0] and "did you mean 'topic'?" in lines[1]


BROKEN = {
    "recipe.yaml": "steps: 20\nlearning_rate: 1.0e-3\nwarmup_stepz: 2\n",
    "other.yaml": "steps: 0\nlearning_rate: 1.0e-3\n",
    "twice.csv": "text,label,label\na,b,c\n",
    "semicolons.csv": "text;label\na;b\n",
    "latin.csv": "text,label\ncaf\xe9,b\n",
}
ALL_WRONG = """\
name: s
models:
  - {name: t, family: transformer, fit: {recipe: recipe.yaml}}
  - {name: u, family: transformer, fit: {recipe: other.yaml}}
  - {name: floor, family: baseline, strategy: majority}
tasks:
  - {name: a, kind: classification, data: {path: twice.csv}}
  - {name: b, kind: classification, data: {path: semicolons.csv}}
  - {name: c, kind: classification, data: {path: latin.csv}}
  - {name: d, kind: classification, data: {path: missing.csv}}
objectives: [quality, latency_p95_s]
"""
TOLD = (
    "recipe.yaml:3:1 warmup_stepz: unknown key 'warmup_stepz'; did you mean 'warmup_steps'?",
    "other.yaml:1:1 steps",
    "the column 'label' of the header is there 2 times",
    "save it with commas",
    "iconv -f WINDOWS-1252 -t UTF-8 latin.csv",
    "missing.csv: there is no such file",
)
"""A piece of each mistake."""


def test_a_value_that_a_family_refuses_is_told_beside_the_schemas_own_mistakes(tmp_path: Path) -> None:
    (tmp_path / "rows.jsonl").write_text('{"text": "a", "label": "x"}\n{"text": "b", "label": "y"}\n')
    (tmp_path / "suite.yaml").write_text(
        """\
name: two mistakes
models: [{name: m, family: baseline, strategy: majorty}]
tasks: [{name: t, kind: classification, data: {path: rows.jsonl}}]
measure: {profile: quik}
"""
    )
    with pytest.raises(SuiteError) as told:
        plan_of(tmp_path / "suite.yaml")
    lines = str(told.value).splitlines()
    assert len(lines) == 2 and "did you mean 'quick'?" in lines[0] and "did you mean 'majority'?" in lines[1], lines


@pytest.mark.parametrize(
    ("old", "new", "more"),
    [
        ("", "", ()),
        ("latency_p95_s", "latency_p95", ("did you mean 'latency_p95_s'?",)),
        ("family: baseline", "family: baselin", ("did you mean 'baseline'?",)),
        ("strategy: majority", "stratgy: majority", ("did you mean 'strategy'?",)),  # no valid suite: keys are wrong
    ],
)
def test_recipes_data_and_the_suites_own_mistakes_are_told_at_once(
    tmp_path: Path, old: str, new: str, more: tuple[str, ...]
) -> None:
    for name, text in BROKEN.items():
        (tmp_path / name).write_bytes(text.encode("latin-1"))
    (tmp_path / "suite.yaml").write_text(ALL_WRONG.replace(old, new, 1))
    with pytest.raises(SuiteError) as told:
        plan_of(tmp_path / "suite.yaml")
    lines = str(told.value).splitlines()
    for piece in (*TOLD, *more):
        assert sum(piece in line for line in lines) == 1, (piece, lines)
    assert len(lines) == len(TOLD) + len(more)
    assert all(".yaml:" in line.split()[0] for line in lines), "each says where"
