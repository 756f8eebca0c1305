"""A served model behind the interface of all models: what it can do is tried, what it costs is counted and kept."""

from __future__ import annotations

import math
import threading
from dataclasses import replace
from pathlib import Path

import pytest

from bench.candidates.interface import Decoding
from bench.candidates.kept import Keep
from bench.data.base import Example
from bench.errors import EndpointError, UnsupportedError
from bench.measure.audit import compare
from bench.suite import DataSpec, Shot, TaskSpec
from bench.tasks import KINDS
from bench.tasks.base import Bound
from benchmarks.fake_server import Fake, Fault, Law
from benchmarks.fake_server.behaviour import answer_to, scored
from tests.contract.makers import HOSTILE
from tests.served.conftest import connect

EIGHT = Decoding(max_new_tokens=8)
PROMPTS = [f"question {number} of ten" for number in range(10)]
PROBES = 3
"""Requests of the probe where no likelihood is asked for."""


def keep_of(folder: Path) -> Keep:
    return Keep(folder / "answers.jsonl", folder / "run" / "served.txt")


@pytest.mark.parametrize("api", ["completions", "chat"])
def test_answers_come_back_to_their_prompts_with_the_servers_counts(fake: Fake, api: str) -> None:
    model = connect(fake, api=api)
    answers = dict(model.generate_many(PROMPTS, EIGHT, rows=4))
    assert [answers[place].text for place in range(10)] == [answer_to(prompt).strip() for prompt in PROMPTS]
    assert {(answer.input_tokens, answer.output_tokens) for answer in answers.values()} == {(4, 5)}
    assert [answer.text for answer in model.generate(PROMPTS[:2], EIGHT)] == [answers[0].text, answers[1].text]


def test_a_served_model_keeps_the_contract(fake: Fake) -> None:
    """Nothing, order, batches, hostile texts, and twice the same; what `tests.contract` holds the other families to."""
    model = connect(fake, api="chat")
    texts = [*PROMPTS, *HOSTILE]
    together = model.generate(texts, EIGHT)
    assert [answer.text for answer in together] == [answer_to(text).strip() for text in texts]
    assert [model.generate([text], EIGHT)[0].text for text in texts] == [answer.text for answer in together]
    assert model.generate(texts[::-1], EIGHT)[::-1] == together == model.generate(texts, EIGHT)
    assert model.generate([], EIGHT) == []
    with pytest.raises(UnsupportedError, match="max_input_tokens"):  # nobody here could count what is cut
        connect(fake, max_input_tokens=8)
    (long,) = model.generate([" ".join(["boxes"] * 2000)], EIGHT)
    assert not long.truncated and long.input_tokens >= 2000


def test_a_served_model_takes_one_thread_however_many_requests_are_under_way(fake: Fake) -> None:
    model = connect(fake)
    model.generate(PROMPTS[:1], EIGHT)
    before, most = threading.active_count(), 0
    fake.behaviour.first = Law(0.01)
    for _ in model.generate_many(PROMPTS * 3, EIGHT, rows=10):
        most = max(most, threading.active_count())
    assert 0 < most <= before


def test_timed_answers_of_a_served_model_are_those_that_were_scored(fake: Fake) -> None:
    """The audit, which finds a server that answers a request on its own otherwise than among others."""
    task = TaskSpec(name="asked", kind="question-answering", data=DataSpec(builtin="pydocs"), max_new_tokens=8)
    rows = [
        Example(place, f"e{place}", {"question": text, "answers": [answer_to(text)]})
        for place, text in enumerate(PROMPTS)
    ]
    bound = Bound(connect(fake), tuple(rows), (), "{question}", "generated", ())
    work, every = KINDS.find(task.kind).workload(task, bound), range(len(rows))
    scored_once = work.samples(every, work.request(every)(None))
    timed = [sample for place in every for sample in work.samples([place], work.request([place])(None))]
    other = [replace(timed[0], prediction="of another"), *timed[1:]]
    audits = [compare(own, scored_once, "float32") for own in (timed, other)]
    assert [(audit.compared, audit.differing) for audit in audits] == [(len(rows), 0), (len(rows), 1)]


def test_no_more_than_the_rows_are_under_way(fake: Fake) -> None:
    model = connect(fake)
    fake.behaviour.first, before = Law(0.01), len(fake.behaviour.truths)
    list(model.generate_many(PROMPTS, EIGHT, rows=3))
    spans = [(truth.arrived_s, truth.token_s[-1]) for truth in fake.behaviour.truths[before:]]
    most = max(sum(start <= moment < end for start, end in spans) for moment, _ in spans)
    assert 1 < most <= 3


