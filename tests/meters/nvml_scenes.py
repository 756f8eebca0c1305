"""What the child processes of the NVML tests do; every function returns JSON-able values."""

from __future__ import annotations

import os
from dataclasses import asdict
from typing import Any

from bench.host.gpu import gpu_facts
from bench.host.nvml import GpuIdentity, NvmlUnavailableError, find_device, open_nvml
from bench.meters.boards import Boards
from bench.meters.cascade import Chosen, choose_energy
from bench.meters.gpu_state import GpuState
from bench.meters.gpus import Gpus
from bench.meters.source import Site
from tests.meters.nvml_library import Board

WINDOW_S = 12.0


def _codes(state: GpuState) -> list[str]:
    from bench.measure.machine_doubts import gpu_doubts

    return [doubt.code for doubt in gpu_doubts(Gpus((state,)), 0)]


def _chosen(board: Board, boards: Boards) -> Chosen:
    return choose_energy(Site("cuda:0", board, boards=boards))


def _measure(board: Board, uuids: tuple[str, ...] = ("GPU-a",), window_s: float = WINDOW_S) -> dict[str, Any]:
    """Chooses a meter for the GPUs, runs a window of virtual time through it, polled as its interval asks."""
    pynvml = open_nvml()
    devices = tuple(find_device(pynvml, GpuIdentity(uuid, None)) for uuid in uuids)
    chosen = _chosen(board, Boards(pynvml, devices))
    meter, rejected = chosen.meter, chosen.rejected
    board.sleep(1.0)
    start_s = board.now_ns() / 1e9
    meter.start()
    step = meter.poll_interval_s or window_s
    while board.now_ns() / 1e9 - start_s < window_s - step / 2:
        board.sleep(step)
        meter.poll()
    energy = meter.stop()
    end_s = board.now_ns() / 1e9
    truth = sum(board.true_joules(device.index, start_s, end_s) for device in devices)
    return {
        "energy": asdict(energy),
        "truth": truth,
        "rejected": rejected,
        "indices": [d.index for d in devices],
    }


def counter() -> Any:
    board = Board()
    board.gpu(0, "GPU-a", low=80, high=300, counter_ms=100)
    return _measure(board)


def counter_reset_in_window() -> Any:
    board = Board()
    board.gpu(0, "GPU-a", reset_ms=8000)
    return _measure(board)


def counter_stuck() -> Any:
    board = Board()
    board.gpu(0, "GPU-a", frozen=1)
    return _measure(board)


def counter_stops_within_window() -> Any:
    board = Board()
    board.gpu(0, "GPU-a")
    pynvml = open_nvml()
    meter = _chosen(board, Boards(pynvml, (find_device(pynvml, GpuIdentity("GPU-a", None)),))).meter
    meter.start()
    return asdict(meter.stop())


def no_counter() -> Any:
    board = Board()
    board.gpu(0, "GPU-a", low=80, high=300, wave_ms=400, duty_ms=100, counter_error=3)
    return _measure(board)


def only_power_usage() -> Any:
    board = Board()
    board.gpu(0, "GPU-a", low=150, high=150, counter_error=3, field_error=3)
    return _measure(board)


def seen_a_quarter_of_the_time() -> Any:
    """A 25 ms mean that is refreshed every 100 ms, over a load whose busy 25 ms fall where it does not
    look."""
    board = Board()
    board.gpu(0, "GPU-a", low=100, high=400, wave_ms=110, duty_ms=30, refresh_ms=100, counter_error=3)
    return _measure(board)


def nothing_supported() -> Any:
    board = Board()
    board.gpu(0, "GPU-a", counter_error=3, field_error=3, power_error=3)
    return _measure(board)


def no_permission() -> Any:
    board = Board()
    board.gpu(0, "GPU-a", counter_error=4, field_error=4, power_error=4)
    return _measure(board)


def why_closed() -> str:
    try:
        open_nvml()
    except NvmlUnavailableError as error:
        return str(error)
    return "opened"


def two_gpus_in_reversed_order() -> Any:
    """CUDA's device 0 is the second of NVML; told apart by UUID, and by PCI bus where the UUID is a MIG
    instance's."""
    board = Board()
    board.gpu(0, "GPU-slow", bus=3, low=50, high=50)
    board.gpu(1, "GPU-fast", bus=7, low=250, high=250)
    pynvml = open_nvml()
    by_bus = find_device(pynvml, GpuIdentity("MIG-x", (0, 3, 0)))
    try:
        find_device(pynvml, GpuIdentity("GPU-other", (0, 9, 0)))
        unknown = "found"
    except NvmlUnavailableError as error:
        unknown = str(error)
    return {"first": _measure(board, ("fast",)), "by_bus": by_bus.uuid, "unknown": unknown}


def both_gpus() -> Any:
    board = Board()
    board.gpu(0, "GPU-slow", bus=3, low=50, high=50)
    board.gpu(1, "GPU-fast", bus=7, low=250, high=250, counter_ms=100)
    return _measure(board, ("slow", "fast"))


def divided_by_mig() -> Any:
    board = Board()
    board.gpu(0, "GPU-a", mig=1)
    found = _measure(board)
    pynvml = open_nvml()
    state = GpuState(pynvml, find_device(pynvml, GpuIdentity("GPU-a", None)))
    return found | {"doubts": _codes(state)}


