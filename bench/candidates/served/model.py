"""A model that is served, behind the interface of all models: every call is one or more requests.

What is scored is asked for as often as `retries` allows, and kept until the cell is stored. What is timed is sent once.
"""

from __future__ import annotations

import asyncio
import subprocess
import threading
import weakref
from collections.abc import Coroutine, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from bench.candidates.interface import (
    Classified,
    Context,
    Decoding,
    Generated,
    ModelFacts,
    OnToken,
    PartialModel,
    Scored,
)
from bench.candidates.joining import joined
from bench.candidates.kept import load_key
from bench.candidates.served import launch
from bench.candidates.served.api import Likelihood, Turn, Writing, asked, asked_likelihood, likelihood_of
from bench.candidates.served.client import Client
from bench.candidates.served.exchange import Ask, Exchange
from bench.candidates.served.keep import Answered, Answers, Spending, answered_of
from bench.candidates.served.patience import Patience
from bench.candidates.served.probe import Probed, probe, why_no_usage
from bench.errors import EndpointError, UnsupportedError
from bench.suite import EndpointSpec, ModelSpec, Shot, VariantSpec

T = TypeVar("T")
LIKELIHOOD_ABILITIES = frozenset({"classify", "choose", "log_likelihood"})
ELSEWHERE = (
    "the model runs in a process that bench did not start, whose {} it cannot read; give 'server.launch', and bench "
    "starts it"
)
WITHHELD = frozenset({"content_filter", "error", "abort"})
"""Why an answer ended, where it is none: OpenAI's filter, TGI's and vLLM's failures."""
NOT_COUNTED = "nobody knows how large a model behind an address is"


@dataclass
class Connection:
    """A client with its event loop, and the server where it was launched; closed when nobody holds it any more."""

    spec: EndpointSpec
    client: Client
    patience: Patience
    runner: asyncio.Runner
    ready_s: float | None = None
    """Seconds from the launch until the server was ready; None where it was not launched."""
    _closer: weakref.finalize[Any, Any] | None = field(default=None, repr=False)

    @classmethod
    def open(cls, spec: EndpointSpec, spending: Spending) -> Connection:
        """Make a connection; the server is launched where the suite says how.

        Raises:
            BenchError: there is no key, or the server does not start.
        """
        client, runner = Client(spec), asyncio.Runner()
        connection = cls(spec, client, Patience(client, spending), runner)
        launched: list[subprocess.Popen[bytes]] = []
        connection._closer = weakref.finalize(connection, _close, runner, client, launched)
        if spec.launch is None:
            return connection
        try:
            if runner.run(client.ready(spec.launch.ready)) is None:
                raise EndpointError(
                    f"something answers at {spec.url} before 'server.launch' has started anything; end it, or choose "
                    "another port"
                )
            launched.append(launch.start(spec.launch, Path(), spec.api_key_env))
            connection.ready_s = runner.run(launch.until_ready(client, launched[0], spec.launch))
        except BaseException:
            connection.close()
            raise
        return connection

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Do some work in the connection's event loop."""
        return self.runner.run(work)

    def close(self) -> None:
        """Close the connections, and end the server that was launched."""
        if self._closer is not None:
            self._closer()


def _close(runner: asyncio.Runner, client: Client, launched: Sequence[subprocess.Popen[bytes]]) -> None:
    """Close the connections and end what was launched, in a thread: the garbage collector, which calls this where
    nobody did before, may be at work within another event loop."""

    def close() -> None:
        runner.run(client.close())
        runner.close()

    try:
        closing = threading.Thread(target=close, name="endpoint-closing")
        closing.start()
        closing.join()
    finally:
        for process in launched:
            launch.end(process)


