"""Whatever a server does, one request ends in one exchange that says so, within its time and without the key."""

from __future__ import annotations

import asyncio

import pytest

from bench.candidates.served.api import Writing, asked
from bench.candidates.served.client import Client
from bench.candidates.served.events import Events, EventsError
from bench.candidates.served.exchange import Exchange
from bench.errors import EnvironmentLackError
from benchmarks.fake_server import Fake, Fault, Law
from benchmarks.fake_server.behaviour import HOSTILE_TEXT
from tests.served.conftest import KEY, KEY_VARIABLE, endpoint_of

WHOLE = {None, Fault.SLOW_HEADERS, Fault.WRONG_USAGE, Fault.NO_USAGE, Fault.DUPLICATED, Fault.EMPTY_CHUNKS}
WHOLE |= {Fault.TWO_TOKENS_A_CHUNK}
ENDINGS = {
    Fault.ERROR_500: "server_error",
    Fault.ERROR_400: "refused",
    Fault.THROTTLED: "throttled",
    Fault.REFUSED: "unreachable",
    Fault.CUT: "cut",
    Fault.SILENT: "timeout",
    Fault.HUGE: "malformed",
    Fault.NO_JSON: "malformed",
    Fault.ERROR_IN_STREAM: "server_error",
    Fault.REDIRECT: "refused",
}


def exchanged(fake: Fake, prompt: str = "a b c", **keys: object) -> Exchange:
    async def once() -> Exchange:
        spec = endpoint_of(fake.url, **keys)
        async with Client(spec) as client:
            return await client.send(asked(spec, prompt, Writing(8)))

    return asyncio.run(once())


@pytest.mark.parametrize("api", ["completions", "chat"])
@pytest.mark.parametrize("fault", [None, *Fault], ids=lambda fault: "none" if fault is None else fault.name)
def test_every_fault_ends_in_an_exchange_that_names_it(fake: Fake, fault: Fault | None, api: str) -> None:
    fake.behaviour.fault, fake.behaviour.slow_s = fault, 0.02
    exchange = exchanged(fake, api=api)
    assert exchange.ending == ENDINGS.get(fault, "ok") if fault else exchange.is_ok
    assert exchange.is_ok == (not exchange.problem)
    assert exchange.sent_ns <= exchange.end_ns
    if fault in WHOLE:
        assert exchange.text.split() == ["w0e9", "c", "b", "a"]
        assert len(exchange.chunk_ns) == (2 if fault is Fault.TWO_TOKENS_A_CHUNK else 4)
    if fault is Fault.HOSTILE:
        assert exchange.text == HOSTILE_TEXT
    if fault is Fault.INVALID_UTF8:
        assert "\ufffd" in exchange.text


@pytest.mark.parametrize("fault", [None, *Fault], ids=lambda fault: "none" if fault is None else fault.name)
def test_what_is_read_later_is_what_is_read_at_once(fake: Fake, fault: Fault | None) -> None:
    """Under load streams are only stamped while they come; nothing else about them changes."""
    fake.behaviour.fault, fake.behaviour.slow_s = fault, 0.02

    async def both() -> list[Exchange]:
        spec, exchanges = endpoint_of(fake.url), []
        for later in (False, True):
            async with Client(spec) as client:
                client.reads_later = later
                exchanges.append(await client.send(asked(spec, "a b c", Writing(8))))
                client.read(exchanges[-1])
        return exchanges

    at_once, later = asyncio.run(both())
    assert (later.ending, later.text, later.finish, later.usage) == (
        at_once.ending,
        at_once.text,
        at_once.finish,
        at_once.usage,
    )
    assert len(later.chunk_ns) == len(at_once.chunk_ns) and not later.unread
    assert later.chunk_ns == sorted(later.chunk_ns) and all(stamp <= later.end_ns for stamp in later.chunk_ns)


def test_a_chunk_is_stamped_after_it_was_due_and_counts_from_when_it_was_intended(fake: Fake) -> None:
    fake.behaviour.first, fake.behaviour.gap = Law(0.03), Law(0.01)
    exchange = exchanged(fake)
    (truth,) = fake.behaviour.truths
    assert len(exchange.chunk_ns) == len(truth.token_s) == 4
    assert all(stamp / 1e9 >= due for stamp, due in zip(exchange.chunk_ns, truth.token_s, strict=True))
    assert exchange.sent_ns / 1e9 <= truth.arrived_s


def test_no_server_is_unreachable() -> None:
    spec = endpoint_of("http://127.0.0.1:9/v1")

    async def once() -> Exchange:
        async with Client(spec) as client:
            return await client.send(asked(spec, "a", Writing(1)))

    exchange = asyncio.run(once())
    assert exchange.ending == "unreachable" and exchange.status is None and exchange.may_pass


def test_the_key_is_sent_and_never_shown(fake: Fake, key: str) -> None:
    fake.behaviour.key = key
    assert exchanged(fake, api_key_env=KEY_VARIABLE).is_ok
    fake.behaviour.key = "another"
    refused = exchanged(fake, api_key_env=KEY_VARIABLE)
    assert refused.ending == "unauthorised" and "Incorrect API key" in refused.problem
    assert KEY not in repr(refused)


def test_a_server_that_writes_the_key_is_not_repeated(fake: Fake, key: str) -> None:
    fake.behaviour.answer = lambda prompt: f"your key is {KEY} indeed"
    assert KEY not in exchanged(fake, api_key_env=KEY_VARIABLE).text


@pytest.mark.parametrize("value", ["", "  ", "kéy", "a\nb"])
def test_a_key_that_is_none_is_told_by_its_variable(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv(KEY_VARIABLE, value)
    with pytest.raises(EnvironmentLackError, match=KEY_VARIABLE):
        Client(endpoint_of("http://127.0.0.1:9/v1", api_key_env=KEY_VARIABLE))


def test_events_do_not_depend_on_how_the_bytes_are_cut() -> None:
    whole = 'data: {"a": "é"}\r\n\r\n: ping\nevent: x\ndata: 1\ndata:2\n\ndata: [DONE]\n\n'.encode()
    expected = Events().feed(whole)
    assert expected == ['{"a": "é"}', "1\n2", "[DONE]"]
    for size in (1, 2, 3, 7):
        events = Events()
        pieces = [whole[start : start + size] for start in range(0, len(whole), size)]
        assert [data for piece in pieces for data in events.feed(piece)] == expected


def test_a_line_that_never_ends_is_given_up() -> None:
    events = Events()
    with pytest.raises(EventsError):
        for _ in range(20):
            events.feed(b"x" * (1 << 20))
