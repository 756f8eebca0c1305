"""What a server can do, tried and not believed: a few requests before anything is scored.

Some servers answer without log-probabilities when they are asked for them, count chunks as tokens, or leave stop texts
out. A task by likelihood would then score at chance, silently.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from bench.candidates.served.api import Likelihood, Writing, asked, asked_likelihood, likelihood_of
from bench.candidates.served.exchange import Ask, Exchange
from bench.errors import EndpointError
from bench.suite import EndpointSpec

KNOWN = "The quick brown fox jumps over the lazy dog. One two three four five six seven eight"
"""A text that every model of English continues."""
OTHER = "The quick brown fox walked around the old dog. One two three four five six seven eight"
PROBE_TOKENS = 8
SHORTEST_STOP = 2
"""Characters of a text that is tried as a stop."""

Send = Callable[[Ask], Awaitable[Exchange]]


@dataclass(frozen=True, slots=True)
class Probed:
    """What a server does."""

    usage: str | None
    """Why its count of tokens is not taken; None where it is."""
    stops: bool | None
    """Whether a stop text ends an answer there; None where the probe's answer was too short to tell."""
    repeats: bool
    """Whether the same request got the same answer twice."""
    streams: bool
    """Whether the answer came in more than one chunk."""
    tokens_per_chunk: float | None
    """Tokens by its own count over chunks; None where it does not count."""
    likelihood: str | None
    """Why the log-probabilities of a prompt are not to be had; None where they are."""
    served_model: str | None
    """The name of the model in its answers."""
    version: str | None
    """What its headers say of it."""

    def note(self, asked_model: str) -> dict[str, object]:
        """Describe it for the record."""
        return {
            "usage": self.usage or "counted by the server",
            "stops": self.stops,
            "repeats": self.repeats,
            "streams": self.streams,
            "tokens_per_chunk": self.tokens_per_chunk,
            "prompt_log_probabilities": self.likelihood or "come back",
            "asked_model": asked_model,
            "served_model": self.served_model,
            "software": self.version,
        }


async def probe(spec: EndpointSpec, send: Send, *, likelihood: bool) -> Probed:
    """Try a server.

    Args:
        spec: of the endpoint.
        send: sends a request, again where that may help.
        likelihood: whether the task needs log-probabilities of the prompt, which cost two more requests.

    Raises:
        EndpointError: it does not answer, or cannot be asked so.
    """
    ask = asked(spec, KNOWN, Writing(PROBE_TOKENS))
    first, second = await send(ask), await send(ask)
    stops = await _stops(spec, send, first)
    usage = why_no_usage(first, PROBE_TOKENS)
    if usage is not None and spec.budget is not None and spec.budget.max_cost is not None:
        raise EndpointError(
            f"{spec.url}: {usage}, so that 'server.budget.max_cost' cannot be kept; give 'max_requests' instead"
        )
    counted = first.usage.output_tokens if first.usage is not None and usage is None else None
    return Probed(
        usage=usage,
        stops=stops,
        repeats=first.text == second.text,
        streams=len(first.chunk_ns) > 1,
        tokens_per_chunk=counted / len(first.chunk_ns) if counted and first.chunk_ns else None,
        likelihood=await why_no_likelihood(spec, send) if likelihood else "not asked for",
        served_model=first.served_model,
        version=first.version,
    )


def why_no_usage(exchange: Exchange, most_tokens: int) -> str | None:
    """Explain why a server's count of tokens is not taken; None where it is."""
    if exchange.usage is None:
        return "the server does not count its tokens ('usage' is missing)"
    if exchange.usage.output_tokens > most_tokens:
        return (
            f"the server counts {exchange.usage.output_tokens:,} tokens ('usage') where {most_tokens:,} were asked for "
            "at most"
        )
    if exchange.text and not exchange.usage.output_tokens:
        return "the server counts no token ('usage') of an answer that has some"
    return None


async def _stops(spec: EndpointSpec, send: Send, first: Exchange) -> bool | None:
    """Ask once more with a stop text that is in the answer."""
    text = first.text
    middle = text[len(text) // 2 :].strip()[: SHORTEST_STOP + 1]
    if len(middle) < SHORTEST_STOP or "\n" in middle:
        return None
    stopped = await send(asked(spec, KNOWN, Writing(PROBE_TOKENS, (middle,))))
    return middle not in stopped.text and stopped.text.strip() != text.strip()


async def why_no_likelihood(spec: EndpointSpec, send: Send) -> str | None:
    """Score two known texts, and explain why that gives no log-probabilities; None where it does."""
    if spec.api == "chat":
        return (
            "a chat endpoint gives no log-probabilities of the prompt; use 'api: completions' where the server has it"
        )
    try:
        pair = [likelihood_of((await send(asked_likelihood(spec, text))).whole, text) for text in (KNOWN, OTHER)]
    except EndpointError as error:
        return f"the server refuses to give log-probabilities of the prompt ({error})"
    if any(scored is None for scored in pair):
        return (
            "the server answers without the log-probabilities of the prompt that it was asked for ('echo', 'logprobs')"
        )
    return _impossible([scored for scored in pair if scored is not None])


def _impossible(pair: list[Likelihood]) -> str | None:
    values = [nats for scored in pair for nats in scored.nats if nats is not None]
    if not values or max(values) > 0.0 or min(values) == max(values):
        return "what the server gives for log-probabilities of the prompt are none: they are all equal, or above 0"
    if pair[0].after(0)[0] == pair[1].after(0)[0]:
        return "the server gives two different texts the same likelihood"
    return None
