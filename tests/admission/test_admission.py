"""Faults that are planted into good checkpoints and code paths are found before anything is scored; good ones pass."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest
import torch
import transformers

from bench.admission import reference
from bench.errors import AdmissionError, EnvironmentLackError
from bench.running.worker import cell as worker_cell
from tests.admission import faults, scenes
from tests.admission.faults import FAULTS, Base, Fault, Weights
from tests.admission.scenes import CHOICES, HEAD, OWN, WRITES, recorded


@pytest.mark.parametrize("suite", [CHOICES, WRITES])
def test_a_good_decoder_keeps_its_fast_path(tmp_path: Path, suite: str) -> None:
    scenes.decoder(tmp_path)
    record = recorded(tmp_path, suite)
    admission = record.notes["admission"]
    assert isinstance(admission, dict)
    assert (admission["compared"], admission["differing"], admission["fast_path_left"]) == (4, 0, None)
    assert {doubt.code for doubt in record.doubts} <= {"answers_all_equal", "outputs_at_limit"}


def test_a_good_encoder_is_admitted_without_a_doubt(tmp_path: Path) -> None:
    scenes.encoder(tmp_path)
    record = recorded(tmp_path, HEAD)
    assert record.doubts == ()
    assert any(fact.name == "admission_s" and fact.value is not None and fact.value > 0 for fact in record.facts)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda w: {k: v for k, v in w.items() if "classifier" not in k}, "classifier.bias, classifier.weight"),
        (lambda w: {f"_orig_mod.{k}": v for k, v in w.items()}, "_orig_mod"),
        (lambda w: {f"module.{k}": v for k, v in w.items()}, "'module.'"),
        (lambda w: {k: v for k, v in w.items() if "layer.1." not in k}, "weights are not in the file"),
        (lambda w: w | {"classifier.weight": torch.zeros(5, 32)}, "another shape"),
        (lambda w: w | {"classifier.bias": torch.full((3,), torch.nan)}, "nan"),
        (lambda w: w | {"classifier.weight": torch.full((3, 32), torch.inf)}, "nan|inf"),
    ],
)
def test_weights_that_are_missing_renamed_or_no_numbers(
    tmp_path: Path, change: Callable[[Weights], Weights], says: str
) -> None:
    scenes.encoder(tmp_path)
    faults.weights(change)(tmp_path)
    with pytest.raises(AdmissionError, match=says):
        recorded(tmp_path, HEAD)


def test_a_configuration_with_fewer_layers_than_its_weights(tmp_path: Path) -> None:
    scenes.encoder(tmp_path)
    faults.configured(tmp_path, {"num_hidden_layers": 1})
    with pytest.raises(AdmissionError, match="more layers than its config"):
        recorded(tmp_path, HEAD)


def test_parts_of_other_weights_beside_a_whole_file(tmp_path: Path) -> None:
    scenes.encoder(tmp_path)
    (tmp_path / "model" / "model-00001-of-00001.safetensors").write_bytes(
        (tmp_path / "model" / "model.safetensors").read_bytes()
    )
    index = {"weight_map": {"classifier.bias": "model-00001-of-00001.safetensors"}}
    (tmp_path / "model" / "model.safetensors.index.json").write_text(json.dumps(index))
    with pytest.raises(EnvironmentLackError, match="only the former would be loaded"):
        recorded(tmp_path, HEAD)


def test_tags_by_scores_that_are_no_numbers(tmp_path: Path) -> None:
    module = scenes.encoder(tmp_path)
    config = transformers.BertConfig(**module.config.to_dict() | {"id2label": {0: "O", 1: "B-x"}, "label2id": {}})
    tagger = transformers.BertForTokenClassification(config)
    with torch.no_grad():
        tagger.classifier.bias[0] = torch.nan
    scenes.save(tmp_path, tagger, scenes.tokenizer())
    (tmp_path / "tags.jsonl").write_text(json.dumps({"tokens": ["red", "blue"], "tags": ["O", "O"]}) + "\n")
    suite = HEAD.replace("classification, data: {path: rows.jsonl}", "token-labels, data: {path: tags.jsonl}")
    with pytest.raises(AdmissionError, match="are no numbers"):
        recorded(tmp_path, suite.replace("alpha, beta, gamma", "O, B-x"))


@pytest.mark.parametrize(
    ("names", "says"),
    [
        ({"id2label": {"0": "alpha", "1": "beta", "2": "gamma"}, "label2id": {"alpha": 2, "beta": 0}}, "in 'label2id'"),
        ({"id2label": {"0": "alpha", "1": "beta", "2": "beta"}, "label2id": {}}, "both called 'beta'"),
    ],
)
def test_names_of_outputs_that_contradict_each_other(tmp_path: Path, names: dict[str, object], says: str) -> None:
    scenes.encoder(tmp_path)
    faults.configured(tmp_path, names)
    with pytest.raises(AssertionError, match=says):  # it is planned as unsupported
        recorded(tmp_path, HEAD)


SCORES = "    def classify(self, texts, labels):\n        return [[len(t), 1.0, 2.0] for t in texts]\n"


def test_no_list_of_all_inputs_is_made_for_a_model_that_says_nothing_of_its_training(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker_cell, "_inputs", lambda *_: pytest.fail("a list is made"))
    record = recorded(
        tmp_path, HEAD.replace("family: encoder, checkpoint: ./model", "family: baseline, strategy: majority")
    )
    assert record.status == "ok"


def test_what_an_own_model_was_trained_on_is_counted_where_it_says_so(tmp_path: Path) -> None:
    scenes.own_class(tmp_path, SCORES + "    trained_on = ['red', 'blue green small', 'other']")
    record = recorded(tmp_path, OWN)
    assert record.notes["train_overlap"] == 2
    assert "2 of 4" in next(doubt.message for doubt in record.doubts if doubt.code == "train_overlap")


def test_what_an_own_model_was_trained_on_is_noted_as_unknown_or_refused(tmp_path: Path) -> None:
    scenes.own_class(tmp_path, SCORES)
    assert recorded(tmp_path, OWN).notes["trained_on"] == "not stated"
    (tmp_path / "other").mkdir()
    scenes.own_class(tmp_path / "other", SCORES + "    trained_on = 'red'")
    with pytest.raises(AdmissionError, match="as texts; give a list"):
        recorded(tmp_path / "other", OWN)


def test_no_tokenizer_and_a_tokenizer_of_another_language(tmp_path: Path) -> None:
    scenes.encoder(tmp_path)
    with pytest.raises(AdmissionError, match=r"does not know 3 of the 3 tokens"):
        recorded(tmp_path, HEAD, ("uno", "dos tres"))
    (tmp_path / "model" / "tokenizer.json").unlink()
    with pytest.raises((AdmissionError, EnvironmentLackError), match="holds no tokenizer"):
        recorded(tmp_path, HEAD)


def test_a_tokenizer_with_more_tokens_than_the_embedding_has_rows(tmp_path: Path) -> None:
    module = scenes.encoder(tmp_path)
    scenes.save(tmp_path, module, scenes.tokenizer([*scenes.WORDS, "one", "two"]))
    with pytest.raises(AdmissionError, match="25 tokens and its embedding 23 rows, so that 2 tokens"):
        recorded(tmp_path, HEAD)


def test_a_pointer_in_place_of_the_weights(tmp_path: Path) -> None:
    scenes.encoder(tmp_path)
    (tmp_path / "model" / "model.safetensors").write_text("version https://git-lfs.github.com/spec/v1\noid x\nsize 1\n")
    with pytest.raises(EnvironmentLackError, match="Git LFS pointer"):
        recorded(tmp_path, HEAD)


@pytest.fixture(scope="module")
def right_answers(tmp_path_factory: pytest.TempPathFactory) -> Callable[[Base], tuple[str, ...]]:
    """What the good model of a base answers; each is asked once, and again with these answers as the right ones."""

    @cache
    def answers(base: Base) -> tuple[str, ...]:
        given = faults.answers_of(base, tmp_path_factory.mktemp("good"))
        assert faults.alarms_of(base, tmp_path_factory.mktemp("right"), given) == []
        return given

    return answers


@pytest.mark.parametrize(
    "fault", [pytest.param(f, id=f.name, marks=() if f.quick else pytest.mark.slow) for f in FAULTS if f.from_inside]
)
def test_a_planted_fault_is_found(
    fault: Fault, tmp_path: Path, right_answers: Callable[[Base], tuple[str, ...]]
) -> None:
    assert faults.found(fault, tmp_path, right_answers(fault.base)) is not None


@pytest.mark.parametrize(
    ("base", "name"), [(faults.HEAD, "the mask is dropped"), (faults.LEARNT, "positions of continuations are shifted")]
)
def test_where_the_fast_path_is_wrong_the_answers_are_those_of_the_plain_one(
    tmp_path: Path, base: Base, name: str
) -> None:
    base.make(tmp_path)
    good = recorded(tmp_path, base.suite)
    (fault,) = [fault for fault in FAULTS if fault.name == name]
    with fault.plant(tmp_path):
        record = recorded(tmp_path, base.suite)
    assert "fast_path_left" in {doubt.code for doubt in record.doubts}
    for one, other in zip(record.samples, good.samples, strict=True):
        assert one.scores == pytest.approx(other.scores, abs=1e-4)


@pytest.mark.parametrize("suite", [CHOICES, WRITES])
def test_a_slow_model_is_proved_by_the_answers_of_its_scoring(
    tmp_path: Path, suite: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reference, "BUDGET_S", 0.0)
    scenes.decoder(tmp_path)
    admission = recorded(tmp_path, suite).notes["admission"]
    assert (admission["compared"], admission["differing"], admission["fast_path_left"]) == (3, 0, None)


@pytest.mark.parametrize(
    "name", ["the mask is dropped", "positions of continuations are shifted", "a refilled row keeps the old cache"]
)
def test_of_a_slow_model_a_fault_is_found_while_it_is_scored(
    tmp_path: Path, name: str, right_answers: Callable[[Base], tuple[str, ...]], monkeypatch: pytest.MonkeyPatch
) -> None:
    (fault,) = [fault for fault in FAULTS if fault.name == name]
    right = right_answers(fault.base)
    monkeypatch.setattr(reference, "BUDGET_S", 0.0)
    assert faults.found(fault, tmp_path, right) == "fast_path_left"


@pytest.mark.parametrize("base", [faults.HEAD, faults.CHOICE], ids=lambda base: str(base.name))
def test_rounding_to_int8_is_no_fault_of_the_fast_path_and_hides_none(tmp_path: Path, base: Base) -> None:
    suite = base.suite.replace("./model}", "./model, variants: [{quantise: int8}]}")
    base.make(tmp_path)
    admission = recorded(tmp_path, suite, base.texts).notes["admission"]
    assert (admission["differing"], admission["fast_path_left"]) == (0, None) and admission["compared"] >= 4
    name = "the mask is dropped" if base is faults.HEAD else "packed choices see each other"
    (fault,) = [fault for fault in FAULTS if fault.name == name]
    with fault.plant(tmp_path):
        assert recorded(tmp_path, suite, base.texts).notes["admission"]["fast_path_left"]


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ("return [[float('nan')] * 3 for _ in texts]", "gave nan as a score"),
        ("return [[1.0, float('inf'), 0.0] for _ in texts]", "gave inf as a score"),
        ("return [[0.5, 0.5, 0.5] for _ in texts]", "all answers have the same score"),
    ],
)
def test_scores_of_an_own_model_that_choose_nothing(tmp_path: Path, body: str, says: str) -> None:
    scenes.own_model(tmp_path, body)
    with pytest.raises(AdmissionError, match=says):
        recorded(tmp_path, OWN)


def test_settings_of_the_checkpoint_that_change_the_next_token_are_followed(tmp_path: Path) -> None:
    module = scenes.decoder(tmp_path)
    plain = recorded(tmp_path, WRITES)
    module.generation_config.bad_words_ids = [[token] for token in range(4, 15)]
    scenes.save(tmp_path, module, scenes.tokenizer())
    asked = recorded(tmp_path, WRITES)
    banned = set(scenes.WORDS[:11])
    assert any(banned & set(str(sample.prediction).split()) for sample in plain.samples)
    assert not any(banned & set(str(sample.prediction).split()) for sample in asked.samples)


def test_a_prompt_is_not_ended_by_the_tokenizer(tmp_path: Path) -> None:
    from tokenizers import processors

    module = scenes.decoder(tmp_path)
    plain = recorded(tmp_path, CHOICES)
    words = scenes.tokenizer()
    words.backend_tokenizer.post_processor = processors.TemplateProcessing(
        single="$A </s>", special_tokens=[("</s>", 3)]
    )
    scenes.save(tmp_path, module, words)
    ended = recorded(tmp_path, CHOICES)
    for one, other in zip(plain.samples, ended.samples, strict=True):
        assert one.scores == pytest.approx(other.scores)


def test_head_labels_name_the_outputs(tmp_path: Path) -> None:
    module = scenes.encoder(tmp_path)
    named = recorded(tmp_path, HEAD)
    module.config.id2label = {index: f"LABEL_{index}" for index in range(3)}
    scenes.save(tmp_path, module, scenes.tokenizer())
    suite = HEAD.replace("./model}", "./model, head_labels: {0: alpha, 1: beta, LABEL_2: gamma}}")
    numbered = recorded(tmp_path, suite)
    assert [sample.prediction for sample in numbered.samples] == [sample.prediction for sample in named.samples]
    config = json.loads((tmp_path / "model" / "config.json").read_text())
    assert set(config["id2label"].values()) == {"LABEL_0", "LABEL_1", "LABEL_2"}
