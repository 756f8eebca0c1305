"""One request to a server and what came of it: instants, text, tokens as the server counts them, how it ended."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

Ending = Literal[
    "ok", "refused", "unauthorised", "throttled", "server_error", "unreachable", "timeout", "cut", "malformed"
]
"""How a request ended. `refused`: a status of 400 to 499 that will not change; `cut`: the connection ended within the
answer; `malformed`: what came is no answer of the protocol."""
PASSING: frozenset[Ending] = frozenset({"throttled", "server_error", "unreachable", "timeout", "cut"})
"""Endings that another attempt may not meet."""


@dataclass(frozen=True, slots=True)
class Ask:
    """One request, before it is sent."""

    path: str
    """Below the address."""
    body: Mapping[str, object]
    streams: bool


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens as the server counts them."""

    input_tokens: int
    output_tokens: int


@dataclass(slots=True)
class Exchange:
    """What came of one request; instants in nanoseconds of `perf_counter_ns`."""

    intended_ns: int
    """When it was to be sent; latency under load counts from here."""
    sent_ns: int
    """When it was handed to the connection."""
    end_ns: int = 0
    """When its last byte, or its failure, was there."""
    chunk_ns: list[int] = field(default_factory=list)
    """When each chunk with text came; a chunk need not be a token."""
    ending: Ending = "ok"
    status: int | None = None
    """Of HTTP; None where no headers came."""
    problem: str = ""
    """One line, without secrets; empty where all went well."""
    text: str = ""
    finish: str | None = None
    """Why the answer ended, as the server says: `stop`, `length`, …"""
    usage: Usage | None = None
    retry_after_s: float | None = None
    """How long the server asks to wait."""
    served_model: str | None = None
    """The name that the answer carries."""
    version: str | None = None
    """What the headers say of the server."""
    whole: Mapping[str, object] | None = None
    """The body of an answer that was not streamed."""
    unread: list[tuple[int, bytes]] = field(default_factory=list, repr=False)
    """Bytes of a stream with the instants at which they came, where they are to be read later."""

    @property
    def is_ok(self) -> bool:
        """Tell whether there is an answer."""
        return self.ending == "ok"

    @property
    def may_pass(self) -> bool:
        """Tell whether another attempt may go well."""
        return self.ending in PASSING

    @property
    def first_ns(self) -> int | None:
        """When the first text came; None without any."""
        return self.chunk_ns[0] if self.chunk_ns else None
