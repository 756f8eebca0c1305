"""What GPUs can do at most, by the name that CUDA gives them: the ceiling of every plausible reading.

Matrix products without sparsity, on whichever units are fastest. Source: NVIDIA's data sheets and architecture white
papers of each GPU (V100, T4, A100, A10, GA102, AD102, L4, L40S, H100, H200, GH200, B200).
"""

from __future__ import annotations

import re
from dataclasses import dataclass

TERA, GIGA = 1e12, 1e9


@dataclass(frozen=True, slots=True)
class Peak:
    """The ceilings of one GPU."""

    bandwidth_bytes_s: float
    half_flop_s: float
    """float16 and bfloat16."""
    tf32_flop_s: float
    """float32 where TF32 is allowed; that of float32 for a GPU without."""
    single_flop_s: float
    """float32."""

    def flop_s(self, dtype: str, *, tf32: bool) -> float | None:
        """Look up the ceiling of a dtype as torch spells it; None for one without."""
        if dtype in ("float16", "bfloat16"):
            return self.half_flop_s
        if dtype == "float32":
            return self.tf32_flop_s if tf32 else self.single_flop_s
        return None


def _peak(gigabytes_s: float, half: float, tf32: float, single: float) -> Peak:
    return Peak(gigabytes_s * GIGA, half * TERA, tf32 * TERA, single * TERA)


H100 = _peak(3350, 989.4, 494.7, 66.9)
H100_PCIE = _peak(2039, 756, 378, 51)
H100_NVL = _peak(3938, 835.5, 417.7, 60)
H200 = _peak(4800, 989.4, 494.7, 66.9)
H200_NVL = _peak(4800, 835.5, 417.7, 60)
GH200 = _peak(4900, 989.4, 494.7, 66.9)
A100_40, A100_80, A100_80_PCIE = (_peak(width, 312, 156, 19.5) for width in (1555, 2039, 1935))

TABLE: tuple[tuple[str, Peak], ...] = (
    (r"GH200", GH200),
    (r"H200 NVL", H200_NVL),
    (r"H200", H200),
    (r"H100 NVL", H100_NVL),
    (r"H100 PCIe", H100_PCIE),
    (r"H100 80GB HBM3|H100 SXM", H100),
    (r"B200", _peak(8000, 2250, 1125, 80)),
    (r"A100.*PCIE?.*40GB|A100-PCIE-40GB|A100-SXM4-40GB", A100_40),
    (r"A100 80GB PCIe", A100_80_PCIE),
    (r"A100-SXM4-80GB", A100_80),
    (r"L40S", _peak(864, 362, 183, 91.6)),
    (r"L4", _peak(300, 121, 60, 30.3)),
    (r"A10", _peak(600, 125, 62.5, 31.2)),
    (r"T4", _peak(320, 65, 8.1, 8.1)),
    (r"V100", _peak(1134, 130, 16.4, 16.4)),
    (r"RTX 4090", _peak(1008, 330.3, 82.6, 82.6)),
    (r"RTX 3090", _peak(936, 142, 35.6, 35.6)),
)
"""Pattern of whole words of the name → ceilings; the first that fits."""


def peak_of(name: str) -> Peak | None:
    """Find the ceilings of a GPU by its name; None for one that is not in the table.

    >>> peak_of("NVIDIA H100 80GB HBM3") is H100, peak_of("NVIDIA H200") is H200, peak_of("Fake GPU")
    (True, True, None)
    """
    return next((peak for pattern, peak in TABLE if re.search(rf"(?<!\w)(?:{pattern})(?!\w)", name)), None)
