"""Encoder-decoders as they are published, under other runtimes: forced ends, starts, more rows than tokens."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
import transformers
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import WhitespaceSplit
from tokenizers.processors import TemplateProcessing
from transformers import PreTrainedTokenizerFast

from bench.candidates import FAMILIES
from bench.candidates.interface import Decoding
from bench.candidates.runtimes import RUNTIMES
from bench.running.worker.conversion import convert
from bench.running.worker.executed import context_of, engine_for, wanted_of
from bench.suite import CellJob, DataSpec, ModelSpec, TaskSpec, VariantSpec

WORDS = tuple(f"w{place}" for place in range(40))
SOURCES = ("w1 w2 w3", "w4", "w5 w6 w7 w8 w9 w10 w11", "w12 w13 w12 w13")
SIZES: dict[str, Any] = {
    "d_model": 16,
    "encoder_layers": 1,
    "decoder_layers": 2,
    "encoder_attention_heads": 2,
    "decoder_attention_heads": 2,
    "encoder_ffn_dim": 32,
    "decoder_ffn_dim": 32,
    "max_position_embeddings": 64,
}
LIMITS = (2, 6, 1)
"""Most tokens: one that every answer reaches, one that some do not, and one that leaves nothing but the end."""


def tokenizer(pad_last: bool) -> PreTrainedTokenizerFast:
    special = ["<s>", "</s>", "<unk>", *([] if pad_last else ["<pad>"])]
    names = [*special, *WORDS, *(["<pad>"] if pad_last else [])]
    made = Tokenizer(WordLevel({name: place for place, name in enumerate(names)}, unk_token="<unk>"))
    made.pre_tokenizer = WhitespaceSplit()
    made.post_processor = TemplateProcessing(single="$A </s>", special_tokens=[("</s>", 1)])
    maker: Any = PreTrainedTokenizerFast
    wrapped: PreTrainedTokenizerFast = maker(
        tokenizer_object=made, bos_token="<s>", eos_token="</s>", unk_token="<unk>", pad_token="<pad>"
    )
    return wrapped


def network(kind: str, vocabulary: int, pad: int) -> Any:
    """Makes a network of a kind with its end forced, as published ones have it."""
    ids = {"bos_token_id": 0, "eos_token_id": 1, "forced_eos_token_id": 1, "pad_token_id": pad}
    library: Any = transformers
    config, maker, start, more = {
        "bart": (library.BartConfig, library.BartForConditionalGeneration, 0, {}),
        "mbart": (library.MBartConfig, library.MBartForConditionalGeneration, 1, {"scale_embedding": True}),
        "pegasus": (library.PegasusConfig, library.PegasusForConditionalGeneration, pad, {"scale_embedding": True}),
        "marian": (library.MarianConfig, library.MarianMTModel, pad, {"scale_embedding": True}),
    }[kind]
    if kind == "marian":
        more["decoder_vocab_size"] = vocabulary
    return maker(config(vocab_size=vocabulary, decoder_start_token_id=start, **SIZES, **ids, **more))


def job_of(kind: str, folder: Path, runtime: str) -> CellJob:
    place, words = folder / kind, tokenizer(pad_last=kind == "marian")
    pad = int(words.convert_tokens_to_ids("<pad>"))
    torch.manual_seed(1)
    module = network(kind, len(words) + (3 if kind == "bart" else 0), pad)
    with torch.no_grad():
        for parameter in module.parameters():
            if parameter.dim() > 1:
                parameter.normal_(std=0.4)
        if kind == "marian":
            module.get_input_embeddings().weight[pad] = 0  # its decoder begins from nothing
    module.save_pretrained(place)
    words.save_pretrained(place)
    return CellJob(
        model=ModelSpec(name=kind, family="seq2seq", checkpoint=str(place)),
        variant=VariantSpec(runtime=runtime),
        task=TaskSpec(name="t", kind="translation", data=DataSpec(builtin="pydocs")),
        threads=1,
        artifact=str(folder / f"{kind}-{runtime}"),
    )


def written(model: Any, beams: int) -> list[tuple[int, ...]]:
    asked = [Decoding(max_new_tokens=limit, num_beams=beams) for limit in LIMITS]
    return [answer.token_ids for decoding in asked for answer in model.generate(SOURCES, decoding)]


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str, str], tuple[Any, Any]]:
    """Loads a kind of network under torch and under another runtime."""

    def load(kind: str, runtime: str) -> tuple[Any, Any]:
        job = job_of(kind, tmp_path_factory.mktemp(kind), runtime)
        if (why := RUNTIMES[runtime].why_not(wanted_of(job))) is not None:
            pytest.skip(why)
        convert(job, lambda _: None)
        family, context = FAMILIES["seq2seq"], context_of(job)
        child = family.load(job.model, job.variant, replace(context, engine=engine_for(job)))
        return family.load(job.model, VariantSpec(), context), child

    return load


@pytest.mark.parametrize("kind", ["bart", "marian", "mbart", "pegasus"])
def test_ctranslate2_writes_what_torch_writes(kind: str, both: Callable[[str, str], tuple[Any, Any]]) -> None:
    parent, child = both(kind, "ctranslate2")
    for beams in (1, 3):
        right = written(parent, beams)
        assert written(child, beams) == right
    assert any(len(tokens) == LIMITS[0] and tokens[-1] == 1 for tokens in right), "some end was forced"
    if kind == "marian":
        return  # CTranslate2 takes padding out of its vocabulary, and shares what torch gives to it among the others
    choices = [["w1 w2", "w3"]] * len(SOURCES)
    scores = [torch.tensor([answer.scores for answer in model.choose(SOURCES, choices)]) for model in (parent, child)]
    assert torch.allclose(scores[0], scores[1], atol=1e-4)


@pytest.mark.whole
@pytest.mark.parametrize("runtime", ["onnxruntime", "openvino"])
def test_graphs_follow_what_a_translator_asks_for(runtime: str, both: Callable[[str, str], tuple[Any, Any]]) -> None:
    parent, child = both("bart", runtime)
    assert written(child, 1) == written(parent, 1)
    stored = {"repetition_penalty": 1.3, "no_repeat_ngram_size": 2, "bad_words_ids": [[5]], "min_length": 2}
    for model in (parent, child):
        for name, value in (stored | {"forced_bos_token_id": 9, "suppress_tokens": [6, 7]}).items():
            setattr(model.module.generation_config, name, value)
    right = written(parent, 1)
    assert all(tokens[0] == 9 for tokens in right[: 2 * len(SOURCES)]), "a text of one token is its end"
    assert written(child, 1) == right
