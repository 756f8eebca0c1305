"""Whether the newest token completes a stop string, while an answer is being written."""

from __future__ import annotations

from collections.abc import Sequence

from bench.candidates.untyped import Tokenizer


class Stops:
    """Whether the newest token completes a stop string."""

    def __init__(self, tokenizer: Tokenizer, stops: Sequence[str], *, special: bool = True) -> None:
        self._tokenizer = tokenizer
        self._special = special
        """Whether the names of special tokens are part of the text."""
        self._stops = tuple(filter(None, stops))
        self._tail = max((len(stop.encode()) for stop in stops), default=0) + 1
        """Tokens of which a stop string and the one before it are made at most: each holds a byte or more."""
        self._last = {stop[-1] for stop in self._stops}
        self._may: dict[int, bool] = {}

    def ended(self, written: Sequence[int]) -> bool:
        """Tell whether the text ends here, as far as the last tokens tell."""
        if not self._stops or not self._may_complete(written[-1]):
            return False
        text = self._decoded(list(written[-self._tail :]))
        return any(stop in text for stop in self._stops)

    def _may_complete(self, token: int) -> bool:
        may_end = self._may.get(token)
        if may_end is None:
            text = self._decoded([token])
            may_end = self._may[token] = "�" in text or any(last in text for last in self._last)
        return may_end

    def _decoded(self, tokens: list[int]) -> str:
        return str(self._tokenizer.decode(tokens, skip_special_tokens=not self._special))
