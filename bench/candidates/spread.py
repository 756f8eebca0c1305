"""One model over several GPUs: its blocks one after another on each, as accelerate places them.

The input goes to the first GPU and the answer comes back to it. At batch size 1 the GPUs work in turn, so several make
room for a larger model and do not make it faster. Not for models that accelerate cannot split.
"""

from __future__ import annotations

from collections.abc import Sequence

from bench.candidates.untyped import Network
from bench.errors import UnsupportedError


def spread(module: Network, devices: Sequence[str]) -> Network:
    """Place the module with its blocks on `devices` (`cuda:N`), about equally full.

    Raises:
        UnsupportedError: it does not fit, or does not say which of its blocks must stay whole.
    """
    import torch
    from accelerate import dispatch_model

    free = {int(torch.device(device).index or 0): int(torch.cuda.mem_get_info(device)[0]) for device in devices}
    return dispatch_model(module, device_map=placement(module, free))


def placement(module: Network, free_bytes: dict[int, int]) -> dict[str, int | str]:
    """Choose the GPU of each part of the module: its name → the index of the GPU."""
    from accelerate import infer_auto_device_map
    from accelerate.utils import get_balanced_memory

    whole = list(getattr(module, "_no_split_modules", None) or [])
    if not whole:
        raise UnsupportedError(
            f"'{type(module).__name__}' does not say which of its blocks must stay whole, so it cannot be spread over "
            "several GPUs; set 'device' to one of them"
        )
    limits = get_balanced_memory(module, max_memory=dict(free_bytes), no_split_module_classes=whole)
    device_map: dict[str, int | str] = infer_auto_device_map(module, max_memory=limits, no_split_module_classes=whole)
    outside = [name for name, place in device_map.items() if place not in free_bytes]
    if outside:
        raise UnsupportedError(
            f"the model does not fit into the GPUs {', '.join(map(str, free_bytes))}: no room for '{outside[0]}'; name "
            "more of them in 'device', or take a variant of lower precision"
        )
    return device_map
