"""The two interfaces of OpenAI's protocol: what is asked of a server, and what its answers say. Nothing is sent here.

Source: the reference of OpenAI's API, "Create completion" and "Create chat completion", as vLLM, SGLang, TGI, llama.cpp
and transformers serve them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bench.candidates.served.exchange import Ask, Usage
from bench.suite import EndpointSpec

MOST_STOPS = 4
"""Stop texts that servers take; of more, answers are cut here."""
MAX_COUNT = 2**53


@dataclass(frozen=True, slots=True)
class Piece:
    """What one chunk adds to an answer."""

    text: str = ""
    is_token: bool = False
    """Whether anything was generated: a model that thinks aloud does it before its answer."""
    finish: str | None = None
    usage: Usage | None = None
    model: str | None = None
    problem: str | None = None
    """What went wrong within the stream."""


Turn = tuple[str, str]
"""Who speaks (`system`, `user`, `assistant`), and what is said."""


@dataclass(frozen=True, slots=True)
class Writing:
    """How an answer is to be written."""

    max_tokens: int
    stop: tuple[str, ...] = ()
    before: tuple[Turn, ...] = ()
    """Turns of the conversation before the prompt, for the interface that reads turns."""


def asked(spec: EndpointSpec, prompt: str, writing: Writing, *, streams: bool = True) -> Ask:
    """Make the request that has a prompt answered."""
    body: dict[str, object] = {"model": spec.model, "max_tokens": writing.max_tokens, "temperature": spec.temperature}
    if spec.api == "chat":
        turns = (*writing.before, ("user", prompt))
        body["messages"] = [{"role": role, "content": content} for role, content in turns]
    else:
        body["prompt"] = prompt
    if spec.seed is not None:
        body["seed"] = spec.seed
    if writing.stop:
        body["stop"] = list(writing.stop[:MOST_STOPS])
    if streams:
        body |= {"stream": True, "stream_options": {"include_usage": True}}
    return Ask("chat/completions" if spec.api == "chat" else "completions", body | spec.extra, streams)


def asked_likelihood(spec: EndpointSpec, text: str) -> Ask:
    """Make the request that has the tokens of a text scored: nothing of use is generated, the prompt comes back."""
    body = {"model": spec.model, "prompt": text, "max_tokens": 1, "temperature": 0.0, "echo": True, "logprobs": 1}
    return Ask("completions", body, streams=False)


def piece_of(spec: EndpointSpec, value: object) -> Piece:
    """Read one chunk, or a whole answer; what is missing or of another type counts for nothing."""
    chunk: Mapping[str, Any] = value if isinstance(value, dict) else {}
    error = chunk.get("error")
    if error:
        return Piece(problem=message_of(chunk))
    text, finish, is_token = "", None, False
    for choice in _entries(chunk.get("choices")):
        said, thought = _said(spec, choice)
        text += said
        is_token = is_token or bool(said or thought)
        finish = choice.get("finish_reason") if isinstance(choice.get("finish_reason"), str) else finish
    model = chunk.get("model")
    usage = usage_of(chunk.get("usage"))
    return Piece(text, is_token, finish, usage, model if isinstance(model, str) else None)


def _said(spec: EndpointSpec, choice: Mapping[str, Any]) -> tuple[str, str]:
    """Find the text of a choice, and what the model thought aloud."""
    if spec.api == "completions":
        return _text(choice.get("text")), ""
    spoken = choice.get("delta") if isinstance(choice.get("delta"), dict) else choice.get("message")
    part: Mapping[str, Any] = spoken if isinstance(spoken, dict) else {}
    return _text(part.get("content")), _text(part.get("reasoning_content")) or _text(part.get("reasoning"))


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _entries(value: object) -> list[Mapping[str, Any]]:
    first = value[:1] if isinstance(value, list) else []  # one answer is asked for
    return [entry for entry in first if isinstance(entry, dict)]


def usage_of(value: object) -> Usage | None:
    """Read what a server says that it counted; None where that is no count."""
    counted: Mapping[str, object] = value if isinstance(value, dict) else {}
    numbers = [counted.get("prompt_tokens"), counted.get("completion_tokens", 0)]
    good = [number for number in numbers if type(number) is int and 0 <= number <= MAX_COUNT]
    return Usage(*good) if len(good) == 2 else None


def message_of(value: object) -> str:
    """Find the message of an error in its body, in one line."""
    body: Mapping[str, Any] = value if isinstance(value, dict) else {}
    error = body.get("error", body.get("detail", body.get("message", "")))
    message = error.get("message", "") if isinstance(error, dict) else error
    return " ".join(str(message).split())[:200]


@dataclass(frozen=True, slots=True)
class Likelihood:
    """The tokens of a text with their log-probabilities, as a server gave them."""

    tokens: tuple[str, ...]
    nats: tuple[float | None, ...]
    """None for a first token, before which there is nothing."""
    starts: tuple[int, ...]
    """Character at which each token begins."""

    def after(self, character: int) -> tuple[float, int]:
        """Sum the log-probabilities of the tokens that reach beyond a character; returns nats and tokens."""
        ends = (*self.starts[1:], sum(map(len, self.tokens)))
        chosen = [nats for nats, end in zip(self.nats, ends, strict=True) if end > character and nats is not None]
        return sum(chosen), len(chosen)


def likelihood_of(value: object, text: str) -> Likelihood | None:
    """Read the log-probabilities of a text's own tokens; None where they did not come back, or are of another text."""
    body: Mapping[str, Any] = value if isinstance(value, dict) else {}
    choice = next(iter(_entries(body.get("choices"))), {})
    held = choice.get("logprobs")
    given: Mapping[str, Any] = held if isinstance(held, dict) else {}
    tokens, nats = given.get("tokens"), given.get("token_logprobs")
    if not isinstance(tokens, list) or not isinstance(nats, list) or len(tokens) != len(nats):
        return None
    return _aligned(tokens, nats, text)


def _aligned(tokens: Sequence[object], nats: Sequence[object], text: str) -> Likelihood | None:
    """Keep the tokens that spell the text; what was generated behind it is left out."""
    kept: list[str] = []
    values: list[float | None] = []
    starts: list[int] = []
    place = 0
    for token, value in zip(tokens, nats, strict=True):
        if place >= len(text):
            break
        if not isinstance(token, str) or not text.startswith(token, place):
            return None
        if value is not None and (not isinstance(value, (int, float)) or isinstance(value, bool)):
            return None
        kept.append(token)
        starts.append(place)
        values.append(None if value is None else float(value))
        place += len(token)
    whole = place == len(text) and None not in values[1:] and bool(kept)
    return Likelihood(tuple(kept), tuple(values), tuple(starts)) if whole else None
