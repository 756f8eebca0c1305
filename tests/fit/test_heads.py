"""An encoder learns several labels at once, numbers and tags, from a suite to the scored answers."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import pytest
import torch

from bench.candidates.huggingface import word_pieces
from bench.errors import FitError, SuiteError
from bench.fit.batches import Encoded
from bench.fit.scale import UNSCALED, Scale
from bench.fit.session import fit
from bench.fit.trainer import Trainer
from bench.planning import Plan, make_plan, open_suite
from bench.running.worker.cell import run_cell
from tests.checkpoints import load

RECIPE = (
    "{start: scratch, steps: 150, warmup_steps: 10, learning_rate: 5.0e-3, batch_tokens: 400, evaluate_every: 50, "
    "save_last: true, "
    "architecture: {layers: 1, d_model: 32, heads: 2, d_ff: 64, max_length: 32, vocab_size: 300}}"
)
THINGS = {"cup": 1, "box": 2, "sack": 3}
COLOURS = ("red", "green", "blue")


def row(random_: random.Random) -> dict[str, Any]:
    """Returns a note with the colours in it, the price of the things, and a tag for each word."""
    words = [random_.choice([*THINGS, *COLOURS]) for _ in range(random_.randint(1, 3))]
    return {
        "text": " ".join(words),
        "labels": sorted(set(words) & set(COLOURS)),
        "value": 5000 + 700 * sum(THINGS.get(word, 0) for word in words),
        "tokens": words,
        "tags": ["B-COL" if word in COLOURS else "O" for word in words],
    }


def suite_in(folder: Path, kind: str, entry: str = "family: encoder", recipe: str = RECIPE, keys: str = "") -> Path:
    random_ = random.Random(0)
    (folder / "data").mkdir()
    for split, count in (("train", 150), ("validation", 30), ("test", 30)):
        lines = [json.dumps(row(random_)) for _ in range(count)]
        (folder / "data" / f"{split}.jsonl").write_text("\n".join(lines))
    (folder / "recipe.yaml").write_text(recipe)
    path = folder / "suite.yaml"
    path.write_text(
        "name: s\ndefaults: {device: cpu, threads: 1}\nmodels:\n"
        f"  - {{name: m, {entry}, fit: {{recipe: recipe.yaml{keys}}}}}\n"
        f"tasks:\n  - {{name: t, kind: {kind}, data: {{path: data}}}}\nmeasure: off\n"
    )
    return path


def planned(path: Path) -> Plan:
    return make_plan(open_suite(str(path)), path.parent / "results")


def learnt(path: Path, most_loss: float) -> dict[str, Any]:
    """Fits, scores, and returns the provenance with what was predicted and what is right."""
    (job,) = planned(path).fits
    provenance: dict[str, Any] = fit(job, lambda _: None)
    assert provenance["final_validation_loss"] < most_loss
    (cell,) = planned(path).written(path.parent / "results")
    record = run_cell(cell, 0, lambda _: None)
    assert record.status == "ok", record.reason
    assert record.notes["admission"]["fast_path_left"] is None
    return provenance | {"pairs": [(sample.prediction, sample.reference) for sample in record.samples], "job": job}


def test_several_labels_at_once(tmp_path: Path) -> None:
    done = learnt(suite_in(tmp_path, "multi-label"), 0.35)
    assert sum(ours == right for ours, right in done["pairs"]) > 20
    assert done["final_validation_accuracy"] > 0.8
    config = json.loads((done["job"].output / "config.json").read_text())
    assert config["problem_type"] == "multi_label_classification"


def test_numbers_in_their_own_unit(tmp_path: Path) -> None:
    """Prices in thousands are learnt as fast as numbers around 0, in the best weights and in the last."""
    done = learnt(suite_in(tmp_path, "regression"), 0.3)
    errors = [abs(float(ours) - float(right)) for ours, right in done["pairs"]]
    assert sum(errors) / len(errors) < 900
    assert done["final_validation_accuracy"] is None
    last = load("encoder", done["job"].output / "last", "regression")
    assert 3000 < last.rate(["box box"])[0].value < 12000


def test_tags(tmp_path: Path) -> None:
    done = learnt(suite_in(tmp_path, "token-labels"), 0.2)
    assert sum(ours == right for ours, right in done["pairs"]) > 25
    assert done["final_validation_accuracy"] > 0.9


@pytest.mark.slow
@pytest.mark.parametrize(
    "kind", ["multi-label", *(pytest.param(kind, marks=pytest.mark.whole) for kind in ("regression", "token-labels"))]
)
def test_a_checkpoint_with_a_new_head_and_an_adapter(kind: str, checkpoints: dict[str, Path], tmp_path: Path) -> None:
    pytest.importorskip("peft")
    entry = f"family: encoder, checkpoint: {checkpoints['encoder']}"
    recipe = (
        "{steps: 90, warmup_steps: 5, learning_rate: 1.0e-2, batch_tokens: 500, evaluate_every: 30, lora: {rank: 1}}"
    )
    done = learnt(suite_in(tmp_path, kind, entry, recipe, ", adapter: lora"), 1.0)
    assert "adapter_model.safetensors" in {file.name for file in done["job"].output.iterdir()}
    if kind == "regression":
        values = [float(ours) for ours, _ in done["pairs"]]
        assert 3000 < sum(values) / len(values) < 12000


@pytest.mark.parametrize(
    ("kind", "recipe", "told"),
    [
        ("regression", RECIPE[:-1] + ", label_smoothing: 0.1}", "label_smoothing"),
        ("token-labels", RECIPE[:-1] + ", teacher: tutor}", "a teacher teaches labels and texts"),
    ],
)
def test_what_such_a_head_has_no_use_for_is_refused(kind: str, recipe: str, told: str, tmp_path: Path) -> None:
    path = suite_in(tmp_path, kind, recipe=recipe)
    text = path.read_text().replace(
        "tasks:\n", "  - {name: tutor, family: encoder, fit: {recipe: own.yaml}}\ntasks:\n", 1
    )
    path.write_text(text)
    (tmp_path / "own.yaml").write_text(RECIPE)
    with pytest.raises(SuiteError, match=told):
        planned(path)


def test_two_heads_are_refused_before_anything_is_trained(tmp_path: Path) -> None:
    path = suite_in(tmp_path, "regression")
    text = path.read_text().replace("measure", "  - {name: u, kind: token-labels, data: {path: data}}\nmeasure", 1)
    path.write_text(text)
    with pytest.raises(SuiteError, match="one head cannot learn t and u"):
        planned(path)


def numbers(*values: float) -> list[Encoded]:
    return [Encoded((), (value,), "number") for value in values]


def test_a_scale_is_taken_and_given_back() -> None:
    scale = Scale.of([numbers(10, 20, 30)])
    rescaled = [example.target[0] for example in scale.standardised(numbers(10, 20, 30))]
    assert sum(rescaled) == pytest.approx(0) and rescaled[2] == pytest.approx(-rescaled[0])
    net = torch.nn.Sequential(torch.nn.Linear(2, 1), torch.nn.Linear(2, 1))
    read = torch.tensor([[1.0, 2.0]])
    before, other = net[1](read).item(), net[0](read).item()
    scale.give_back(net)
    assert net[1](read).item() == pytest.approx(scale.mean + scale.spread * before, rel=1e-5)
    assert net[0](read).item() == other
    assert Scale.of([[Encoded((), (1,), "label")]]) == UNSCALED
    assert Scale.of([numbers(4, 4)]) == Scale(4, 1)


def test_a_network_that_cannot_be_scaled_back_is_not_trained(
    checkpoints: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The layer that gives GPT-2's number has no bias; a training of hours would end in that."""
    recipe = "{steps: 2, warmup_steps: 0, learning_rate: 1.0e-3, batch_tokens: 400}"
    path = suite_in(tmp_path, "regression", f"family: encoder, checkpoint: {checkpoints['causal-lm']}", recipe)
    (job,) = planned(path).fits
    monkeypatch.setattr(Trainer, "run", lambda _: pytest.fail("it is trained"))
    with pytest.raises(FitError, match="model 'm': GPT2ForSequenceClassification has no last layer"):
        fit(job, lambda _: None)


def test_the_pieces_of_words_are_told_apart(checkpoints: dict[str, Path]) -> None:
    tokenizer = load("encoder", checkpoints["encoder"], "classification").tokenizer
    words = ["boxes", "of", "tea"]
    ids, firsts, read = word_pieces(tokenizer, words, 64)
    assert [owner for owner in firsts if owner is not None] == [0, 1, 2]
    assert len(ids) == len(firsts) > len(words) and read == 3
    short, firsts, read = word_pieces(tokenizer, words, 4)
    assert len(short) == 4 and read < 3 and max(owner for owner in firsts if owner is not None) == read - 1
