"""Checkpoints with random weights and a byte-level tokenizer, for benchmarks that need shapes and no
knowledge."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors
from transformers import (
    BertConfig,
    BertForSequenceClassification,
    GPT2Config,
    GPT2LMHeadModel,
    PreTrainedTokenizerFast,
    T5Config,
    T5ForConditionalGeneration,
    set_seed,
)

from bench.candidates import FAMILIES
from bench.candidates.interface import Context, Model
from bench.data.base import Example
from bench.suite import DataSpec, ModelSpec, TaskSpec, VariantSpec
from bench.tasks import KINDS
from bench.tasks.base import Bound, Workload

PAD, END, CLASS = "<pad>", "</s>", "<cls>"
LABELS = ("no", "yes")
SIZES: dict[str, dict[str, Any]] = {
    "small": {"layers": 2, "width": 64, "heads": 4},
    "base": {"layers": 12, "width": 768, "heads": 12},
}
"""`base` is GPT-2's and BERT's own; T5 takes half of its layers for each side."""


def make_checkpoint(folder: Path, family: str, size: str, seed: int = 0) -> Path:
    """Returns a folder with a model of `family` (`encoder`, `causal-lm`, `seq2seq`) and its tokenizer."""
    target = folder / f"{family}-{size}"
    tokenizer = byte_tokenizer(whole=family != "causal-lm")
    set_seed(seed)
    module = _module(family, len(tokenizer), **SIZES[size])
    module.save_pretrained(target)
    tokenizer.save_pretrained(target)
    return target


def byte_tokenizer(whole: bool) -> PreTrainedTokenizerFast:
    """Returns a tokenizer of one token per byte; `whole` puts an end token after the text."""
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    vocabulary = {text: number for number, text in enumerate([PAD, END, CLASS, *alphabet])}
    tokenizer = Tokenizer(models.BPE(vocab=vocabulary, merges=[]))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    if whole:
        tokenizer.post_processor = processors.TemplateProcessing(
            single=f"$A {END}", special_tokens=[(END, vocabulary[END])]
        )
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer, pad_token=PAD, eos_token=END, model_max_length=512)


def _module(family: str, vocabulary: int, layers: int, width: int, heads: int) -> Any:
    if family == "encoder":
        return BertForSequenceClassification(
            BertConfig(
                vocab_size=vocabulary,
                hidden_size=width,
                num_hidden_layers=layers,
                num_attention_heads=heads,
                intermediate_size=4 * width,
                id2label=dict(enumerate(LABELS)),
                label2id={n: i for i, n in enumerate(LABELS)},
            )
        )
    if family == "causal-lm":
        return GPT2LMHeadModel(
            GPT2Config(
                vocab_size=vocabulary,
                n_embd=width,
                n_layer=layers,
                n_head=heads,
                bos_token_id=1,
                eos_token_id=1,
            )
        )
    return T5ForConditionalGeneration(
        T5Config(
            vocab_size=vocabulary,
            d_model=width,
            d_kv=width // heads,
            d_ff=4 * width,
            num_layers=max(1, layers // 2),
            num_heads=heads,
            pad_token_id=0,
            eos_token_id=1,
            decoder_start_token_id=0,
        )
    )


def load(checkpoint: Path, family: str, device: str = "cpu") -> Model:
    """Returns the model behind bench's own interface."""
    spec = ModelSpec(name=family, family=family, checkpoint=str(checkpoint))
    kind = "classification" if family == "encoder" else "translation"
    context = Context(
        device, KINDS[kind].ability, LABELS if family == "encoder" else (), LABELS if family == "encoder" else ()
    )
    model: Model = FAMILIES[family].load(spec, VariantSpec(), context)
    return model


def workload(model: Model, family: str, texts: list[str], new_tokens: int) -> Workload:
    """Returns bench's own task over `texts`: classification for an encoder, translation for the others."""
    kind = "classification" if family == "encoder" else "translation"
    column, answer = ("text", "label") if family == "encoder" else ("source", "target")
    examples = tuple(Example(place, str(place), {column: text, answer: "no"}) for place, text in enumerate(texts))
    task = TaskSpec(name="made", kind=kind, data=DataSpec(builtin="waybills"), max_new_tokens=new_tokens)
    bound = Bound(model, examples, LABELS if family == "encoder" else (), "{" + column + "}")
    return KINDS[kind].workload(task, bound)
