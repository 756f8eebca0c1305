"""Faults of loading and scoring, planted into good checkpoints and code paths: the one declaration of them.

`benchmarks/mutations.py` plants all of them and prints what was found; the tests plant some. The right answers of every
task are those of the good model, so that it is right in all of them.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any
from unittest import mock

import torch
import transformers
from safetensors.torch import load_file, save_file

from bench.candidates import huggingface
from bench.candidates.decoding import choices, continuations, generate, greedy, rows, windows
from bench.candidates.families.encoder import Encoder
from bench.candidates.huggingface import HuggingFaceModel
from bench.errors import BenchError
from bench.record import Record
from bench.running.worker import cell
from tests.admission import scenes
from tests.admission.scenes import LABELS, WORDS

Weights = dict[str, torch.Tensor]
HEADED = scenes.HEAD.replace("family: encoder", "family: causal-lm").replace("labels:", "scoring: head, labels:")
CHOOSES = scenes.CHOICES.replace("causal-lm", "seq2seq")
LIKELY = """\
name: likely
defaults: {device: cpu, threads: 1, batch_size: 4}
models: [{name: m, family: causal-lm, checkpoint: ./model}]
tasks: [{name: t, kind: language-modelling, data: {path: rows.jsonl}}]
measure: off
"""
WRITES = scenes.WRITES.replace("max_new_tokens: 6", "max_new_tokens: 20")
LENGTH = 12
"""Words of a whole sentence."""


def sentence(begin: int, step: int) -> list[str]:
    """Make a sentence in which each word leads to the next."""
    return [WORDS[(begin + step * place) % len(WORDS)] for place in range(LENGTH)]


def texts(most: int = LENGTH) -> tuple[str, ...]:
    """Draw the texts of the tasks: the beginnings of sentences, of two words and more."""
    draw = random.Random(0)
    drawn = [(draw.randrange(len(WORDS)), draw.choice((1, 2, 3)), draw.randint(2, most)) for _ in range(40)]
    return tuple(dict.fromkeys(" ".join(sentence(begin, step)[:words]) for begin, step, words in drawn))


def encoder(folder: Path) -> None:
    """Save a BERT with a head that gives every label to about as many texts."""
    module = scenes.encoder(folder)
    words = scenes.tokenizer()
    with torch.no_grad():
        module.classifier.bias -= torch.cat(
            [module(**words(text, return_tensors="pt")).logits for text in texts()]
        ).mean(0)
    scenes.save(folder, module, words)


def decoder(folder: Path) -> None:
    """Save a Llama whose output layer is its own."""
    scenes.decoder(folder, tie_word_embeddings=False)


def headed(folder: Path) -> None:
    """Save a GPT-2 with a head, which reads the last token that is no padding."""
    words = scenes.tokenizer()
    config = transformers.GPT2Config(
        n_embd=32,
        n_layer=2,
        n_head=4,
        vocab_size=len(words),
        bos_token_id=2,
        eos_token_id=3,
        pad_token_id=0,
        id2label=dict(enumerate(LABELS)),
    )
    scenes.save(folder, scenes.shaken(transformers.GPT2ForSequenceClassification(config)), words)


def translator(folder: Path) -> None:
    """Save a T5."""
    words = scenes.tokenizer()
    config = transformers.T5Config(
        d_model=32,
        d_kv=8,
        d_ff=48,
        num_layers=2,
        num_heads=4,
        vocab_size=len(words),
        pad_token_id=0,
        eos_token_id=3,
        decoder_start_token_id=0,
    )
    scenes.save(folder, scenes.shaken(transformers.T5ForConditionalGeneration(config)), words)


def writer(folder: Path) -> None:
    """Save a GPT-2 that was trained on the texts, so that it predicts their words and ends."""
    module = _trained()
    scenes.save(folder, module, scenes.tokenizer())


@cache
def _trained() -> Any:
    words = scenes.tokenizer()
    torch.manual_seed(0)
    config = transformers.GPT2Config(
        n_embd=32,
        n_layer=2,
        n_head=4,
        n_positions=64,
        vocab_size=len(words),
        bos_token_id=2,
        eos_token_id=3,
        pad_token_id=0,
        resid_pdrop=0.0,
        embd_pdrop=0.0,
        attn_pdrop=0.0,
    )
    module: Any = transformers.GPT2LMHeadModel(config)
    sentences = [" ".join(sentence(begin, step)) for begin in range(len(WORDS)) for step in (1, 2, 3)]
    encoded = [[*words(text, add_special_tokens=False)["input_ids"], 3] for text in sentences]
    ids = [row for text in encoded for row in (text, [2, *text])]
    longest = max(map(len, ids))
    batch = torch.tensor([row + [0] * (longest - len(row)) for row in ids])
    labels = batch.masked_fill(batch == 0, -100)
    optimizer = torch.optim.AdamW(module.parameters(), lr=3e-3)
    for _ in range(200):
        loss = module(input_ids=batch, attention_mask=(batch != 0).long(), labels=labels).loss
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return module.eval()


@dataclass(frozen=True, slots=True)
class Base:
    """A good checkpoint and the task that it is given."""

    name: str
    make: Callable[[Path], None]
    suite: str
    words: int = LENGTH
    """Of its longest text."""

    @property
    def texts(self) -> tuple[str, ...]:
        """Draw the inputs of its task."""
        return texts(self.words)


HEAD = Base("BERT's head", encoder, scenes.HEAD)
LAST = Base("GPT-2's head", headed, HEADED)
CHOICE = Base("Llama's choices", decoder, scenes.CHOICES)
LEARNT = Base("GPT-2's choices", writer, scenes.CHOICES)
WRITE = Base("GPT-2's texts", writer, WRITES, 8)
LIKELIHOOD = Base("GPT-2's likelihoods", writer, LIKELY)
SECOND = Base("T5's choices", translator, CHOOSES)
BASES = (HEAD, LAST, CHOICE, LEARNT, WRITE, LIKELIHOOD, SECOND)

Plant = Callable[[Path], Any]
"""Changes the checkpoint in a folder, or returns a context within which the code is changed."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is wrong."""

    name: str
    base: Base
    plant: Plant
    quick: bool = False
    """Whether the tests plant it too."""
    suite: str = ""
    """In place of the base's."""
    from_inside: bool = True
    """Whether it can be known from the checkpoint and the answers: a valid network that is another one cannot."""


