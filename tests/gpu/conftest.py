"""The device of the tests marked `gpu`: the first GPU; without one they are skipped, with the reason.

`BENCH_GPU_TESTS_ON=cpu` runs on the CPU what can be run there, to try the tests themselves.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from tests.gpu.scene import Scene, play

ON = "BENCH_GPU_TESTS_ON"


@pytest.fixture(scope="session")
def device() -> str:
    """`cuda:0`, or `cpu` where that is asked for."""
    import torch

    if os.environ.get(ON) == "cpu":
        return "cpu"
    if not torch.cuda.is_available():
        pytest.skip("torch sees no GPU here")
    return "cuda:0"


@pytest.fixture(scope="session")
def cuda(device: str) -> str:
    """The same, for what has no meaning on a CPU."""
    if device == "cpu":
        pytest.skip("has no meaning on a CPU")
    return device


@pytest.fixture(scope="session")
def meters(cuda: str) -> Any:
    """Instruments of the GPU, with the best source of energy."""
    from bench.meters.bundle import open_meters

    return open_meters(cuda)


@pytest.fixture(scope="session")
def scene(device: str, tmp_path_factory: pytest.TempPathFactory, checkpoints: dict[str, Path]) -> Scene:
    """One run of one suite, whose records many tests look at."""
    return play(device, tmp_path_factory.mktemp("gpu"), checkpoints)
