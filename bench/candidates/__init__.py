"""Model families: the table of names, and what each family can and cannot do. Imports no family until it is
loaded."""

from __future__ import annotations

from bench.plugins import Table

FAMILIES = Table(
    "model family",
    "bench.candidates",
    {
        "causal-lm": "bench.candidates.families.causal:CausalLM",
        "encoder": "bench.candidates.families.encoder:Encoder",
        "seq2seq": "bench.candidates.families.seq2seq:Seq2Seq",
        "transformer": "bench.candidates.families.transformer:InHouse",
        "torch-module": "bench.candidates.families.torch_module:TorchModule",
        "baseline": "bench.candidates.families.baseline:Baseline",
    },
)
"""Class of each family, made with `(spec: ModelSpec, variant: VariantSpec, context: Context)`."""

UNSUPPORTED: dict[tuple[str, str], str] = {
    ("encoder", "summarisation"): "an encoder writes no text; use a causal-lm, seq2seq or transformer model",
    ("encoder", "translation"): "an encoder writes no text; use a causal-lm, seq2seq or transformer model",
    (
        "encoder",
        "multiple-choice",
    ): "an encoder's head knows fixed labels, not a question's choices; use a causal-lm, seq2seq or transformer model",
    ("encoder", "question-answering"): "an encoder writes no text; use a causal-lm, seq2seq or transformer model",
    (
        "encoder",
        "language-modelling",
    ): "an encoder reads both ways and has no left-to-right likelihood; use a causal-lm",
    (
        "seq2seq",
        "language-modelling",
    ): "an encoder-decoder has no likelihood of a text without a source; use a causal-lm",
    (
        "transformer",
        "language-modelling",
    ): "an encoder-decoder has no likelihood of a text without a source; use a causal-lm",
}
"""Family and kind of task → why it cannot be done, known without loading anything."""

STRATEGIES: dict[str, frozenset[str]] = {
    "majority": frozenset({"classification", "multiple-choice", "question-answering"}),
    "copy": frozenset({"summarisation", "translation"}),
    "lead": frozenset({"summarisation", "translation"}),
}
"""Kinds of task that each baseline can do."""


def why_unsupported(family: str, kind: str, strategy: str | None = None) -> str | None:
    """Returns why a family cannot do a kind of task, or None when it can.

    >>> why_unsupported("encoder", "translation")
    'an encoder writes no text; use a causal-lm, seq2seq or transformer model'
    >>> why_unsupported("baseline", "translation", "majority")
    "the baseline 'majority' does classification, multiple-choice, question-answering only"
    """
    if strategy is not None and kind not in STRATEGIES[strategy]:
        return f"the baseline '{strategy}' does {', '.join(sorted(STRATEGIES[strategy]))} only"
    return UNSUPPORTED.get((family, kind))
