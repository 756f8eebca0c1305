"""Deadlines: what people write, and an executor that keeps to them."""

import threading
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest

from bench.errors import UsageError
from bench.nightly.deadline import DeadlineExecutor, deadline_at
from bench.running.executors.base import Answer, Call, Executor
from bench.running.executors.outcome import Failure

NOW = datetime(2026, 11, 24, 2, 30, tzinfo=timezone(timedelta(hours=1)))


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("06:00", 3.5 * 3600),
        ("02:00", 23.5 * 3600),
        ("02:30", 24 * 3600),
        ("3 h", 10800),
        ("90 min", 5400),
        ("3h30m", 12600),
        ("45s", 45),
    ],
)
def test_it_is_a_time_of_day_or_a_duration(text, seconds):
    found = deadline_at(text, NOW, clock=lambda: 100.0)
    assert found.remaining_s() == pytest.approx(seconds)
    assert found.at == NOW + timedelta(seconds=seconds)


@pytest.mark.parametrize(
    "text",
    ["25:00", "soon", "3", "0 h", "3 MiB", "-3 h", "inf h", "nan h", "1e400 h", "1e9 h", "999h0m", "٣:٠٠", ""],
)
def test_anything_else_is_told(text):
    with pytest.raises(UsageError, match="deadline"):
        deadline_at(text, NOW)


class Slow(Executor):
    """Takes a time of its own, unless a limit comes first."""

    def __init__(self, clock, needs):
        super().__init__()
        self.clock, self.needs, self.limits = clock, needs, []

    def attempt(self, call):
        self.limits.append(call.timeout_s)
        if call.timeout_s is not None and call.timeout_s < self.needs:
            self.clock[0] += call.timeout_s
            return Answer(failure=Failure("timeout", "not finished"))
        self.clock[0] += self.needs
        return Answer("done")


def test_what_runs_at_the_deadline_is_stopped_and_the_rest_declined():
    clock = [0.0]
    inner = Slow(clock, needs=40)
    executor = DeadlineExecutor(inner, deadline_at("90 s", datetime.now(UTC), clock=lambda: clock[0]))
    found = [executor.attempt(Call("x", {}, Path("log"), 60.0)) for _ in range(4)]
    assert [a.value or a.failure.status for a in found] == ["done", "done", "skipped", "skipped"]
    assert inner.limits == [60.0, 50.0, 10.0]
    assert "and it was stopped" in found[2].failure.reason


def test_a_cell_that_takes_too_long_by_itself_is_no_matter_of_the_deadline():
    clock = [0.0]
    executor = DeadlineExecutor(Slow(clock, needs=40), deadline_at("90 s", datetime.now(UTC), lambda: clock[0]))
    assert executor.attempt(Call("x", {}, Path("log"), 5.0)).failure.status == "timeout"


def test_machines_that_come_and_go_count_and_work_goes_into_their_slots():
    inner = Slow([0.0], needs=1)
    executor = DeadlineExecutor(inner, deadline_at("90 s", NOW, clock=lambda: 0.0))
    assert executor.submit(lambda: threading.current_thread()).result() is threading.current_thread()
    inner.capacity = 3
    assert executor.capacity == 3
    both = threading.Barrier(2, timeout=60)  # passes at once; for ever only when the code is wrong
    assert sorted(done.result() for done in [executor.submit(both.wait) for _ in range(2)]) == [0, 1]
    executor.close()


OWN = {"name", "isolation", "takes_address", "open"}
"""What is declared of executors that can be chosen, and how these are made."""
BY_OTHERS = {"call", "run", "holding"}
"""What goes through `attempt`, and through `secrets`, which the two have in common."""


def test_all_that_an_executor_is_asked_or_told_reaches_the_wrapped_one():
    public = {name for name in vars(Executor) if not name.startswith("_")}
    assert public - {*vars(DeadlineExecutor)} == OWN | BY_OTHERS
    inner = Slow([0.0], needs=1)
    executor = DeadlineExecutor(inner, deadline_at("90 s", NOW, clock=lambda: 0.0))
    assert executor.least_part is None
    assert executor.secrets is inner.secrets
    inner.least_part = 5
    assert executor.least_part == 5
