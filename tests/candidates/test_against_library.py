"""Families of every kind give what the library's own plain pass gives, or leave their fast path with a doubt.

The sweep of `benchmarks/families.py` on a few families of each kind: how they count positions, what their caches and
masks are like, and what their tokenizers do.
"""

from __future__ import annotations

import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from bench.candidates.decoding import continuations

FOLDER = Path(__file__).parents[2] / "benchmarks"
sys.path.insert(0, str(FOLDER))
from families import FAMILY_OF, WAYS, Tried, outcome  # noqa: E402
from plain_pass import Plain  # noqa: E402
from tiny_families import BEGIN, CONTEXT, END, Role, Tiny, tokenizer  # noqa: E402

sys.path.remove(str(FOLDER))

KINDS = [
    ("bloom", "causal", "choices", "plain", "ALiBi, with a mask of its own"),
    ("bloom", "causal", "writes", "equal", "the same, where each row is alone in the cache"),
    ("falcon, ALiBi", "causal", "choices", "plain", "ALiBi"),
    ("mpt", "causal", "choices", "plain", "ALiBi by columns, and a limit of its own"),
    ("mistral", "causal", "choices", "equal", "a sliding window"),
    ("gemma2", "causal", "writes", "equal", "windows in every other layer, a tied head"),
    ("gpt_neo, local alone", "causal", "choices", "plain", "local attention by columns"),
    ("mamba", "causal", "writes", "equal", "a state in place of keys"),
    ("rwkv", "causal", "choices", "plain", "a state with an interface of its own"),
    ("mixtral", "causal", "choices", "equal", "a mixture of experts"),
    ("camembert", "causal", "writes", "equal", "positions from behind the padding's id on, which `generate` miscounts"),
    ("camembert", "causal", "choices", "equal", "the same over a cache"),
    ("gemma3", "causal", "choices", "equal", "a configuration of several parts"),
    ("git", "causal", "choices", "plain", "a mask that a common beginning takes from it"),
    ("phi3, long rope", "causal", "nats", "plain", "positions that hang on the longest text of a batch"),
    ("t5", "seq2seq", "choices", "equal", "relative positions"),
    ("bart", "seq2seq", "choices", "equal", "forced tokens"),
    ("marian", "seq2seq", "choices", "equal", "its start is its padding"),
    ("pegasus", "seq2seq", "choices", "equal", "computed positions"),
    ("mbart", "seq2seq", "choices", "equal", "it begins with the last token"),
    ("fsmt", "seq2seq", "choices", "plain", "without a word no mask where there is a cache"),
    ("switch_transformers", "seq2seq", "choices", "equal", "an encoder that returns more"),
    ("roberta", "head", "head", "equal", "a table with rows left out"),
    ("xlm-roberta", "head", "head", "equal", "the same"),
    ("nystromformer", "head", "head", "plain", "fewer positions than rows, and padding that leaks"),
    ("ibert", "head", "head", "equal", "a table of a class of its own"),
    ("bart", "head", "head", "equal", "a head that reads the end token"),
]
"""Model type, role, way, verdict, and what is particular about it."""


def verdict(tiny: Tiny, way: str, folder: Path, family: str | None = None) -> tuple[str, str]:
    """Make a family, ask it in one way, and judge what comes; with the detail."""
    module, words = tiny.save(folder)
    family = family or FAMILY_OF[tiny.role]
    plain = Plain(module, words, two_parts=family == "seq2seq", end=END, begin=BEGIN)
    row = outcome(Tried(tiny, (way,), family, ""), WAYS[way], folder, plain)
    return row.verdict, row.detail


@pytest.mark.parametrize(("name", "role", "way", "right", "particular"), KINDS)
def test_kinds_of_families(name: str, role: Role, way: str, right: str, particular: str, tmp_path: Path) -> None:
    came, detail = verdict(Tiny(name, role), way, tmp_path)
    assert came == right, (particular, detail)


def test_a_tokenizer_that_ends_prompts(tmp_path: Path) -> None:
    assert verdict(Tiny("llama", "causal", frame="<s> $A </s>"), "choices", tmp_path)[0] == "equal"


def test_no_padding_token_anywhere(tmp_path: Path) -> None:
    assert verdict(Tiny("qwen2", "causal", pads=False), "writes", tmp_path)[0] == "equal"
    head = Tiny("llama", "head", frame="<s> $A", pads=False)
    assert verdict(head, "head", tmp_path / "head", "causal-lm")[0] == "equal"


def test_a_head_without_the_token_that_it_reads_is_refused_with_a_remedy(tmp_path: Path) -> None:
    tiny = Tiny("bart", "head")
    module, words = tiny.save(tmp_path)
    tokenizer("$A").save_pretrained(tmp_path)
    plain = Plain(module, words, two_parts=False, end=END, begin=BEGIN)
    row = outcome(Tried(tiny, ("head",), "encoder", ""), WAYS["head"], tmp_path, plain)
    came, detail = row.verdict, row.detail
    assert came == "refused" and "save the tokenizer that it was trained with" in detail


def test_an_encoder_that_is_read_as_a_decoder_is_refused(tmp_path: Path) -> None:
    came, detail = verdict(Tiny("bert", "causal", changes={"is_decoder": False}), "choices", tmp_path)
    assert came == "refused" and "take a causal model" in detail


def test_a_decoder_is_no_encoder_decoder(tmp_path: Path) -> None:
    came, detail = verdict(Tiny("voxtral", "seq2seq"), "choices", tmp_path)
    assert came == "refused" and "'causal-lm'" in detail


def test_what_the_library_raises_becomes_a_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    module, words = Tiny("gpt2", "causal").save(tmp_path)

    def fails(*_: object, **__: object) -> None:
        raise ValueError("too many values\nto unpack")

    monkeypatch.setattr(type(module), "forward", fails)
    plain = Plain(module, words, two_parts=False, end=END, begin=BEGIN)
    row = outcome(Tried(Tiny("gpt2", "causal"), ("nats",), "causal-lm", ""), WAYS["nats"], tmp_path, plain)
    assert row.verdict == "refused" and "try it in transformers alone" in row.detail


def test_a_fault_of_the_fast_path_would_be_seen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The truth of the sweep is not bench's own: with admission taken away and a position shifted it says SILENT."""
    monkeypatch.setattr("families.admit", lambda *_: SimpleNamespace(left=None, waits=False))
    original = continuations._log_probabilities

    def shifted(model: Any, cache: Any, allowed: Any, ids: Any, positions: Any, targets: Any) -> Any:
        return original(model, cache, allowed, ids, (positions + 1).clamp(max=CONTEXT - 1), targets)

    monkeypatch.setattr(continuations, "_log_probabilities", shifted)
    assert verdict(Tiny("gpt2", "causal"), "choices", tmp_path)[0] == "SILENT"
