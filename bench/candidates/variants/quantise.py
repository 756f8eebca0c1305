"""Dynamic int8 quantisation of linear layers: weights stored as int8, activations quantised per batch, CPU
only.

Small models may get slower: quantising the activations costs more than a small product saves. That is a
finding, and the report shows variant against parent.
"""

from __future__ import annotations

import warnings

import torch


def quantise(module: torch.nn.Module) -> torch.nn.Module:
    """Returns a copy of `module` whose linear layers work in int8."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        quantised: torch.nn.Module = torch.ao.quantization.quantize_dynamic(  # type: ignore[no-untyped-call]
            module, {torch.nn.Linear}, dtype=torch.qint8
        )
    return quantised