def weights(change: Callable[[Weights], Weights]) -> Plant:
    """Plant a change of the saved weights."""

    def plant(folder: Path) -> None:
        path = folder / "model" / "model.safetensors"
        save_file({k: v.contiguous() for k, v in change(load_file(path)).items()}, path, metadata={"format": "pt"})

    return plant


def config(change: Callable[[dict[str, Any]], dict[str, Any]]) -> Plant:
    """Plant a change of the configuration."""

    def plant(folder: Path) -> None:
        path = folder / "model" / "config.json"
        path.write_text(json.dumps(change(json.loads(path.read_text()))))

    return plant


def configured(folder: Path, keys: dict[str, Any]) -> None:
    """Set keys of a saved model's configuration."""
    path = folder / "model" / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | keys))


def tokenizer(words: list[str]) -> Plant:
    """Plant another tokenizer."""
    return lambda folder: scenes.tokenizer(words).save_pretrained(folder / "model")


def wrapped(owner: Any, name: str, wrapper: Callable[..., Any]) -> Plant:
    """Plant a function in place of another, which it is given first."""
    return lambda _: mock.patch.object(owner, name, _after(getattr(owner, name), wrapper))


def _after(original: Any, wrapper: Callable[..., Any]) -> Callable[..., Any]:
    def call(*args: Any, **options: Any) -> Any:
        return wrapper(original, *args, **options)

    return call


def without_mask(original: Any, model: Any, batch_rows: Any, fill: int) -> Any:
    """Forget which tokens are padding."""
    batch = original(model, batch_rows, fill)
    return {**batch, "attention_mask": torch.ones_like(batch["attention_mask"])}


def unmasked(original: Any, query: Any, key: Any, value: Any, *_: Any, **options: Any) -> Any:
    """Attend to everything, what follows too."""
    return original(query, key, value, **{k: v for k, v in options.items() if k in ("scale", "enable_gqa")})


def shifted(original: Any, model: Any, cache: Any, allowed: Any, ids: Any, positions: Any, targets: Any) -> Any:
    """Number the tokens of continuations one too high."""
    return original(model, cache, allowed, ids, positions + 1, targets)


def off_target(original: Any, model: Any, cache: Any, allowed: Any, ids: Any, positions: Any, targets: Any) -> Any:
    """Score what a token is, in place of what follows it."""
    return original(model, cache, allowed, ids, positions, torch.where(targets >= 0, ids, targets))


def off_by_one(original: Any, cache: Any, **arguments: Any) -> Any:
    """Number the tokens of a step one too high."""
    if arguments["input_ids"].shape[1] == 1 and "position_ids" in arguments:
        arguments["position_ids"] = arguments["position_ids"] + 1
    return original(cache, **arguments)


def stale(original: Any, cache: Any, slots: Any, prompts: Any, states: Any) -> None:
    """Leave the keys and values of the prompt before in a row that is filled again."""
    if all(layer.end == 0 for layer in cache.layers):
        original(cache, slots, prompts, states)
        return
    cache.begins[torch.tensor(slots)] = torch.tensor([cache.end - len(prompt) for prompt in prompts])


