"""Suites of candidates that are not what they claim to be, made small: what admission must find."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
import transformers
from tokenizers import AddedToken, Tokenizer, models, pre_tokenizers

from bench.planning import Options, make_plan, open_suite
from bench.record import Record
from bench.running.worker.cell import run_cell

WORDS = [
    "red",
    "blue",
    "green",
    "small",
    "large",
    "old",
    "new",
    "river",
    "house",
    "train",
    "ship",
    "cloud",
    "stone",
    "paper",
    "glass",
    "water",
    "fire",
    "wind",
    "salt",
]
TEXTS = (
    "red",
    "blue green small",
    "river house train ship cloud stone paper glass water",
    "old new salt wind fire ship",
)
LABELS = ("alpha", "beta", "gamma")
SMALL = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4, "intermediate_size": 48}
HEAD = f"""\
name: heads
defaults: {{device: cpu, threads: 1, batch_size: 4}}
models: [{{name: m, family: encoder, checkpoint: ./model}}]
tasks: [{{name: t, kind: classification, data: {{path: rows.jsonl}}, labels: [{", ".join(LABELS)}]}}]
measure: off
"""
CHOICES = """\
name: choices
defaults: {device: cpu, threads: 1, batch_size: 4}
models: [{name: m, family: causal-lm, checkpoint: ./model}]
tasks: [{name: t, kind: multiple-choice, data: {path: rows.jsonl}}]
measure: off
"""
WRITES = """\
name: writes
defaults: {device: cpu, threads: 1, batch_size: 4}
models: [{name: m, family: causal-lm, checkpoint: ./model}]
tasks: [{name: t, kind: summarisation, data: {path: rows.jsonl}, prompt: "{document}", max_new_tokens: 6}]
measure: off
"""
OWN = """\
name: own
defaults: {device: cpu, threads: 1, batch_size: 4}
models: [{name: m, family: torch-module, factory: "own:make"}]
tasks: [{name: t, kind: classification, data: {path: rows.jsonl}, labels: [alpha, beta, gamma]}]
measure: off
"""


def tokenizer(words: list[str] = WORDS) -> Any:
    """A tokenizer of whole words."""
    special = ["<pad>", "<unk>", "<s>", "</s>"]
    made = Tokenizer(models.WordLevel({t: i for i, t in enumerate([*special, *words])}, unk_token="<unk>"))
    made.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    made.add_special_tokens([AddedToken(token, special=True, normalized=False) for token in special])
    names = {"bos_token": "<s>", "eos_token": "</s>", "pad_token": "<pad>", "unk_token": "<unk>"}
    return transformers.PreTrainedTokenizerFast(tokenizer_object=made, **names)


def shaken(module: Any) -> Any:
    """The module with large random matrices, so that its answers are no ties."""
    draw = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for weight in module.parameters():
            if weight.dim() >= 2:
                weight.copy_(torch.randn(weight.shape, generator=draw) * 0.25)
    module.tie_weights()
    return module.eval()


def encoder(folder: Path, words: Any = None, rows: int | None = None) -> Any:
    """A tiny BERT with a head over the labels, saved; its embedding has so many rows, as the tokenizer by default."""
    words = words or tokenizer()
    config = transformers.BertConfig(
        **SMALL,
        vocab_size=rows or len(words),
        max_position_embeddings=32,
        pad_token_id=0,
        id2label=dict(enumerate(LABELS)),
    )
    module = shaken(transformers.BertForSequenceClassification(config))
    save(folder, module, words)
    return module


def decoder(folder: Path, kind: str = "Llama", **more: Any) -> Any:
    """A tiny decoder-only model, saved."""
    words = tokenizer()
    sizes = {"GPT2": {"n_embd": 32, "n_layer": 2, "n_head": 4}, "Bloom": {"hidden_size": 32, "n_layer": 2, "n_head": 4}}
    config = getattr(transformers, f"{kind}Config")(
        **sizes.get(kind, SMALL), vocab_size=len(words), bos_token_id=2, eos_token_id=3, pad_token_id=0, **more
    )
    module = shaken(getattr(transformers, {"GPT2": "GPT2LMHeadModel"}.get(kind, f"{kind}ForCausalLM"))(config))
    save(folder, module, words)
    return module


def save(folder: Path, module: Any, words: Any) -> None:
    """Save a model and its tokenizer."""
    module.save_pretrained(folder / "model")
    words.save_pretrained(folder / "model")


def rows(folder: Path, texts: tuple[str, ...] = TEXTS, answers: tuple[str, ...] = ()) -> None:
    """Write the examples, with the columns of every kind, and the right answers where they are given."""
    lines = [
        {
            "text": text,
            "document": text,
            "question": text,
            "label": answers[place] if answers else LABELS[place % 3],
            "summary": answers[place] if answers else "red",
            "choices": ["red", "blue green", "small old ship"],
            "answer": answers[place] if answers else "red",
        }
        for place, text in enumerate(texts)
    ]
    (folder / "rows.jsonl").write_text("\n".join(map(json.dumps, lines)) + "\n")


def recorded(folder: Path, suite: str, texts: tuple[str, ...] = TEXTS, answers: tuple[str, ...] = ()) -> Record:
    """The record of the suite's only cell, run in this process.

    Raises:
        Exception: whatever loading, admission or scoring raises.
    """
    rows(folder, texts, answers)
    (folder / "suite.yaml").write_text(suite.replace("own:make", f"{own_name(folder)}:make"))
    plan = make_plan(open_suite(str(folder / "suite.yaml")), folder / "results", Options())
    (cell,) = plan.written(folder / "results")
    assert cell.unsupported is None, cell.unsupported
    return run_cell(cell, 0, lambda _: None)


def own_name(folder: Path) -> str:
    """A module's name that no other test has: a module is imported once in a process."""
    return f"own_{abs(hash(str(folder)))}"


