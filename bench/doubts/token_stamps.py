"""The doubt that the times of single tokens are incomplete."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from bench.doubts.base import DoubtKind


@dataclass(frozen=True, kw_only=True)
class TokenStamps(DoubtKind):
    """The model did not report every token that it says it generated."""

    code: ClassVar[str] = "token_stamps"
    title: ClassVar[str] = "Token times incomplete"
    advice: ClassVar[str] = (
        "the model's `generate` must call `on_token` once for every output token, the end-of-sequence token included"
    )
    readings: tuple[str, ...] = ("ttft", "tpot", "itl")

    requests: int
    """Requests that were timed."""
    wrong: int
    """Of these, requests with another number of stamps than output tokens."""
    stamps: int
    """Of the first such request."""
    output_tokens: int
    """Of the first such request."""

    @property
    def message(self) -> str:
        """Count the requests, and give the numbers of the first."""
        return (
            f"{self.wrong} of {self.requests} requests reported another number of tokens than they returned, "
            f"e.g. {self.stamps} against {self.output_tokens}"
        )


@dataclass(frozen=True, kw_only=True)
class NoTokenStamps(TokenStamps):
    """The model reported no token at all as it came."""

    @property
    def message(self) -> str:
        """Say which readings are missing."""
        return "the model reported no token as it came, so there is no TTFT, TPOT or ITL"

    @property
    def remedy(self) -> str:
        """Name the usual cause and its setting."""
        return "beam search knows its tokens only at the end: set num_beams to 1 to time them"


@dataclass(frozen=True, kw_only=True)
class ChunksOfTokens(TokenStamps):
    """A server sends its tokens in chunks of several."""

    readings: tuple[str, ...] = ("itl",)

    @property
    def message(self) -> str:
        """Count the requests, and give the numbers of the first."""
        return (
            f"{self.wrong} of {self.requests} requests came in another number of chunks than the server counts tokens, "
            f"e.g. {self.stamps} against {self.output_tokens}: gaps are those between chunks"
        )

    @property
    def remedy(self) -> str:
        """Name what is right all the same."""
        return "compare TTFT and TPOT, which count the server's tokens, or have the server send every token by itself"