@contextmanager
def endless(_: Path) -> Iterator[None]:
    """Know no token that ends an answer."""
    with mock.patch.object(generate, "end_ids", lambda model: []), mock.patch.object(greedy, "end_ids", lambda m: []):
        yield


def in_training(original: Any, *args: Any) -> Any:
    """Forget to leave the training mode."""
    loaded = original(*args)
    loaded.module.train()
    return loaded


def crowded(original: Any, mask: Any, owner: Any) -> Any:
    """Let choices that are packed into one row see each other."""
    return original(mask, torch.zeros_like(owner))


def sorted_alone(original: Any, model: Any, batch_texts: list[str]) -> Any:
    """Sort a batch by length, and forget to put its answers back."""
    return original(model, sorted(batch_texts, key=len))


def mixed_up(original: Any, workload: Any, limits: Any, examples: Any = None) -> Any:
    """Give the answers of a scoring to other examples."""
    done = original(workload, limits, examples)
    samples = done.samples
    turned = [
        replace(sample, scores=other.scores, prediction=other.prediction)
        for sample, other in zip(samples, [*samples[1:], *samples[:1]], strict=True)
    ]
    return replace(done, samples=turned)


def from_the_end(original: Any, model: Any, text: str, row: list[int], limit: int, options: Any) -> list[int]:
    """Keep the end of a text of which the head reads the beginning."""
    return row[-limit:]


@contextmanager
def padded_on_the_left(_: Path) -> Iterator[None]:
    """Pad on the left what numbers its positions by columns."""

    def call(original: Any, model: Any, batch_rows: Any, fill: int) -> Any:
        with mock.patch.object(model.tokenizer, "padding_side", "left"):
            return original(model, batch_rows, fill)

    with mock.patch.object(HuggingFaceModel, "padded", _after(HuggingFaceModel.padded, call)):
        yield


def cut_short(folder: Path) -> None:
    """Cut the file of weights."""
    path = folder / "model" / "model.safetensors"
    path.write_bytes(path.read_bytes()[:-2000])


def without(part: str) -> Callable[[Weights], Weights]:
    """Leave out the weights whose names hold a part."""
    return lambda w: {k: v for k, v in w.items() if part not in k}


def swapped(first: str, second: str) -> Callable[[Weights], Weights]:
    """Swap the weights whose names hold one part with those that hold the other."""
    return lambda w: {(k.replace(first, second) if first in k else k.replace(second, first)): v for k, v in w.items()}


def rolled(names: dict[str, str]) -> dict[str, str]:
    """Give each output the next one's label."""
    labels = list(names.values())
    return dict(zip(names, [*labels[1:], *labels[:1]], strict=True))


def _two_swapped(settings: dict[str, Any]) -> dict[str, Any]:
    names = settings["id2label"]
    return settings | {"id2label": names | {"0": names["1"], "1": names["0"]}}


WTE = "transformer.wte.weight"
CLASSIFIER = ("classifier.weight", "classifier.bias")
QUERY = "bert.encoder.layer.0.attention.self.query.weight"
DENSE = "bert.encoder.layer.0.intermediate.dense.weight"
POSITIONS = "bert.embeddings.position_embeddings.weight"
HALVES = scenes.HEAD.replace("./model}", "./model, variants: [{dtype: float16}]}")

