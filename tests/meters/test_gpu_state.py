"""GPU states without a library: what is told of the bits and clocks that were seen."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from bench.host.nvml import NvmlDevice
from bench.meters.gpu_state import GpuState
from bench.meters.gpus import Gpus


def state(index: int, pynvml: Any = None, **seen: Any) -> GpuState:
    return GpuState(pynvml or SimpleNamespace(), NvmlDevice(None, index, f"GPU-{index}", "GPU", False), **seen)


def test_bits_are_told_with_a_binding_that_has_no_names_for_them() -> None:
    assert state(0, throttle_bits=0x600).throttling() == ("limit of the board", "voltage reliability")


def test_the_bits_are_those_of_the_binding() -> None:
    import pynvml

    bits = pynvml.nvmlClocksThrottleReasonSwPowerCap | pynvml.nvmlClocksThrottleReasonHwPowerBrakeSlowdown
    assert state(0, throttle_bits=bits).throttling() == ("power cap (software)", "external power brake")
    others = pynvml.nvmlClocksThrottleReasonGpuIdle | pynvml.nvmlClocksThrottleReasonApplicationsClocksSetting
    assert state(0, throttle_bits=others).throttling() == ()


def test_the_highest_clock_of_several_gpus_is_that_of_any() -> None:
    gpus = Gpus((state(0, sm_clocks_mhz=(200, 1980)), state(1, sm_clocks_mhz=(1000, 1500))))
    fact = next(fact for fact in gpus.facts(0) if fact.name == "gpu_sm_clock_mhz")
    assert (fact.value, fact.low, fact.high) == (1980, 200, 1980)