def test_every_chunk_is_told_once_it_is_there(fake: Fake) -> None:
    seen: list[int] = []
    (answer,) = connect(fake).generate(PROMPTS[:1], EIGHT, lambda: seen.append(1))
    assert len(seen) == answer.output_tokens == 5


def test_stop_texts_and_the_limit_of_tokens_hold(fake: Fake) -> None:
    model = connect(fake)
    (short,) = model.generate(["a b c"], Decoding(max_new_tokens=2))
    (ended,) = model.generate(["a b c"], Decoding(max_new_tokens=8, stop=("b",)))
    assert (short.text, short.output_tokens) == ("w0e9 c", 2) and ended.text == "w0e9 c"
    assert model.probed.stops is True


def test_log_probabilities_are_those_of_the_server(fake: Fake) -> None:
    model = connect(fake, "choose")
    (answer,) = model.choose(["a b "], [["red", "dark blue"]])
    red, blue = (dict(scored(text)) for text in ("a b red", "a b dark blue"))
    assert answer.scores == pytest.approx((red[" red"], blue[" dark"] + blue[" blue"]))
    assert answer.choice_tokens == (1, 2) and answer.input_tokens == 2
    (text,) = model.log_likelihood(["a bc d"])
    assert text.nll == pytest.approx(-sum(nats for _, nats in scored("a bc d") if nats is not None))
    assert (text.scored_tokens, text.scored_bytes) == (2, 5)


def test_likelihood_that_silently_does_not_come_back_is_unsupported(fake: Fake) -> None:
    fake.behaviour.echoes = False
    with pytest.raises(UnsupportedError) as refused:
        connect(fake, "log_likelihood")
    assert refused.value.abilities is not None and "log_likelihood" not in refused.value.abilities
    with pytest.raises(UnsupportedError):
        connect(fake, "choose", api="chat")


def test_a_server_that_does_not_count_has_its_chunks_counted(fake: Fake) -> None:
    for fault in (Fault.NO_USAGE, Fault.WRONG_USAGE):
        fake.behaviour.fault = fault
        model = connect(fake)
        (answer,) = model.generate(PROMPTS[:1], EIGHT)
        assert answer.output_tokens == 5 and model.uncounted == 1 and model.probed.usage


def test_what_varies_is_found(fake: Fake) -> None:
    numbers = iter(range(100))
    fake.behaviour.answer = lambda prompt: f" answer {next(numbers)}"
    assert connect(fake).probed.repeats is False


def test_errors_that_pass_are_retried_and_counted_and_the_others_are_not(fake: Fake) -> None:
    model = connect(fake)
    fake.behaviour.faults = {PROBES: Fault.ERROR_500, PROBES + 1: Fault.THROTTLED, PROBES + 2: Fault.REFUSED}
    ((_, answer),) = model.generate_many(PROMPTS[:1], EIGHT, rows=1)
    assert answer.output_tokens == 5
    assert model.connection.patience.retried == {"server_error": 1, "throttled": 1, "unreachable": 1}
    fake.behaviour.faults = {fake.answered: Fault.ERROR_400}
    with pytest.raises(EndpointError, match="status 400"):
        list(model.generate_many(PROMPTS[:1], EIGHT, rows=1))


def test_a_server_that_asks_for_a_longer_wait_is_not_waited_for(fake: Fake) -> None:
    model = connect(fake)
    fake.behaviour.fault, fake.behaviour.retry_after = Fault.THROTTLED, "3600"
    with pytest.raises(EndpointError, match="max_retry_wait"):
        list(model.generate_many(PROMPTS[:1], EIGHT, rows=1))


def test_a_timed_request_is_sent_once(fake: Fake) -> None:
    model = connect(fake)
    fake.behaviour.fault, before = Fault.ERROR_500, fake.answered
    with pytest.raises(EndpointError):
        model.generate(PROMPTS[:1], EIGHT)
    assert fake.answered == before + 1


