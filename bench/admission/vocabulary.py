"""Whether a tokenizer knows the words of the task's own inputs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from bench.errors import AdmissionError

REFUSED_SHARE = 0.25
"""Share of unknown tokens at which a model reads something else than what is written. Tokenizers of words keep below
0.1 on text of their own language and domain; one of another script, or of five special tokens, is near 1."""
LOOKED_AT = 200
"""Inputs that are tokenised for this, evenly spread over the data."""


@runtime_checkable
class ReadsTokens(Protocol):
    """A model that can say which of its tokens stand for words that it does not know."""

    def unknown_tokens(self, texts: Sequence[str]) -> tuple[int, int]:
        """Count how many tokens of the texts are the unknown token, and how many there are, special ones apart."""


@dataclass(frozen=True, slots=True)
class Unknown:
    """What a tokenizer does not know of a task's inputs."""

    unknown: int
    tokens: int

    @property
    def share(self) -> float:
        """Unknown tokens over all tokens; 0 without any."""
        return self.unknown / self.tokens if self.tokens else 0.0


def check_words(name: str, model: object, texts: Sequence[str]) -> Unknown:
    """Count the unknown tokens of a task's inputs.

    Args:
        name: of the model in the suite, for the message.
        model: the loaded model; one without a tokenizer knows everything.
        texts: the inputs.

    Raises:
        AdmissionError: more than `REFUSED_SHARE` of the tokens are unknown.
    """
    if not isinstance(model, ReadsTokens):
        return Unknown(0, 0)
    step = max(1, len(texts) // LOOKED_AT)
    counted = Unknown(*model.unknown_tokens(texts[::step]))
    if counted.share > REFUSED_SHARE:
        raise AdmissionError(
            f"model '{name}': its tokenizer does not know {counted.unknown:,} of the {counted.tokens:,} tokens of the "
            "task's inputs; give the tokenizer that it was trained with, or take a model for this language"
        )
    return counted
