"""Reasons: what a decision goes by survives being stored, with a code or, in rows of old, with a sentence alone."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from bench.catalogue import reasons
from bench.catalogue.reasons import Reason, ReasonCode, stored, too_few
from bench.history.remember import remember
from bench.store import Store
from bench.store.retention import plan_pruning, prune
from bench.summary import summarise, summarise_run
from tests.factories import make_record
from tests.store.nights import store_run

OLD = {
    "n too small for an interval: 30 requests, 72 needed": ReasonCode.TOO_FEW,
    "n too small for an interval: 7 requests, 20 or more needed, as the gaps of one are alike": ReasonCode.TOO_FEW,
    "undefined on some resamples, so there is no interval": ReasonCode.UNDEFINED_ON_RESAMPLES,
    "one process: how much it varies between processes is not known": ReasonCode.FROM_SOURCE,
}
"""Sentences as bench stored them before there were codes, and what must be known of them."""


@pytest.mark.parametrize(("sentence", "code"), OLD.items())
def test_a_row_of_old_is_told_by_its_sentence(sentence: str, code: ReasonCode) -> None:
    assert stored(None, sentence) == Reason(code, sentence)
    assert stored(None, None) is None


def test_a_row_with_a_code_is_told_by_it_whatever_it_says() -> None:
    reworded = replace(too_few(3, "batches", 10), sentence="more batches are needed")
    assert stored(reworded.code.value, reworded.sentence) == reworded and reworded.settles_nothing
    assert not reasons.ONE_PROCESS.settles_nothing


def test_the_reasons_of_a_night_outlive_its_raw_timings(tmp_path: Path) -> None:
    [entry] = summarise([record := make_record("a", requests=30)])
    before = {name: q.reason for name, q in (entry.quality | entry.efficiency).items()}
    assert before["latency_p95_s"] == too_few(30, "requests", 72)
    store_run(tmp_path, [record], night=1)
    store_run(tmp_path, [record], night=2)
    with Store.open(tmp_path) as store:
        first = store.runs()[-1].id
        remember(store, first)
        prune(store, plan_pruning(store, 1))
        [remembered] = summarise_run(store.load(first))
    assert remembered.latencies == ()
    assert {name: q.reason for name, q in (remembered.quality | remembered.efficiency).items()} == before
