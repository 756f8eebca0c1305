"""When a night must end: a time of day or a duration, and an executor that starts nothing after it."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from bench.errors import InputError, UsageError
from bench.running.executors.base import Answer, Call, Executor
from bench.running.executors.outcome import Failure
from bench.schedule import parse_time
from bench.units import parse_quantity

_HOURS = re.compile(r"(?:(\d+)\s*h)\s*(?:(\d+)\s*(?:m|min))")
"""`3h30m`; a single number with its unit is `bench.units`' to read."""
Clock = Callable[[], float]


@dataclass(frozen=True, slots=True)
class Deadline:
    """The end of a night."""

    asked: str
    """As it was written."""
    at: datetime
    """Local time."""
    end_s: float
    """On `clock`."""
    clock: Clock

    def remaining_s(self) -> float:
        """Returns the seconds that are left; negative when it is over."""
        return self.end_s - self.clock()

    @property
    def why(self) -> str:
        """Why something was not done."""
        return f"the night's deadline ({self.at:%H:%M}) came first"


def parse_deadline(text: str, now: datetime, clock: Clock = time.monotonic) -> Deadline:
    """Returns the deadline that `text` names: the next `06:00`, or so long from now as `3 h`, `90 min` or `3h30m`.

    Args:
        text: as the user wrote it.
        now: the local time, with its zone.
        clock: seconds, never set back.

    Raises:
        UsageError: it is neither.
    """
    at = _time_of_day(text, now) if ":" in text else now + timedelta(seconds=_duration_s(text))
    return Deadline(text, at, clock() + (at - now).total_seconds(), clock)


def _time_of_day(text: str, now: datetime) -> datetime:
    wanted = parse_time(text, "deadline")
    day = now.date()
    at = datetime.combine(day, wanted).astimezone() if now.tzinfo is None else datetime.combine(day, wanted, now.tzinfo)
    return at if at > now else at + timedelta(days=1)


def _duration_s(text: str) -> float:
    both = _HOURS.fullmatch(text.strip())
    if both is not None:
        return 3600.0 * int(both[1]) + 60.0 * int(both[2])
    try:
        seconds = parse_quantity(text, "s")
    except InputError as error:
        raise UsageError(f"deadline: {error}; or write a time of day, such as 06:00") from error
    if seconds <= 0:
        raise UsageError(f"deadline: '{text}' is over before it begins")
    return seconds


class DeadlineExecutor(Executor):
    """Runs calls on another executor until the deadline; what is running then is stopped, the rest declined.

    Both end as `skipped` with the deadline as the reason: that there was no time says nothing against a model.
    """

    def __init__(self, inner: Executor, deadline: Deadline) -> None:
        super().__init__(inner.worker)
        self._inner, self._deadline = inner, deadline
        self.capacity = inner.capacity

    def close(self) -> None:
        """End what waits for further calls, here and on the other executor."""
        super().close()
        self._inner.close()

    def attempt(self, call: Call) -> Answer:
        """Returns what became of a call."""
        left = self._deadline.remaining_s()
        if left <= 0:
            return Answer(failure=Failure("skipped", self._deadline.why))
        capped = call.timeout_s is None or call.timeout_s > left
        answer = self._inner.attempt(replace(call, timeout_s=left) if capped else call)
        if capped and answer.failure is not None and answer.failure.status == "timeout":
            return Answer(failure=Failure("skipped", f"{self._deadline.why}, and it was stopped"))
        return answer
