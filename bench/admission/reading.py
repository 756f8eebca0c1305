"""Whether a loaded network is ready to answer, and reads of a text what its tokenizer makes of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, runtime_checkable

from bench.candidates.interface import Model
from bench.errors import AdmissionError

LOOKED_AT = 200
"""Inputs that are looked through for the padding token, evenly spread over the data."""


@runtime_checkable
class Reads(Protocol):
    """A model that reads tokens, which are padded and cut."""

    def misread(self, text: str) -> str | None:
        """Tell how what the model reads of a text differs from what its tokenizer makes; None where it does not."""

    def padding_read(self, texts: Sequence[str]) -> tuple[str, int]:
        """Count in how many of the texts the token that its head takes for padding stands, with that token."""


def check_reading(name: str, model: object, texts: Sequence[str]) -> None:
    """Refuse a network that is still being trained, and one that does not read what is written.

    Args:
        name: of the model in the suite, for the message.
        model: the loaded model.
        texts: the task's inputs, the longest among them first.

    Raises:
        AdmissionError: dropout is on; a text is cut or encoded otherwise than by its tokenizer; a head takes a word for
            padding.
    """
    module = model.facts().module if isinstance(model, Model) else None
    if module is not None and module.training:
        raise AdmissionError(
            f"model '{name}': its network is in training mode, so that dropout would make its answers random; call "
            "`eval()` once it is loaded"
        )
    if not isinstance(model, Reads) or not texts:
        return
    why = model.misread(texts[0])
    if why is not None:
        raise AdmissionError(f"model '{name}': {why}")
    token, count = model.padding_read(texts[:: max(1, len(texts) // LOOKED_AT)])
    if count:
        raise AdmissionError(
            f"model '{name}': its head takes '{token}' for padding, which stands in {count:,} of the inputs that were "
            "looked at and would not be read; name a token that is no word as `pad_token_id` in its config.json"
        )
