"""The end of a night: when it is, and an executor that starts nothing after it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, replace
from datetime import datetime, time, timedelta
from time import monotonic
from typing import TypeVar

from bench.errors import InputError, UsageError
from bench.host.facts import Facts
from bench.record import Cell
from bench.running.executors.base import Answer, Call, Executor
from bench.running.executors.outcome import Failure
from bench.suite.limits import parse_end

Clock = Callable[[], float]
T = TypeVar("T")


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
        """Say why something was not done."""
        return f"the night's deadline ({self.at:%H:%M}) came first"


def deadline_at(text: str, now: datetime, clock: Clock = monotonic) -> Deadline:
    """Set the deadline that `text` names: the next `06:00`, or so long from now as `3 h`, `90 min` or `3h30m`.

    Args:
        text: as the user wrote it.
        now: the local time, with its zone.
        clock: seconds, never set back.

    Raises:
        UsageError: it is neither.
    """
    try:
        end = parse_end(text)
    except InputError as error:
        raise UsageError(f"deadline: {error}") from error
    at = _next(end, now) if isinstance(end, time) else now + timedelta(seconds=end)
    return Deadline(text, at, clock() + (at - now).total_seconds(), clock)


def _next(time_of_day: time, now: datetime) -> datetime:
    """Find the next moment of this time of day, on the clock that `now` shows.

    Where that is the clock of this machine it may be put forward or back before then; a fixed offset would not know.
    """
    local = now.astimezone()
    follows_clock = local.utcoffset() == now.utcoffset()
    for day in (now.date(), now.date() + timedelta(days=1)):
        at = (
            datetime.combine(day, time_of_day).astimezone()
            if follows_clock
            else datetime.combine(day, time_of_day, now.tzinfo)
        )
        if at > now:
            break
    return at


class DeadlineExecutor(Executor):
    """Runs calls on another executor until the deadline; what is running then is stopped, the rest declined.

    Both end as `skipped` with the deadline as the reason: that there was no time says nothing against a model.
    """

    def __init__(self, inner: Executor, deadline: Deadline) -> None:
        super().__init__(inner.worker)
        self._inner, self._deadline = inner, deadline
        self.secrets = inner.secrets  # the very same: what is given to one of them later is there for both

    @property
    def capacity(self) -> int:
        """The calls that the wrapped one may run at once, which change as machines come and go."""
        return self._inner.capacity

    @capacity.setter
    def capacity(self, calls: int) -> None:
        self._inner.capacity = calls

    @property
    def least_part(self) -> int | None:
        """The least examples of a part of a cell in the wrapped one, which change with its machines, too."""
        return self._inner.least_part

    @least_part.setter
    def least_part(self, examples: int | None) -> None:
        self._inner.least_part = examples

    def fingerprint(self) -> Facts:
        """Describe the machine of the wrapped one."""
        return self._inner.fingerprint()

    def check(self, plan: Sequence[Cell]) -> None:
        """Let the wrapped one look at its machines."""
        self._inner.tell = lambda line: self.tell(line)
        self._inner.check(plan)

    def release(self, block: str) -> None:
        """Let go of a block in the wrapped one."""
        self._inner.release(block)

    def prefer(self, block: str, machine: str) -> None:
        """Tell the wrapped one where a part of a block was done."""
        self._inner.prefer(block, machine)

    def is_free(self, machine: str) -> bool | None:
        """Ask the wrapped one whether a machine has room."""
        return self._inner.is_free(machine)

    def prepare(self, *, light: bool = False) -> None:
        """Let the wrapped one begin what takes time."""
        self._inner.prepare(light=light)

    def submit(self, work: Callable[[], T]) -> Future[T]:
        """Let the wrapped one do some work in a slot of its own."""
        return self._inner.submit(work)

    def close(self) -> None:
        """Stop both executors, this one and the wrapped one, from waiting for further calls."""
        super().close()
        self._inner.close()

    def attempt(self, call: Call) -> Answer:
        """Make a call within the time that is left, and return its result."""
        left = self._deadline.remaining_s()
        if left <= 0:
            return Answer(failure=Failure("skipped", self._deadline.why))
        is_capped = call.timeout_s is None or call.timeout_s > left
        answer = self._inner.attempt(replace(call, timeout_s=left) if is_capped else call)
        if is_capped and answer.failure is not None and answer.failure.status == "timeout":
            return Answer(failure=Failure("skipped", f"{self._deadline.why}, and it was stopped"))
        return answer
