"""SIGINT and SIGTERM while a model is trained: the step that is under way is finished and the state is saved."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable
from types import FrameType
from typing import Self, TypeAlias

NUMBERS = (signal.SIGINT, signal.SIGTERM)
Handler: TypeAlias = Callable[[int, FrameType | None], object] | int | None
"""What `signal.signal` takes and gives."""


class Stop:
    """Whether a signal has asked for an end; a second one ends the process at once, as without this.

    Outside the main thread, which signals never reach, nothing changes.
    """

    def __init__(self) -> None:
        self.asked: str | None = None
        """Name of the signal."""
        self._before: dict[int, Handler] = {}

    def __enter__(self) -> Self:
        if threading.current_thread() is threading.main_thread():
            self._before = {number: signal.signal(number, self._ask) for number in NUMBERS}
        return self

    def __exit__(self, *_: object) -> None:
        self._restore()

    def _ask(self, number: int, frame: FrameType | None) -> None:
        self.asked = signal.Signals(number).name
        self._restore()

    def _restore(self) -> None:
        while self._before:
            signal.signal(*self._before.popitem())
