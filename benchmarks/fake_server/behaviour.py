"""What the server does: service times, the queue, stalls and faults, all in virtual time.

The instants of a request follow from its arrival and from the requests before it alone, so that nothing that the
machine does to the server's process moves the truth.
"""

from __future__ import annotations

import enum
import heapq
import random
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Literal

WORD = re.compile(r"\s*\S+")
"""A token of this server: a word with the white space before it."""


class Fault(enum.Enum):
    """What may go wrong with an answer."""

    ERROR_500 = enum.auto()
    ERROR_400 = enum.auto()
    THROTTLED = enum.auto()
    """Status 429 with `Retry-After`."""
    REFUSED = enum.auto()
    """The connection is closed without an answer."""
    CUT = enum.auto()
    """The connection is closed after half of the tokens."""
    SLOW_HEADERS = enum.auto()
    """The headers come `slow_s` late."""
    SILENT = enum.auto()
    """Nothing comes after the first token, and the connection stays."""
    WRONG_USAGE = enum.auto()
    """`usage` counts a thousand tokens more than there are."""
    NO_USAGE = enum.auto()
    FILTERED = enum.auto()
    """The answer ends by a filter, as its `finish_reason` alone says."""
    INVALID_UTF8 = enum.auto()
    """A token holds bytes that are no UTF-8."""
    DUPLICATED = enum.auto()
    """Every chunk comes twice, with the same id and the same choice, the second empty of text."""
    EMPTY_CHUNKS = enum.auto()
    """Chunks without text stand between the tokens, and comments of the protocol."""
    TWO_TOKENS_A_CHUNK = enum.auto()
    HUGE = enum.auto()
    """An answer of `huge_bytes` in one line."""
    HOSTILE = enum.auto()
    """An answer with escapes of terminals, markup and separators of lines."""
    NO_JSON = enum.auto()
    """A chunk that is no JSON."""
    ERROR_IN_STREAM = enum.auto()
    """An error in the midst of a stream whose status was 200."""
    REDIRECT = enum.auto()


HOSTILE_TEXT = "\x1b[2J<script>alert(1)</script>\u2028\u202e =1+1 \u0000"


@dataclass(frozen=True, slots=True)
class Law:
    """How long a piece of work takes."""

    mean_s: float
    kind: Literal["constant", "exponential"] = "constant"

    def draw(self, rng: random.Random) -> float:
        """Draw a time; seconds."""
        return rng.expovariate(1 / self.mean_s) if self.kind == "exponential" and self.mean_s else self.mean_s


@dataclass(frozen=True, slots=True)
class Truth:
    """What the server did with one request: seconds of the machine's monotonic clock."""

    number: int
    arrived_s: float
    began_s: float
    """When its service began; later than the arrival where it waited."""
    token_s: tuple[float, ...]
    """When each token was due."""
    prompt: str

    @property
    def waited_s(self) -> float:
        """The time in the queue."""
        return self.began_s - self.arrived_s


@dataclass(slots=True)
class Behaviour:
    """All that the server does; a test changes it while the server runs."""

    first: Law = field(default_factory=lambda: Law(0.0))
    """From the beginning of the service to the first token."""
    gap: Law = field(default_factory=lambda: Law(0.0))
    """Between tokens."""
    tokens: int | None = None
    """Tokens of every answer; by default as many as the answer to the prompt has."""
    servers: int | None = None
    """How many requests are served at a time, the others wait in their order; None for all."""
    stall_at_s: float | None = None
    """Seconds after the first request at which all work stops."""
    stall_s: float = 0.0
    faults: Mapping[int, Fault] = field(default_factory=dict)
    """By the number of the request of an answer, 0 first."""
    fault: Fault | None = None
    """Of all requests."""
    marked: Mapping[str, Fault] = field(default_factory=dict)
    """Of requests whose prompt holds a text."""
    key: str | None = None
    """Without it in the header `Authorization` a request is refused."""
    expires_after: int | None = None
    """The key is good for so many answers."""
    echoes: bool = True
    """Whether the log-probabilities of a prompt come back where they are asked for."""
    retry_after: str = "0"
    slow_s: float = 0.2
    huge_bytes: int = 1 << 22
    answer: Callable[[str], str] | None = None
    """Of a prompt; by default words made from it."""
    seed: int = 42
    truths: list[Truth] = field(default_factory=list)
    """Of every request that was answered, in their order."""
    bodies: list[Mapping[str, object]] = field(default_factory=list)
    """Of every request for an answer."""
    headers: list[Mapping[str, str]] = field(default_factory=list)
    _free: list[float] = field(default_factory=list)
    _begun_s: float | None = None
    _rng: random.Random | None = None

    def fault_of(self, number: int, prompt: str) -> Fault | None:
        """Tell what goes wrong with a request."""
        by_text = (fault for text, fault in self.marked.items() if text in prompt)
        return self.faults.get(number) or next(by_text, None) or self.fault

    def serve(self, number: int, arrived_s: float, prompt: str, tokens: int) -> Truth:
        """Work out the instants of a request, which arrives after all that were served before."""
        self._rng = self._rng or random.Random(self.seed)
        self._begun_s = arrived_s if self._begun_s is None else self._begun_s
        began = self._beginning(arrived_s)
        instants, now = [], began
        for place in range(tokens):
            now = self._advanced(now, (self.first if place == 0 else self.gap).draw(self._rng))
            instants.append(now)
        if self.servers is not None:
            heapq.heappush(self._free, now)
        truth = Truth(number, arrived_s, began, tuple(instants), prompt)
        self.truths.append(truth)
        return truth

    def _beginning(self, arrived_s: float) -> float:
        if self.servers is None or len(self._free) < self.servers:
            return self._advanced(arrived_s, 0.0)
        return self._advanced(max(arrived_s, heapq.heappop(self._free)), 0.0)

    def _advanced(self, now: float, work_s: float) -> float:
        """Add work to an instant; during a stall nothing is done."""
        if self.stall_at_s is None or self._begun_s is None:
            return now + work_s
        stops = self._begun_s + self.stall_at_s
        goes_on = stops + self.stall_s
        if stops <= now < goes_on:
            return goes_on + work_s
        return now + work_s + (self.stall_s if now < stops < now + work_s else 0.0)


def answer_to(prompt: str) -> str:
    """Make a text of a prompt: its last words, backwards, behind a word that only this prompt has.

    >>> answer_to("a b c")
    ' w0e9 c b a'
    """
    words = prompt.split()[-7:]
    return "".join(f" {word}" for word in (f"w{sha256(prompt.encode()).hexdigest()[:3]}", *reversed(words)))


def tokens_of(text: str) -> list[str]:
    """Split a text into words with the white space before each.

    >>> tokens_of("a  bc d ")
    ['a', '  bc', ' d', ' ']
    """
    pieces = WORD.findall(text)
    rest = text[sum(map(len, pieces)) :]
    return [*pieces, rest] if rest else pieces


def log_probability(before: str, token: str) -> float:
    """Make up the log-probability of a token, in nats: the same for the same text, from -8 to -0.1."""
    number = int.from_bytes(sha256(f"{before[-20:]}|{token}".encode()).digest()[:4], "big")
    return -0.1 - 7.9 * number / 2**32


def scored(text: str) -> list[tuple[str, float | None]]:
    """Score every token of a text, the first without anything before it not."""
    tokens = tokens_of(text)
    before = ["".join(tokens[:place]) for place in range(len(tokens))]
    pairs: Sequence[tuple[str, str]] = list(zip(before, tokens, strict=True))
    return [(token, log_probability(past, token) if past else None) for past, token in pairs]