def state_over_a_run() -> Any:
    """Throttled for heat at first, by the power cap later, idle at last; a foreign process comes and goes."""
    board = Board()
    board.gpu(0, "GPU-a")
    pynvml = open_nvml()
    state = GpuState(pynvml, find_device(pynvml, GpuIdentity("GPU-a", None)))
    board.set(0, "throttle", 0x20)
    board.set(0, "pid", os.getpid())
    state.look()
    alone = dict(state.foreign)
    board.set(0, "throttle", 0x04)
    board.set(0, "pid", 1)
    state.look()
    board.set(0, "throttle", 0x01)
    state.look()
    return {
        "throttling": state.throttling(),
        "bits": state.throttle_bits,
        "alone": alone,
        "foreign": list(state.foreign),
        "process_bytes": state.process_bytes,
        "device_bytes": state.device_bytes,
        "codes": _codes(state),
    }


def lost_half_way() -> Any:
    board = Board()
    board.gpu(0, "GPU-a", lost_ms=7000)
    found = _measure(board)
    pynvml = open_nvml()
    state = GpuState(pynvml, find_device(pynvml, GpuIdentity("GPU-a", None)))
    state.look()
    return found | {"facts": {fact.name: [fact.value, fact.reason] for fact in Gpus((state,)).facts(0)}}


def lost_half_way_without_counter() -> Any:
    board = Board()
    board.gpu(0, "GPU-a", lost_ms=7000, counter_error=3)
    return _measure(board)


def described() -> Any:
    board = Board()
    board.gpu(0, "GPU-a")
    return gpu_facts()


def _two_gpus() -> tuple[Board, Gpus]:
    board = Board()
    board.gpu(0, "GPU-a", bus=3)
    board.gpu(1, "GPU-b", bus=7)
    pynvml = open_nvml()
    states = [GpuState(pynvml, find_device(pynvml, GpuIdentity(uuid, None))) for uuid in ("a", "b")]
    return board, Gpus(tuple(states))


def _told(gpus: Gpus) -> dict[str, Any]:
    from bench.measure.machine_doubts import gpu_doubts

    facts = {fact.name: [fact.value, fact.low, fact.reason] for fact in gpus.facts(0)}
    return {"facts": facts, "doubts": [doubt.message for doubt in gpu_doubts(gpus, 0)]}


def hot_within_a_timed_pass() -> Any:
    """Held back for heat from second 2 to 5 of a pass of 10 s at whose edges no bit is set."""
    board, gpus = _two_gpus()
    board.set(1, "hot_from_ms", 2000)
    board.set(1, "hot_to_ms", 5000)
    gpus.begin()
    board.sleep(10.0)
    gpus.end()
    return _told(gpus)


def hot_for_a_moment_of_a_timed_pass() -> Any:
    """Held back for 20 ms of a pass of 10 s: a boost that meets its limit."""
    board, gpus = _two_gpus()
    board.set(1, "hot_from_ms", 2000)
    board.set(1, "hot_to_ms", 2020)
    gpus.begin()
    board.sleep(10.0)
    gpus.end()
    return _told(gpus)


def hot_within_a_polled_pass() -> Any:
    """The same where the driver counts no time: only a look in between can see it."""
    board, gpus = _two_gpus()
    for index in (0, 1):
        board.set(index, "violation_error", 3)
    board.set(1, "hot_from_ms", 2000)
    board.set(1, "hot_to_ms", 5000)
    gpus.begin()
    for _ in range(40):
        board.sleep(0.25)
        gpus.glance()
    gpus.end()
    return _told(gpus)


def several_gpus_through_all_passes() -> Any:
    """`cuda:0,cuda:1`, which are the second and the first of NVML, through a whole measuring on virtual time."""
    import torch

    from bench.meters import boards
    from bench.meters.bundle import Meters
    from bench.meters.cascade import site_of
    from bench.meters.interference import InterferenceMeter
    from bench.meters.memory import MemoryMeter
    from bench.meters.sources.cuda_memory import CudaAllocator
    from bench.meters.sources.rss_high_water import KernelPeak
    from tests.measure.fakes import FakeModel, FakeWorkload, measured_by, profile, steady

    board = Board()
    board.gpu(0, "GPU-slow", bus=3, low=50, high=50)
    board.gpu(1, "GPU-fast", bus=7, low=250, high=250)
    place = {"cuda:0": GpuIdentity("fast", None), "cuda:1": GpuIdentity("slow", None)}
    boards.cuda_identity = place.__getitem__
    allocated = {"cuda:0": 3 << 20, "cuda:1": 5 << 20}
    cuda: Any = torch.cuda
    cuda.init = lambda: None
    cuda.reset_peak_memory_stats = lambda device: None
    cuda.max_memory_allocated = allocated.__getitem__
    cuda.max_memory_reserved = lambda device: 2 * allocated[device]
    site = site_of("cuda:0, cuda:1", board)
    chosen = choose_energy(site)
    memory = MemoryMeter(KernelPeak(), CudaAllocator(("cuda:0", "cuda:1")))
    meters = Meters("cuda:0, cuda:1", board, memory, InterferenceMeter(), chosen.meter, None, chosen.gpu)
    workload = FakeWorkload(board, [4, 1, 3, 2], steady([4, 1, 3, 2]))
    found = measured_by(FakeModel(), workload, profile(energy_window_s=12.0, idle_window_s=5.0), meters)
    return {fact.name: fact.value for fact in found.facts}
