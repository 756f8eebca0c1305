"""Candidates of one's own for the GPU tests; the file is put beside the suite."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import nn

ROWS = 16
"""Every batch is filled up to so many rows, so that a captured graph fits all."""
SHARE = 8
"""A text takes an eighth of the GPU's memory: seven fit at most."""


def counts(texts: Sequence[str], device: torch.device, dtype: torch.dtype) -> torch.Tensor:
    """How often each byte occurs, shape (ROWS, 256)."""
    table = torch.zeros(ROWS, 256)
    for row, text in enumerate(texts):
        for byte in text.encode():
            table[row, byte] += 1
    return table.to(device, dtype)


class Bytes(nn.Module):
    """A classifier over counts of bytes."""

    def __init__(self, width: int = 1024, labels: int = 3) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.net = nn.Sequential(nn.Linear(256, width), nn.GELU(), nn.Linear(width, width), nn.Linear(width, labels))

    def classify(self, texts: Sequence[str], labels: Sequence[str]) -> list[list[float]]:
        """Log-probabilities of each label."""
        first = next(self.net.parameters())
        found: list[list[float]] = []
        for start in range(0, len(texts), ROWS):
            part = texts[start : start + ROWS]
            dtype = first.dtype if first.dtype.is_floating_point else torch.bfloat16
            logits = self.net(counts(part, first.device, dtype))[: len(part)]
            found += logits.float().log_softmax(-1).tolist()
        return found


def plain() -> Bytes:
    """Without anything."""
    return Bytes()


def graphs() -> Bytes:
    """Compiled, and on a GPU replayed as a CUDA graph."""
    module = Bytes()
    module.net.compile(mode="reduce-overhead")
    return module


def quantised(scheme: str) -> Bytes:
    """With weights in int8 or int4 by torchao, in bfloat16."""
    from torchao.quantization import Int4WeightOnlyConfig, Int8WeightOnlyConfig, quantize_

    config = Int8WeightOnlyConfig()
    if scheme == "int4":
        config = Int4WeightOnlyConfig(group_size=32, int4_packing_format="tile_packed_to_4d")
    where = "cuda" if torch.cuda.is_available() else "cpu"
    module = Bytes().to(where, torch.bfloat16)
    quantize_(module.net[:3], config)
    return module


class Hungry(Bytes):
    """Needs an eighth of the GPU's memory for each text."""

    def classify(self, texts: Sequence[str], labels: Sequence[str]) -> list[list[float]]:
        """Takes the memory, and gives it back."""
        device = next(self.net.parameters()).device
        if device.type == "cuda":
            each = torch.cuda.get_device_properties(device).total_memory // SHARE
            torch.empty(each * len(texts), dtype=torch.uint8, device=device)
        elif len(texts) >= SHARE:
            raise torch.OutOfMemoryError("CUDA out of memory: as a GPU would say it")
        return super().classify(texts, labels)


def hungry() -> Hungry:
    """Too large for a batch of sixteen."""
    return Hungry()