def test_what_was_answered_is_not_asked_again(fake: Fake, tmp_path: Path) -> None:
    model = connect(fake, keep=keep_of(tmp_path), retries=0)
    fake.behaviour.faults = {PROBES: Fault.FILTERED, PROBES + 1: Fault.WRONG_USAGE, PROBES + 6: Fault.ERROR_500}
    model.remember(True)
    with pytest.raises(EndpointError):
        list(model.generate_many(PROMPTS, EIGHT, rows=2))
    before = fake.answered
    with (tmp_path / "answers.jsonl").open("a") as stream:
        stream.write('{"key": "cut in the mid')
    again = connect(fake, keep=keep_of(tmp_path))
    again.remember(True)
    answers = dict(again.generate_many(PROMPTS, EIGHT, rows=2))
    assert [answers[place].text for place in range(10)] == [answer_to(prompt).strip() for prompt in PROMPTS]
    assert 6 <= again.facts().notes["server"]["answers_kept_before"] <= 7  # type: ignore[index]
    assert fake.answered - before == PROBES + 10 - again.facts().notes["server"]["answers_kept_before"]  # type: ignore[index]
    assert (again.withheld, again.uncounted, again.answered) == (1, 1, 10), "doubts hang on what is kept, too"
    third = connect(fake, keep=keep_of(tmp_path))
    third.remember(True)
    list(third.generate_many(PROMPTS, EIGHT, rows=2))
    assert third.names == {"fake-1"} and fake.answered == before + 2 * PROBES + 10 - again.answers.reused


def test_answers_are_kept_only_while_they_are_scored(fake: Fake, tmp_path: Path) -> None:
    model = connect(fake, keep=keep_of(tmp_path))
    model.generate(PROMPTS, EIGHT)
    list(model.generate_many(PROMPTS, EIGHT, rows=2))
    assert not (tmp_path / "answers.jsonl").exists()


def test_the_same_prompt_twice_is_two_requests(fake: Fake, tmp_path: Path) -> None:
    model = connect(fake, keep=keep_of(tmp_path))
    model.remember(True)
    before = fake.answered
    list(model.generate_many(["twice", "twice"], EIGHT, rows=1))
    assert fake.answered == before + 2


def test_a_budget_of_requests_ends_cleanly_and_counts_over_processes(fake: Fake, tmp_path: Path) -> None:
    budget = {"budget": {"max_requests": PROBES + 4}}
    model = connect(fake, keep=keep_of(tmp_path), **budget)
    model.remember(True)
    with pytest.raises(EndpointError, match="max_requests"):
        list(model.generate_many(PROMPTS, EIGHT, rows=2))
    assert fake.answered == PROBES + 4
    assert len((tmp_path / "answers.jsonl").read_text().splitlines()) == 4
    with pytest.raises(EndpointError, match="max_requests"):
        connect(fake, keep=keep_of(tmp_path), **budget)
    assert fake.answered == PROBES + 4


def test_a_budget_of_money_is_counted_from_the_servers_tokens(fake: Fake) -> None:
    prices = {"input_per_million": 1e6, "output_per_million": 2e6}
    model = connect(fake, prices=prices, budget={"max_cost": 1000})
    before = model.spending.cost
    model.generate(PROMPTS[:1], EIGHT)
    assert before is not None and model.spending.cost == pytest.approx(before + 4 + 2 * 5)
    with pytest.raises(EndpointError, match="max_cost"):
        for _ in range(200):
            model.generate(PROMPTS[:1], EIGHT)
    fake.behaviour.fault = Fault.NO_USAGE
    with pytest.raises(EndpointError, match="max_cost"):
        connect(fake, prices=prices, budget={"max_cost": 1000})


def test_nothing_is_known_of_its_size_or_its_memory(fake: Fake) -> None:
    facts = connect(fake).facts()
    assert facts.parameters is None and facts.weights_bytes is None and facts.uncounted
    assert facts.elsewhere and math.isfinite(float(len(facts.elsewhere)))


def test_what_a_suite_cannot_have_of_it_is_said(fake: Fake) -> None:
    with pytest.raises(UnsupportedError, match="num_beams"):
        connect(fake).generate(["a"], Decoding(num_beams=4))


def test_the_system_prompt_and_solved_examples_are_turns_of_a_chat(fake: Fake) -> None:
    shots = (Shot(prompt="1 + 1", answer="2", id="a"),)
    model = connect(fake, api="chat", system="Be brief.", shots=shots)
    model.generate(["2 + 2"], EIGHT)
    assert model.reads_turns and [turn["content"] for turn in fake.behaviour.bodies[-1]["messages"]] == [  # type: ignore[attr-defined]
        "Be brief.",
        "1 + 1",
        "2",
        "2 + 2",
    ]
    assert not connect(fake).reads_turns
