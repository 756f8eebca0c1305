from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from bench.candidates import spread as module_under_test
from bench.candidates.spread import placement, spread
from bench.errors import UnsupportedError
from tests.checkpoints import load, make_checkpoint

MIB = 2**20


@pytest.fixture
def gpt2(tmp_path: Path) -> Any:
    return load("causal-lm", make_checkpoint("causal-lm", tmp_path), "translation").module


def test_blocks_stay_whole_and_lie_on_both(gpt2: Any) -> None:
    block = sum(tensor.numel() * tensor.element_size() for tensor in gpt2.transformer.h[0].parameters())
    rest = sum(tensor.numel() * tensor.element_size() for tensor in gpt2.transformer.wte.parameters())
    found = placement(gpt2, {0: rest + 3 * block // 2, 1: 8 * block + rest})
    assert set(found.values()) == {0, 1}
    assert all("transformer.h.0." not in name and "transformer.h.1." not in name for name in found)


def test_too_little_room_is_said(gpt2: Any) -> None:
    with pytest.raises(UnsupportedError, match=r"does not fit into the GPUs 0, 1: no room for"):
        placement(gpt2, {0: 1024, 1: 1024})


def test_a_module_without_known_blocks_is_refused() -> None:
    with pytest.raises(UnsupportedError, match="must stay whole"):
        placement(torch.nn.Linear(2, 2), {0: MIB, 1: MIB})


def test_free_memory_of_each_gpu_decides(gpt2: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    free = {"cuda:1": 64 * MIB, "cuda:3": 32 * MIB}
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda device: (free[device], 80 * 1024 * MIB))
    asked: dict[str, Any] = {}
    monkeypatch.setattr(module_under_test, "placement", lambda module, limits: asked.update(limits=limits) or {"": 1})
    monkeypatch.setattr("accelerate.dispatch_model", lambda module, device_map: (module, device_map))
    assert spread(gpt2, ["cuda:1", "cuda:3"]) == (gpt2, {"": 1})
    assert asked["limits"] == {1: 64 * MIB, 3: 32 * MIB}
