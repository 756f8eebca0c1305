"""Takes the canary: a fixed piece of work that measures the machine itself, in a fresh process of an executor."""

from __future__ import annotations

from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from bench.errors import BenchError
from bench.measure.canary import Canary
from bench.running.executors.base import Executor
from bench.running.targets import CANARY

CANARY_LIMIT_S = 60.0
"""It takes a quarter of a second, and seconds on a machine that is starved."""


def run_canary(executor: Executor, log: Path, cpus: str | None = None, block: str | None = None) -> Canary | None:
    """Run the fixed piece of work; None when it failed, and then its log says why.

    Args:
        executor: where.
        log: what its process prints.
        cpus: those that the models are bound to, `defaults.cpus`.
        block: the block of work whose machine is asked.
    """
    arguments = {"cpus": cpus} if cpus else {}
    try:
        value = executor.call(CANARY, arguments, log_path=log, timeout_s=CANARY_LIMIT_S, block=block)
        return TypeAdapter(Canary).validate_python(value)
    except (BenchError, ValidationError):
        return None
