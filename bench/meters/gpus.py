"""The GPUs that a cell uses, looked at as one: their states, and the facts of them together and apart."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import reduce
from operator import or_
from typing import TypeVar

from bench.meters.gpu_state import GpuState
from bench.record import Fact

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Gpus:
    """The states of all GPUs used, in the order of the suite's `device`."""

    states: tuple[GpuState, ...]

    def begin(self) -> None:
        """Look at the beginning of a pass."""
        for state in self.states:
            state.begin()

    def end(self) -> None:
        """Look at the end of a pass."""
        for state in self.states:
            state.end()

    def glance(self) -> None:
        """Read what costs little; for a thread in passes that are not timed."""
        for state in self.states:
            state.glance()

    def facts(self, process: int) -> list[Fact]:
        """Collect memory, temperature, clocks and throttling: of all GPUs, and of several each apart too."""
        state_facts = _facts(self.states, process)
        if len(self.states) < 2:
            return state_facts
        apart = [
            replace(fact, name=f"gpu{state.device.index}_{fact.name}")
            for state in self.states
            for fact in _facts([state], process)
        ]
        return [*state_facts, *apart]


def _highest(clocks: Sequence[tuple[int, int]]) -> int:
    return max(high for _, high in clocks)


def _facts(states: Sequence[GpuState], process: int) -> list[Fact]:
    why = "; ".join(dict.fromkeys(state.why_not for state in states))

    def fact(
        name: str, unit: str, values: list[T | None], join: Callable[[list[T]], float], about: str | None = None
    ) -> Fact:
        present = [value for value in values if value is not None]
        if len(present) < len(values):
            return Fact(name, None, unit, "nvml", why, process=process)
        return Fact(name, join(present), unit, "nvml", about, process=process)

    clocks = [state.sm_clocks_mhz for state in states]
    highest = fact("gpu_sm_clock_mhz", "MHz", clocks, _highest, "highest seen; low: lowest seen")
    if highest.value is not None:
        highest = replace(highest, low=min(clock[0] for clock in clocks if clock), high=highest.value)
    counted = [None if state.held_back_s is None else sum(state.held_back_s.values()) for state in states]
    return [
        fact("peak_gpu_process_bytes", "bytes", [state.process_bytes for state in states], sum),
        fact("peak_gpu_device_bytes", "bytes", [state.device_bytes for state in states], sum),
        fact("gpu_temperature_c", "°C", [state.temperature_c for state in states], max),
        fact("gpu_throttle_bits", "count", [state.throttle_bits for state in states], lambda bits: reduce(or_, bits)),
        fact("gpu_throttled_s", "s", counted, sum, "within the passes, as the driver counts each kind"),
        highest,
    ]