class Endpoint(PartialModel):
    """A model that answers over HTTP."""

    abilities = frozenset({"generate", "stream", "generate_many"})

    def __init__(self, spec: ModelSpec, variant: VariantSpec, context: Context) -> None:
        assert spec.server is not None
        if context.max_input_tokens is not None:
            raise UnsupportedError(
                f"model '{spec.name}' is served: nobody here can cut its inputs at {context.max_input_tokens} tokens; "
                "leave 'max_input_tokens' out of the task"
            )
        self.spec, self.endpoint, self.device = spec, spec.server, "cpu"
        keep = context.keep
        self.spending = Spending(spec.server, None if keep is None else keep.spending)
        self.answers = Answers(None if keep is None else keep.answers)
        """What is kept of the cell until its record is there."""
        self.connection = self._connected(spec, variant, context)
        self._label_texts = context.label_texts
        self.reads_turns = spec.server.api == "chat"
        self._before = turns_before(spec.system, context.shots) if self.reads_turns else ()
        self._remembers = False
        self.uncounted = 0
        """Answers whose tokens the server did not count."""
        self.answered = 0
        self.withheld = 0
        """Answers that the server says it did not finish or did not give: a filter, an error."""
        self.names: set[str] = set()
        """Names of the model in the answers."""
        try:
            self.probed = self._tried(context)
        except BaseException:
            if context.kept is None:
                self.connection.close()
            raise

    def _tried(self, context: Context) -> Probed:
        """Try what the server can do.

        Raises:
            UnsupportedError: not what the task needs.
        """
        needs_likelihood = context.ability in LIKELIHOOD_ABILITIES
        patience = self.connection.patience
        probed = self.connection.run(probe(self.endpoint, patience.answer, likelihood=needs_likelihood))
        if probed.likelihood is None:
            self.abilities = self.abilities | LIKELIHOOD_ABILITIES
            self.log_probabilities = True
        elif needs_likelihood:
            other = "; set 'scoring: {endpoint: generated}' to have labels written" if context.labels else ""
            raise UnsupportedError(f"model '{self.spec.name}': {probed.likelihood}{other}", self.abilities)
        return probed

    def _connected(self, spec: ModelSpec, variant: VariantSpec, context: Context) -> Connection:
        """Connect, or take the connection of the task before."""
        assert spec.server is not None
        endpoint, spending = spec.server, self.spending

        def load() -> Connection:
            return Connection.open(endpoint, spending)

        if context.kept is None:
            return load()
        connection = context.kept.obtain(load_key(Endpoint, spec, variant, context.device), load)
        connection.patience.spending = spending
        return connection

    def remember(self, on: bool, purpose: str = "") -> None:
        """Keep answers while they are scored, and take those that are kept; never while anything is timed.

        Args:
            on: whether to do it from now on.
            purpose: what they are asked for where that is not scoring: no answer serves two purposes.
        """
        self._remembers = on
        self.answers.restart(purpose)

    def generate(self, texts: Sequence[str], decoding: Decoding, on_token: OnToken | None = None) -> list[Generated]:
        """Have an answer written to each text, all at once; `on_token` is called for each chunk."""
        if self._remembers:
            return self.connection.run(self._all(texts, decoding))
        asks = [self.ask(text, decoding) for text in texts]
        exchanges = self.connection.run(self._sent(asks, on_token))
        return [self.generated(exchange, decoding) for exchange in exchanges]

    async def _all(self, texts: Sequence[str], decoding: Decoding) -> list[Generated]:
        results = await asyncio.gather(*(self._answer(text, decoding) for text in texts), return_exceptions=True)
        return _unbroken(results)

    async def _sent(self, asks: Sequence[Ask], on_token: OnToken | None) -> list[Exchange]:
        """Send requests once, together."""
        if on_token is not None:
            self.connection.client.on_chunk = on_token
        try:
            exchanges = await asyncio.gather(*map(self.connection.patience.once, asks))
        finally:
            self.connection.client.on_chunk = None
        for exchange in exchanges:
            self.connection.patience.check(exchange)
        return exchanges

    def generate_many(self, texts: Sequence[str], decoding: Decoding, rows: int) -> Iterator[tuple[int, Generated]]:
        """Have answers written; yield place and answer of each text as it ends; at most `rows` are under way."""
        waiting = iter(enumerate(texts))
        under_way: dict[asyncio.Task[Generated], int] = {}
        loop = self.connection.runner.get_loop()
        failed: BaseException | None = None
        while True:
            while failed is None and len(under_way) < rows and (following := next(waiting, None)) is not None:
                place, text = following
                under_way[loop.create_task(self._answer(text, decoding))] = place
            if not under_way:
                break
            done, _ = self.connection.run(_first_of(under_way))
            for task in sorted(done, key=under_way.__getitem__):
                place, error = under_way.pop(task), task.exception()
                if error is not None:
                    failed = failed or error  # the others are waited for: what they cost is spent
                else:
                    yield place, task.result()
        if failed is not None:
            raise failed

    async def _answer(self, text: str, decoding: Decoding) -> Generated:
        ask = self.ask(text, decoding)
        if not self._remembers:
            return self.generated(await self.connection.patience.answer(ask), decoding)
        key = self.answers.key(ask.body)
        kept = self.answers.find(key)
        answered = None if kept is None else answered_of(kept)
        if answered is None:
            answered = _answered(await self.connection.patience.answer(ask), decoding)
            self.answers.keep(key, answered.document())
        return self._noted(answered)

    def ask(self, text: str, decoding: Decoding) -> Ask:
        """Make the request that has a text answered."""
        if decoding.num_beams > 1:
            raise UnsupportedError(
                f"model '{self.spec.name}' is served, and has no search by beams; set num_beams to 1"
            )
        return asked(self.endpoint, text, Writing(decoding.max_new_tokens, decoding.stop, self._before))

    def generated(self, exchange: Exchange, decoding: Decoding) -> Generated:
        """Make an answer of what came; where the server does not count its tokens, its chunks are counted."""
        return self._noted(_answered(exchange, decoding))

    def _noted(self, answered: Answered) -> Generated:
        """Note what the server said of an answer, which came now or before."""
        self.answered += 1
        self.withheld += answered.finish in WITHHELD
        self.uncounted += not answered.counted
        self._note_name(answered.served_model)
        return answered.generated

    def _note_name(self, name: str | None) -> None:
        if name is not None:
            self.names.add(name)

    def classify(self, texts: Sequence[str]) -> list[Classified]:
        """Compute log P(label | text) in nats for every label, summed over the label's tokens."""
        return self.choose(texts, [self._label_texts] * len(texts))

    def choose(self, texts: Sequence[str], choices: Sequence[Sequence[str]]) -> list[Classified]:
        """Compute log P(choice | text) in nats: each choice is scored behind its text, in a request of its own."""
        pairs = [[joined(text, choice) for choice in own] for text, own in zip(texts, choices, strict=True)]
        flat = [prompt + choice for own in pairs for prompt, choice in own]
        scored = iter(self.connection.run(self._likelihoods(flat)))
        answers = []
        for own in pairs:
            parts = [next(scored) for _ in own]
            sums = [part.after(len(prompt)) for part, (prompt, _) in zip(parts, own, strict=True)]
            read = len(parts[0].tokens) - sums[0][1]
            answers.append(
                Classified(tuple(nats for nats, _ in sums), read, choice_tokens=tuple(count for _, count in sums))
            )
        return answers

    def log_likelihood(self, texts: Sequence[str]) -> list[Scored]:
        """Compute −log P of each text; its first token, before which the server sees nothing, is not scored."""
        answers = []
        for text, part in zip(texts, self.connection.run(self._likelihoods(texts)), strict=True):
            nats, count = part.after(0)
            first = 0 if part.nats[0] is not None else len(part.tokens[0].encode())
            answers.append(Scored(-nats, count, len(text.encode()) - first, len(part.tokens)))
        return answers

    async def _likelihoods(self, texts: Sequence[str]) -> list[Likelihood]:
        return _unbroken(await asyncio.gather(*map(self._likelihood, texts), return_exceptions=True))

    async def _likelihood(self, text: str) -> Likelihood:
        ask = asked_likelihood(self.endpoint, text)
        key = self.answers.key(ask.body) if self._remembers else None
        kept = None if key is None else self.answers.find(key)
        whole = (await self.connection.patience.answer(ask)).whole if kept is None else kept
        likelihood = likelihood_of(whole, text)
        if likelihood is None or whole is None:
            raise EndpointError(
                f"{self.endpoint.url}: an answer came without the log-probabilities of its prompt, though others have "
                "them; the text may be longer than the model reads"
            )
        name = whole.get("model")
        self._note_name(name if isinstance(name, str) else None)
        if key is not None and kept is None:
            self.answers.keep(key, {"choices": whole.get("choices"), "model": name})
        return likelihood

    def facts(self) -> ModelFacts:
        """Describe what is known of the model: its name, its server, and what was spent."""
        launched = self.endpoint.launch is not None
        spent: dict[str, object] = {
            "requests": self.spending.requests,
            "input_tokens": self.spending.input_tokens,
            "output_tokens": self.spending.output_tokens,
            "cost": self.spending.cost,
            "retried": dict(self.connection.patience.retried),
            "answers_kept_before": self.answers.reused,
            "uncounted": self.uncounted,
            "withheld": self.withheld,
            "answered": self.answered,
            "served_models": sorted({*self.names, *([self.probed.served_model] if self.probed.served_model else [])}),
        }
        notes = {"url": self.endpoint.url, "launched": launched, "ready_s": self.connection.ready_s, **spent}
        return ModelFacts(
            None,
            None,
            "served",
            uncounted=NOT_COUNTED,
            chunked=True,
            elsewhere=None if launched else ELSEWHERE.format("memory and energy"),
            notes={"server": notes | self.probed.note(self.endpoint.model)},
        )


