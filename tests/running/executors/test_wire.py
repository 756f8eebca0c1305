"""What a worker says: whatever bytes come, the parent gets an answer, a phase or a `WireError`."""

import os
import random
from dataclasses import replace

import pytest

from bench.errors import BenchError, FitError, StoreError, UnsupportedError
from bench.record import Cell
from bench.running.executors.outcome import Answer, Failure
from bench.running.executors.wire import (
    ANONYMOUS,
    LENGTH_BYTES,
    Inbox,
    WireError,
    answer_frame,
    parse,
    phase_frame,
    recoded,
    send,
)
from tests.running.executors.fakes import record_of

RECORD = record_of(Cell("m", "f", "float32", "t", "k"))
SAMPLE, TIMING = RECORD.samples[0], RECORD.timings[0]


def test_a_record_comes_back_as_it_was_but_for_its_cell():
    assert recoded(RECORD) == replace(RECORD, cell=ANONYMOUS)


@pytest.mark.parametrize(
    "record",
    [
        replace(RECORD, samples=(replace(SAMPLE, input_tokens=2**70),)),
        replace(RECORD, samples=(replace(SAMPLE, input_tokens=2**63),)),
        replace(RECORD, samples=(replace(SAMPLE, output_tokens=-1),)),
        replace(RECORD, samples=(replace(SAMPLE, input_tokens=float("nan")),)),
        replace(RECORD, samples=(replace(SAMPLE, input_tokens=True),)),
        replace(RECORD, samples=(replace(SAMPLE, prediction=b"yes"),)),
        replace(RECORD, samples=(replace(SAMPLE, scores="high"),)),
        replace(RECORD, timings=(replace(TIMING, duration_ns=1.5),)),
        replace(RECORD, timings=(replace(TIMING, token_ns=(1, -2)),)),
        replace(RECORD, timings=(replace(TIMING, phase="lunch"),)),
        replace(RECORD, status="skipped"),
        replace(RECORD, status="fine"),
        replace(RECORD, wall_s=float("nan")),
        replace(RECORD, started_at="yesterday"),
        replace(RECORD, schema_version=10**9),
        replace(RECORD, facts=(replace(RECORD.facts[0], process=2**64),)),
        replace(RECORD, notes={"model": object()}),
        replace(RECORD, notes=[1]),
    ],
)
def test_a_record_that_cannot_be_is_refused(record):
    with pytest.raises(WireError):
        recoded(record)


def test_numbers_that_are_not_finite_stay_visible_and_lone_surrogates_are_escaped():
    facts = (replace(RECORD.facts[0], value=float("inf")),)
    samples = (replace(SAMPLE, prediction="a\ud800é😀"),)
    record = recoded(replace(RECORD, facts=facts, samples=samples))
    assert record.facts[0].value == float("inf")
    assert record.samples[0].prediction == "a\\ud800é😀"


@pytest.mark.parametrize("sent", [FitError, StoreError, UnsupportedError, type("Own", (FitError,), {})])
def test_a_failure_keeps_the_nearest_class_that_the_parent_knows(sent):
    answer = parse(answer_frame(Answer(failure=Failure("failed", "no", sent)))[LENGTH_BYTES:])
    assert answer.failure.error is (sent if sent in (StoreError, UnsupportedError) else FitError)


def test_an_error_that_needs_more_than_a_message_is_not_made():
    content = b'{"failure": {"status": "failed", "reason": "x", "error": "RecordKeptError"}}'
    assert parse(content).failure.error is BenchError


@pytest.mark.parametrize(
    "content",
    [
        b"garbage",
        b"\x80\x04N.",
        b"\xff\xfe",
        b"[" * 100_000,
        b'{"phase": 1}',
        b'{"record": {}}',
        b'{"phase": "\\ud800"}',
        b'{"value": ' + b"9" * 5000 + b"}",
        b'{"failure": {"status": "skipped", "reason": "x", "error": "BenchError"}}',
    ],
)
def test_a_frame_that_is_no_message_is_refused(content):
    with pytest.raises(WireError):
        parse(content)


def test_any_damage_to_a_frame_is_a_wire_error_or_a_message():
    draw = random.Random(5)
    whole = answer_frame(Answer(RECORD))[LENGTH_BYTES:]
    for _ in range(500):
        content = bytearray(whole)
        for _ in range(draw.choice((1, 3, 20))):
            content[draw.randrange(len(content))] = draw.randrange(256)
        try:
            parse(bytes(content[: draw.choice((len(content), draw.randrange(len(content))))]))
        except WireError as error:
            assert str(error)


def test_an_inbox_waits_for_no_part_of_a_frame():
    reading, writing = os.pipe()
    inbox = Inbox(reading)
    frame = phase_frame("load")
    os.write(writing, frame[:9])
    assert inbox.receive() == []
    send(writing, frame[9:] + frame)
    assert inbox.receive() == ["load", "load"]
    os.close(writing)
    with pytest.raises(EOFError):
        inbox.receive()
    os.close(reading)


def test_a_frame_that_claims_too_much_is_refused_at_once():
    reading, writing = os.pipe()
    os.write(writing, b"garbage, or so")
    with pytest.raises(WireError):
        Inbox(reading).receive()
    os.close(reading)
    os.close(writing)