def own_model(folder: Path, body: str) -> None:
    """Write a factory whose object classifies by `body`, in which `texts` and `labels` are known."""
    (folder / f"{own_name(folder)}.py").write_text(
        f"class Own:\n    def classify(self, texts, labels):\n        {body}\n\n\ndef make():\n    return Own()\n"
    )


def same_to_all(folder: Path) -> Record:
    """A model that answers `beta` to everything."""
    own_model(folder, "return [[0.0, 1.0, len(text) / 100] for text in texts]")
    return recorded(folder, OWN, tuple(f"text {number}" for number in range(12)))


def says_nothing(folder: Path) -> Record:
    """A model whose scores do not depend on what it reads."""
    own_model(folder, "return [[0.1, 0.7, 0.2] for _ in texts]")
    return recorded(folder, OWN, tuple(f"text {number}" for number in range(12)))


def misses_the_rare(folder: Path) -> Record:
    """A model that misses the one example of ten that is another one than the rest, as good ones do."""
    own_model(folder, "return [[0.0, 1.0, len(text) / 100] for text in texts]")
    return recorded(folder, OWN, tuple(f"text {number}" for number in range(10)), ("beta",) * 9 + ("alpha",))


def turned_around(folder: Path) -> Record:
    """A model that knows the labels and says others."""
    own_model(folder, "return [[float(len(text) % 3 == place) for place in (1, 2, 0)] for text in texts]")
    texts = tuple("x" * (9 + number) for number in range(24))
    return recorded(folder, OWN, texts, tuple(LABELS[len(text) % 3] for text in texts))


def depends_on_batch(folder: Path) -> Record:
    """A model whose scores of a text depend on the longest text beside it."""
    own_model(folder, "return [[float(len(max(texts, key=len))), float(len(text)), 0.0] for text in texts]")
    return recorded(folder, OWN)


def left_fast_path(folder: Path) -> Record:
    """A family whose cache has another shape than the fast path expects."""
    decoder(folder, "Bloom")
    return recorded(folder, CHOICES)


def asks_for_guidance(folder: Path) -> Record:
    """A checkpoint whose generation settings ask for what decoding here does not do."""
    module = decoder(folder)
    module.generation_config.guidance_scale = 1.5
    save(folder, module, tokenizer())
    return recorded(folder, WRITES)


def asks_for_beams(folder: Path) -> Record:
    """A checkpoint that was published to search with beams, and a suite that says nothing of it."""
    module = decoder(folder)
    module.generation_config.num_beams = 3
    save(folder, module, tokenizer())
    return recorded(folder, WRITES)


def lacks_words(folder: Path) -> Record:
    """A tokenizer that does not know some of the words."""
    encoder(folder)
    return recorded(folder, HEAD, (*TEXTS, "red blue unheard unknown"))


def has_more_weights(folder: Path) -> Record:
    """A checkpoint with weights that the model has no place for."""
    from safetensors.torch import load_file, save_file

    encoder(folder)
    path = folder / "model" / "model.safetensors"
    save_file({**load_file(path), "value_head.weight": torch.zeros(2, 2)}, path, metadata={"format": "pt"})
    return recorded(folder, HEAD)


def knows_few_words(folder: Path) -> Record:
    """A tokenizer of 23 words under an embedding for many more."""
    encoder(folder, rows=400)
    return recorded(folder, HEAD)