def _answered(exchange: Exchange, decoding: Decoding) -> Answered:
    text = stopped(exchange.text, decoding.stop)
    usage = exchange.usage if why_no_usage(exchange, decoding.max_new_tokens) is None else None
    read, written = (0, len(exchange.chunk_ns)) if usage is None else (usage.input_tokens, usage.output_tokens)
    return Answered(Generated(text, read, written), exchange.finish, exchange.served_model, usage is not None)


def turns_before(system: str | None, shots: Sequence[Shot]) -> tuple[Turn, ...]:
    """Write the system prompt and the solved examples as turns of a conversation.

    >>> turns_before("Be brief.", [Shot(prompt="1 + 1", answer="2", id="a")])
    (('system', 'Be brief.'), ('user', '1 + 1'), ('assistant', '2'))
    """
    first: list[Turn] = [] if system is None else [("system", system)]
    for shot in shots:
        first += [("user", shot.prompt), ("assistant", shot.answer)]
    return tuple(first)


def _unbroken(results: Sequence[T | BaseException]) -> list[T]:
    """Pass on the results of requests that were all waited for, what they cost being spent; raise the first failure."""
    for result in results:
        if isinstance(result, BaseException):
            raise result
    return [result for result in results if not isinstance(result, BaseException)]


async def _first_of(tasks: Sequence[asyncio.Task[T]] | dict[asyncio.Task[T], int]) -> Any:
    return await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)


def stopped(text: str, stops: Sequence[str]) -> str:
    """Cut a text at the first stop text, as every decoder of bench does.

    >>> stopped(" a b; c ", (";",))
    'a b'
    """
    places = [place for place in (text.find(stop) for stop in stops) if place >= 0]
    return (text[: min(places)] if places else text).strip()
