"""What is asked and how it is written: turns and paragraphs before a question, settings, draws, languages."""

from __future__ import annotations

import json
import shutil
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
import transformers
from transformers import M2M100Config, M2M100ForConditionalGeneration, NllbTokenizer

from bench.candidates import FAMILIES
from bench.candidates.decoding.sampling import Sampler
from bench.candidates.interface import Decoding
from bench.candidates.languages import set_languages
from bench.data.base import Dataset, Example
from bench.errors import UnsupportedError
from bench.running.worker.cell import bind_task, load_model
from bench.suite import CellJob, DataSpec, GenerationSpec, ModelSpec, Shot, TaskSpec, VariantSpec
from tests.checkpoints import TEXTS, context_of, load, spec_of

SHOTS = (Shot(prompt="one:", answer="red", id="1"), Shot(prompt="two:", answer="green", id="2"))
TEMPLATE = "{% for m in messages %}<{{ m.role }}>{{ m.content }}{% endfor %}<assistant>"
QUESTION = Example(0, "0", {"question": "three:", "context": "", "answers": ["x"]})
LENGTH = 8


def job_of(folder: Path, **changes: Any) -> CellJob:
    spec = spec_of("causal-lm", folder, system="Be brief.", **changes)
    task = TaskSpec(name="t", kind="question-answering", data=DataSpec(path=Path("x")))
    return CellJob(model=spec, task=task, template="{question}", shots=SHOTS)


@pytest.mark.parametrize("chat", [False, True])
def test_system_and_shots_come_once_as_turns_or_as_text(chat: bool, checkpoints: dict[str, Path]) -> None:
    job, data = job_of(checkpoints["causal-lm"], chat_template=chat), Dataset([QUESTION], "", "")
    model: Any = load_model(job, data, "cpu")
    model.tokenizer.chat_template = TEMPLATE if chat else None
    (prompt,) = model.prompts(bind_task(job, model, data).prompts)[0]
    assert prompt == (
        "<system>Be brief.<user>one:<assistant>red<user>two:<assistant>green<user>three:<assistant>"
        if chat
        else "Be brief.\n\none: red\n\ntwo: green\n\nthree:"
    )


def test_a_template_without_a_system_turn_is_one_line(checkpoints: dict[str, Path]) -> None:
    model = load("causal-lm", checkpoints["causal-lm"], "question-answering", chat_template=True, system="Be brief.")
    model.tokenizer.chat_template = "{{ raise_exception('no system turns') }}"
    with pytest.raises(UnsupportedError, match="no system turns; leave out 'system'"):
        model.prompts(["a"])


def asking(folder: Path, target: Path, **settings: Any) -> Path:
    """A copy of a checkpoint whose file asks for settings."""
    copy = shutil.copytree(folder, target)
    stored = copy / "generation_config.json"
    stored.write_text(json.dumps(json.loads(stored.read_text()) | settings))
    return copy


def texts_of(model: Any, texts: tuple[str, ...] = TEXTS) -> list[str]:
    return [answer.text for answer in model.generate(list(texts), Decoding(max_new_tokens=LENGTH))]


@pytest.mark.parametrize("family", ["causal-lm", "seq2seq"])
def test_the_suite_overrules_the_checkpoint_and_the_record_says_both(
    family: str, checkpoints: dict[str, Path], tmp_path: Path
) -> None:
    kind = "translation" if family == "seq2seq" else "question-answering"
    folder = asking(checkpoints[family], tmp_path / "asking", repetition_penalty=3.0, num_beams=4)
    plain, follows = (load(family, place, kind) for place in (checkpoints[family], folder))
    off, none = (
        load(family, folder, kind, generation=GenerationSpec(**keys))
        for keys in ({"repetition_penalty": 1.0}, {"checkpoint": False})
    )
    assert texts_of(off) == texts_of(none) == texts_of(plain) != texts_of(follows)
    set_here = load(family, checkpoints[family], kind, generation=GenerationSpec(repetition_penalty=3.0))
    assert texts_of(set_here) == texts_of(follows)
    note = follows.facts().notes["generation"]
    assert note["asked"] == {"num_beams": 4, "repetition_penalty": 3.0}
    assert note["followed"] == {"repetition_penalty": 3.0} and off.facts().notes["generation"]["followed"] == {}


