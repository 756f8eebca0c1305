"""Memory: what bench calls the peak against sizes that are known, exact to the allocator's block."""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchmarks.gpu.kit.context import NEEDS_GPU, Context
from benchmarks.gpu.kit.physics import block_bytes, segment_bytes

if TYPE_CHECKING:
    import torch

MIB = 2**20
SIZES = (1, 512, 513, MIB, MIB + 1, 5 * MIB, 27 * MIB // 2, 256 * MIB, 300 * MIB + 7)
DRIVER_BYTES = 2 * MIB
"""Granularity in which the driver gives memory out."""


def memory(context: Context) -> None:
    """Allocate each size with nothing else alive, between the start and the stop of bench's meter."""
    ledger = context.ledger
    if not context.on_gpu:
        ledger.skip("memory exact to the block", NEEDS_GPU)
        return
    import torch

    from bench.meters.allocator import release
    from bench.meters.bundle import open_meters

    meters = open_meters(context.device, "off")
    take(1, context.device)
    for size in SIZES:
        release()
        base = torch.cuda.memory_allocated(context.device), torch.cuda.memory_reserved(context.device)
        used = board_bytes(meters)
        meters.memory.start(poll=False)
        kept = take(size, context.device)
        peak, grown = meters.memory.stop(), board_bytes(meters)
        allocated, reserved = (peak.gpu_allocated_bytes or 0) - base[0], (peak.gpu_reserved_bytes or 0) - base[1]
        del kept
        expected = block_bytes(size)
        shown = f"{allocated} bytes, {expected} expected"
        ledger.hold(f"allocated for {size} bytes", allocated, at_least=expected, at_most=expected, shown=shown)
        expected = segment_bytes(size)
        shown = f"{reserved} bytes, {expected} expected"
        ledger.hold(f"reserved for {size} bytes", reserved, at_least=expected, at_most=expected, shown=shown)
        if used is not None and grown is not None:
            ledger.tell(f"board for {size} bytes", f"{grown - used} bytes by NVML", grown - used)


def take(size: int, device: str) -> torch.Tensor:
    """Allocate so many bytes, which nothing is written to."""
    import torch

    return torch.empty(size, dtype=torch.uint8, device=device)


def board_bytes(meters: object) -> int | None:
    """Ask NVML how much of the board is used now."""
    from bench.meters.bundle import Meters

    assert isinstance(meters, Meters)
    if meters.gpu is None:
        return None
    state = meters.gpu.states[0]
    return int(state.pynvml.nvmlDeviceGetMemoryInfo(state.device.handle).used)