FAULTS = (
    Fault("the head's rows are permuted", HEAD, weights(lambda w: w | {k: w[k].roll(1, 0) for k in CLASSIFIER}), True),
    Fault("the labels are those of other outputs", HEAD, config(lambda c: c | {"id2label": rolled(c["id2label"])})),
    Fault("two labels are swapped", HEAD, config(_two_swapped)),
    Fault("the head is lost", HEAD, weights(without("classifier"))),
    Fault("a layer is lost", HEAD, weights(without("layer.1."))),
    Fault("names have a wrapper's prefix", HEAD, weights(lambda w: {f"_orig_mod.{k}": v for k, v in w.items()})),
    Fault("a layer has another's name", HEAD, weights(swapped("layer.1.", "layer.2."))),
    Fault("a weight is transposed", HEAD, weights(lambda w: w | {DENSE: w[DENSE].T})),
    Fault("a layer holds NaN", HEAD, weights(lambda w: w | {DENSE: w[DENSE] * torch.nan})),
    Fault("a logit is infinite", HEAD, weights(lambda w: w | {CLASSIFIER[1]: torch.tensor([0.0, torch.inf, 0.0])})),
    Fault("float16 overflows", HEAD, weights(lambda w: w | {DENSE: w[DENSE] * 1e5}), suite=HALVES),
    Fault("the file is cut", HEAD, cut_short),
    Fault("there is no tokenizer", HEAD, lambda folder: (folder / "model" / "tokenizer.json").unlink()),
    Fault("the tokenizer has words of another language", HEAD, tokenizer([f"mot{n}" for n in range(len(WORDS))])),
    Fault("the tokenizer has more tokens than the embedding rows", HEAD, tokenizer([*WORDS, "one", "two"])),
    Fault("the padding token is a word", LAST, config(lambda c: c | {"pad_token_id": 4 + WORDS.index("ship")}), True),
    Fault("the output layer is lost", CHOICE, weights(without("lm_head"))),
    Fault("the output layer is garbled", LIKELIHOOD, weights(lambda w: w | {WTE: w[WTE].flip(0)}), True),
    Fault("the tokenizer has the words in another order", LIKELIHOOD, tokenizer(WORDS[::-1])),
    Fault("the mask is dropped", HEAD, wrapped(HuggingFaceModel, "padded", without_mask)),
    Fault("rows are padded on the wrong side", HEAD, padded_on_the_left),
    Fault("texts are cut at the wrong side", HEAD, wrapped(HuggingFaceModel, "_cut", from_the_end), True),
    Fault("a sorted batch is not put back", HEAD, wrapped(Encoder, "classify", sorted_alone), True),
    Fault("scored answers go to other examples", HEAD, wrapped(cell, "score", mixed_up), True),
    Fault(
        "dropout is on",
        HEAD,
        wrapped(huggingface, "_load_pretrained", in_training),
        True,
    ),
    Fault("positions of continuations are shifted", LEARNT, wrapped(continuations, "_log_probabilities", shifted)),
    Fault("targets are off by one", CHOICE, wrapped(continuations, "_log_probabilities", off_target)),
    Fault("packed choices see each other", CHOICE, wrapped(continuations, "_tree_mask", crowded)),
    Fault(
        "tokens of a choice count twice",
        CHOICE,
        wrapped(continuations, "_run_choices", lambda run, *args: [[2 * x for x in row] for row in run(*args)]),
    ),
    Fault(
        "the sign of likelihoods is turned",
        CHOICE,
        wrapped(choices, "score_continuations", lambda run, *args: [[-x for x in row] for row in run(*args)]),
        True,
    ),
    Fault("the causal mask is dropped", CHOICE, wrapped(torch.nn.functional, "scaled_dot_product_attention", unmasked)),
    Fault("positions after the cache are off by one", WRITE, wrapped(rows.RowCache, "_call", off_by_one)),
    Fault("a refilled row keeps the old cache", WRITE, wrapped(rows.RowCache, "_lay", stale)),
    Fault("the end token is ignored", WRITE, endless),
    Fault("padding counts as text", LIKELIHOOD, lambda _: mock.patch.object(windows, "IGNORED", 0)),
    Fault("the encoder's mask is dropped", SECOND, wrapped(HuggingFaceModel, "padded", without_mask)),
    Fault("a square weight is transposed", HEAD, weights(lambda w: w | {QUERY: w[QUERY].T}), from_inside=False),
    Fault("two layers are swapped", HEAD, weights(swapped("layer.0.", "layer.1.")), from_inside=False),
    Fault(
        "the position table is shifted",
        HEAD,
        weights(lambda w: w | {POSITIONS: w[POSITIONS].roll(1, 0)}),
        from_inside=False,
    ),
)


def answers_of(base: Base, folder: Path) -> tuple[str, ...]:
    """Let the good model answer; its doubts are false alarms, of which there must be none."""
    base.make(folder)
    record = scenes.recorded(folder, base.suite, base.texts)
    return tuple(sample.prediction or "red" for sample in record.samples)


def alarms_of(base: Base, folder: Path, answers: tuple[str, ...]) -> list[str]:
    """List the codes of the doubts about a good model; its answers are right."""
    base.make(folder)
    return [doubt.code for doubt in scenes.recorded(folder, base.suite, base.texts, answers).doubts]


def found(fault: Fault, folder: Path, answers: tuple[str, ...]) -> str | None:
    """Plant a fault, run the cell, and tell by what it was found: an error or codes of doubts; None if by nothing.

    A good model has no doubts (`alarms_of`), so that each that is raised is of the fault.
    """
    fault.base.make(folder)
    context = fault.plant(folder)
    try:
        record = _within(
            context, lambda: scenes.recorded(folder, fault.suite or fault.base.suite, fault.base.texts, answers)
        )
    except BenchError as error:
        return f"{type(error).__name__}: {error}"
    return ", ".join(doubt.code for doubt in record.doubts) or None


def _within(context: Any, work: Callable[[], Record]) -> Record:
    if not hasattr(context, "__enter__"):
        return work()
    with context:
        return work()