@pytest.mark.parametrize("family", ["causal-lm", "seq2seq"])
def test_draws_do_not_depend_on_the_batch_and_follow_the_seed(family: str, checkpoints: dict[str, Path]) -> None:
    kind = "translation" if family == "seq2seq" else "question-answering"
    spec = spec_of(family, checkpoints[family], generation=GenerationSpec(do_sample=True, temperature=2.0))
    first, other = (FAMILIES[family].load(spec, VariantSpec(), replace(context_of(kind), seed=seed)) for seed in (1, 2))
    together = texts_of(first)
    assert together == [texts_of(first, (text,))[0] for text in TEXTS] == texts_of(first)
    assert together != texts_of(other) and together != texts_of(load(family, checkpoints[family], kind))
    if family == "causal-lm":
        many = first.generate_many(list(TEXTS), Decoding(max_new_tokens=LENGTH), 2)
        assert [answer.text for _, answer in sorted(many, key=lambda item: item[0])] == together
    assert first.least_margin(TEXTS[0], Decoding(max_new_tokens=LENGTH)) > 0


def test_draws_are_from_the_softmax() -> None:
    logits = torch.tensor([[2.0, 1.0, 0.0, -1.0]])
    keys = [str(number).encode() for number in range(4000)]
    drawn = Sampler([], keys, seed=3)(torch.zeros(len(keys), 1), logits.expand(len(keys), -1)).argmax(-1)
    counts = Counter(drawn.tolist())
    for token, share in enumerate(logits.softmax(-1)[0].tolist()):
        spread = (share * (1 - share) / len(keys)) ** 0.5
        assert abs(counts[token] / len(keys) - share) < 4 * spread


