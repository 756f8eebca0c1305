"""Whether a machine has become another one since the run began: its canary beside those of the others."""

from __future__ import annotations

from collections.abc import Mapping

from bench.running.machines.alike import odd_ones, speeds


class Watch:
    """The seconds that each machine's canary took last."""

    def __init__(self) -> None:
        self._seconds: dict[str, float] = {}

    def begin(self, seconds: Mapping[str, float]) -> None:
        """Take what each machine took before the run."""
        self._seconds = dict(seconds)

    def off(self, machine: str, seconds: float) -> float | None:
        """Take note of a machine's canary.

        Returns:
            The share by which it took longer than the median of all, or less, where that is too much; else None.
        """
        self._seconds[machine] = seconds
        return speeds(self._seconds)[machine] if machine in odd_ones(self._seconds) else None

    def forget(self, machine: str) -> None:
        """Forget a machine that takes part no more."""
        self._seconds.pop(machine, None)
