"""Runs calls in this very process: for tests and debuggers. It can enforce no limit of time or memory."""

from __future__ import annotations

import traceback

from bench.plugins import load_object
from bench.running.executors.base import Answer, Call, Executor, LastPhase
from bench.running.executors.outcome import failure_of


class InlineExecutor(Executor):
    """An executor without isolation."""

    name = "inline"
    isolation = "none"

    def attempt(self, call: Call) -> Answer:
        """Make a call, and return its outcome; a traceback goes to the log."""
        phase = LastPhase(call.notify)
        try:
            return Answer(load_object(call.target)(**call.arguments, notify=phase))
        except Exception as error:  # noqa: BLE001  the cell's boundary: recorded
            call.log_path.parent.mkdir(parents=True, exist_ok=True)
            call.log_path.write_text(traceback.format_exc(), encoding="utf-8", errors="backslashreplace")
            return Answer(failure=failure_of(error, phase.name, None))