@pytest.fixture(scope="module")
def translator(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny NLLB: M2M100's network with NLLB's tokenizer."""
    folder = tmp_path_factory.mktemp("nllb")
    tokenizer = NllbTokenizer(vocab={word: place for place, word in enumerate(WORDS)}, merges=[])
    torch.manual_seed(0)
    sizes = dict.fromkeys(("d_model", "encoder_ffn_dim", "decoder_ffn_dim"), 16)
    heads = dict.fromkeys(("encoder_attention_heads", "decoder_attention_heads"), 2)
    layers = dict.fromkeys(("encoder_layers", "decoder_layers"), 1)
    config = M2M100Config(vocab_size=len(tokenizer), max_position_embeddings=64, **sizes, **heads, **layers)
    module = M2M100ForConditionalGeneration(config)
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.normal_(std=0.5)
    module.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def test_languages_are_told_to_tokenizer_and_decoder(translator: Path) -> None:
    options = {"src_lang": "deu_Latn", "tgt_lang": "fra_Latn"}
    model = load("seq2seq", translator, "translation", options=options)
    answers = texts_of(model, ("a b c", "d e"))
    expected = []
    for text in ("a b c", "d e"):
        tokenizer = NllbTokenizer.from_pretrained(translator, src_lang="deu_Latn")
        read = tokenizer(text, return_tensors="pt")
        assert read["input_ids"][0, 0] == tokenizer.convert_tokens_to_ids("deu_Latn")
        target = tokenizer.convert_tokens_to_ids("fra_Latn")
        with torch.inference_mode():
            row = model.module.generate(**read, forced_bos_token_id=target, max_new_tokens=LENGTH)[0]
        assert row[1] == target
        expected.append(tokenizer.decode(row, skip_special_tokens=True).strip())
    assert answers == expected
    other = load("seq2seq", translator, "translation", options=options | {"tgt_lang": "eng_Latn"})
    assert other.begins != model.begins


WORDS = ["<s>", "<pad>", "</s>", "<unk>", "▁", *"abcdefgh"]


@pytest.mark.parametrize(
    ("name", "key"), [("MBartTokenizer", "decoder_start_token_id"), ("MBart50Tokenizer", "forced_bos_token_id")]
)
def test_mbart_begins_with_its_language_and_mbart_50_writes_it_first(name: str, key: str, tmp_path: Path) -> None:
    tokenizer = getattr(transformers, name)(vocab=[(word, -float(place)) for place, word in enumerate(WORDS)])
    torch.manual_seed(0)
    sizes = dict.fromkeys(("d_model", "encoder_ffn_dim", "decoder_ffn_dim"), 16)
    heads = dict.fromkeys(("encoder_attention_heads", "decoder_attention_heads"), 2)
    config = transformers.MBartConfig(
        vocab_size=len(tokenizer), max_position_embeddings=64, encoder_layers=1, decoder_layers=1, **sizes, **heads
    )
    transformers.MBartForConditionalGeneration(config).save_pretrained(tmp_path)
    tokenizer.save_pretrained(tmp_path)
    model = load("seq2seq", tmp_path, "translation", options={"src_lang": "de_DE", "tgt_lang": "fr_XX"})
    target = tokenizer.convert_tokens_to_ids("fr_XX")
    assert model.begins == {key: target}
    tokenizer.src_lang = "de_DE"
    read = tokenizer("a b c", return_tensors="pt")
    with torch.inference_mode():
        row = model.module.generate(**read, **{key: target}, max_new_tokens=LENGTH, do_sample=False)[0]
    assert row[0 if key.startswith("decoder") else 1] == target
    assert texts_of(model, ("a b c",)) == [tokenizer.decode(row, skip_special_tokens=True).strip()]


def test_m2m100_names_its_languages_by_short_codes(tmp_path: Path) -> None:
    pieces = pytest.importorskip("sentencepiece")
    (tmp_path / "texts.txt").write_text("\n".join([TEXTS[0], TEXTS[2]] * 20))
    settings = {"bos_id": 0, "pad_id": 1, "eos_id": 2, "unk_id": 3, "minloglevel": 2, "hard_vocab_limit": False}
    pieces.SentencePieceTrainer.train(
        input=str(tmp_path / "texts.txt"), model_prefix=str(tmp_path / "p"), vocab_size=60, **settings
    )
    model = pieces.SentencePieceProcessor(model_file=str(tmp_path / "p.model"))
    vocabulary = {model.id_to_piece(place): place for place in range(model.get_piece_size())}
    (tmp_path / "vocab.json").write_text(json.dumps(vocabulary))
    tokenizer = transformers.M2M100Tokenizer(str(tmp_path / "vocab.json"), str(tmp_path / "p.model"))
    spec = ModelSpec(name="m", family="seq2seq", checkpoint="a/b", options={"src_lang": "de", "tgt_lang": "fr"})
    assert set_languages(spec, tokenizer) == {"forced_bos_token_id": tokenizer.get_lang_id("fr")}
    assert tokenizer("the cat")["input_ids"][0] == tokenizer.get_lang_id("de")


@pytest.mark.parametrize(
    ("options", "message"),
    [({"tgt_lang": "fra_Ltan"}, "did you mean 'fra_Latn'"), ({"src_lang": "german"}, "no language 'german'")],
)
def test_a_language_that_is_none_is_one_line(options: dict[str, str], message: str, translator: Path) -> None:
    with pytest.raises(UnsupportedError, match=message):
        load("seq2seq", translator, "translation", options=options)


def test_a_prefix_stands_before_every_text(checkpoints: dict[str, Path]) -> None:
    model = load("seq2seq", checkpoints["seq2seq"], "translation", options={"prefix": "red "})
    plain = load("seq2seq", checkpoints["seq2seq"], "translation")
    assert texts_of(model, ("green",)) == texts_of(plain, ("red green",))
    with pytest.raises(UnsupportedError, match="has no languages"):
        load("seq2seq", checkpoints["seq2seq"], "translation", options={"tgt_lang": "de"})


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ({"options": {"target": "de"}}, "no option of a seq2seq"),
        ({"options": {"prefix": 3}}, "should be text"),
        (
            {"options": {"tgt_lang": "de"}, "generation": GenerationSpec(forced_bos_token_id=3)},
            "both say how an answer begins",
        ),
    ],
)
def test_options_of_an_encoder_decoder_are_checked(keys: dict[str, Any], message: str) -> None:
    spec = ModelSpec(name="m", family="seq2seq", checkpoint="a/b", **keys)
    assert [message in why for _, why in FAMILIES["seq2seq"].mistakes(spec)] == [True]
