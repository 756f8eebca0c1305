"""The end of a night: when it is, and an executor that starts nothing after it."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from bench.running.executors.base import Answer, Call, Executor
from bench.running.executors.outcome import Failure
from bench.suite.deadlines import parse_deadline

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
        """Return the seconds that are left; negative when it is over."""
        return self.end_s - self.clock()

    @property
    def why(self) -> str:
        """Why something was not done."""
        return f"the night's deadline ({self.at:%H:%M}) came first"


def deadline_at(text: str, now: datetime, clock: Clock = time.monotonic) -> Deadline:
    """Set the deadline that `text` names: the next `06:00`, or so long from now as `3 h`, `90 min` or `3h30m`.

    Args:
        text: as the user wrote it.
        now: the local time, with its zone.
        clock: seconds, never set back.

    Raises:
        UsageError: it is neither.
    """
    wanted = parse_deadline(text)
    if isinstance(wanted, float):
        at = now + timedelta(seconds=wanted)
    else:
        today = datetime.combine(now.date(), wanted, now.tzinfo)
        at = today if today > now else today + timedelta(days=1)
    return Deadline(text, at, clock() + (at - now).total_seconds(), clock)


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
        """Make a call with the time that is left, and return what became of it."""
        left = self._deadline.remaining_s()
        if left <= 0:
            return Answer(failure=Failure("skipped", self._deadline.why))
        is_capped = call.timeout_s is None or call.timeout_s > left
        answer = self._inner.attempt(replace(call, timeout_s=left) if is_capped else call)
        if is_capped and answer.failure is not None and answer.failure.status == "timeout":
            return Answer(failure=Failure("skipped", f"{self._deadline.why}, and it was stopped"))
        return answer