def asks_for_a_prefix(folder: Path) -> Record:
    """A summariser whose configuration has a prefix for it."""
    module = summariser(folder)
    module.config.task_specific_params = {"summarization": {"prefix": "old : ", "no_repeat_ngram_size": 2}}
    save(folder, module, tokenizer())
    return recorded(folder, WRITES.replace("causal-lm", "seq2seq"))


def summariser(folder: Path) -> Any:
    """A tiny BART, saved."""
    words = tokenizer()
    small = {"encoder_layers": 1, "decoder_layers": 1, "encoder_ffn_dim": 32, "decoder_ffn_dim": 32}
    heads = {"encoder_attention_heads": 2, "decoder_attention_heads": 2, "d_model": 16, "max_position_embeddings": 32}
    tokens = {"pad_token_id": 0, "bos_token_id": 2, "eos_token_id": 3, "decoder_start_token_id": 3}
    config = transformers.BartConfig(**small, **heads, **tokens, vocab_size=len(words))
    module = shaken(transformers.BartForConditionalGeneration(config))
    save(folder, module, words)
    return module


def pruned_in_part(folder: Path) -> Record:
    """A mixture of experts, whose fused experts pruning does not reach."""
    decoder(folder, "Mixtral", num_key_value_heads=2, num_local_experts=4, num_experts_per_tok=2)
    return recorded(folder, CHOICES.replace("./model}", "./model, variants: [{prune: 0.5}]}"))


def another_script(folder: Path) -> Record:
    """References in a script whose words the metric does not find."""
    lines = [{"document": f"text {number}", "summary": "今天天气很好"} for number in range(4)]
    suite = """\
name: script
models: [{name: floor, family: baseline, strategy: lead}]
tasks: [{name: t, kind: summarisation, data: {path: zh.jsonl}}]
measure: off
"""
    (folder / "zh.jsonl").write_text("\n".join(json.dumps(line, ensure_ascii=False) for line in lines))
    return recorded(folder, suite)


def reasons_first(folder: Path) -> Record:
    """A model that thinks aloud, and puts its answer in stars."""
    (folder / f"{own_name(folder)}.py").write_text(
        "class Own:\n    def generate(self, texts, max_new_tokens):\n"
        "        return [f'<think>red?</think> The label is: **{text.strip()}**' for text in texts]\n\n\n"
        "def make():\n    return Own()\n"
    )
    return recorded(folder, OWN.replace("labels:", "prompt: '{text}', scoring: generated, labels:"), LABELS, LABELS)


def own_class(folder: Path, body: str) -> None:
    """Write a factory whose object has these methods."""
    (folder / f"{own_name(folder)}.py").write_text(f"class Own:\n{body}\n\n\ndef make():\n    return Own()\n")


def means(folder: Path) -> Record:
    """A model that gives the mean over tokens where the sum is asked for."""
    own_class(
        folder, "    def log_likelihood(self, texts):\n        return [(3.1, len(text.split())) for text in texts]"
    )
    kind, texts = "language-modelling", tuple(" ".join(["words"] * number) for number in range(8, 20))
    return recorded(folder, OWN.replace("classification", kind).replace(", labels: [alpha, beta, gamma]", ""), texts)


def probable(folder: Path) -> Record:
    """A model that gives probabilities, though calibration needs their logarithms."""
    own_model(folder, "return [[1 / len(text), 0.1, 0.9 - 1 / len(text)] for text in texts]")
    return recorded(folder, OWN.replace("labels:", "metrics: [accuracy, ece], labels:"))


def says_nothing_of_labels(folder: Path) -> Record:
    """A model whose answers name no label."""
    own_class(folder, "    def generate(self, texts, max_new_tokens):\n        return ['no idea'] * len(texts)")
    return recorded(folder, OWN.replace("labels:", "scoring: generated, labels:"))


SCENES: dict[str, Callable[[Path], Record]] = {
    "answer_hidden": reasons_first,
    "answer_not_found": says_nothing_of_labels,
    "answers_all_equal": same_to_all,
    "batch_changes_answers": depends_on_batch,
    "equal_by_chance": misses_the_rare,
    "fast_path_left": left_fast_path,
    "generation_overruled": asks_for_beams,
    "generation_settings_left_out": asks_for_guidance,
    "likelihood_is_mean": means,
    "references_overlooked": another_script,
    "scores_all_equal": says_nothing,
    "scores_are_probabilities": probable,
    "task_settings_left_out": asks_for_a_prefix,
    "unknown_words": lacks_words,
    "variant_reaches_part": pruned_in_part,
    "vocabulary_small": knows_few_words,
    "weights_unused": has_more_weights,
    "zeros_save_nothing": pruned_in_part,
    "worse_than_chance": turned_around,
}
"""What raises each of these doubts."""
