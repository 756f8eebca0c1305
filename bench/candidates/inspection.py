"""Whether a checkpoint's folder holds what it must, told from its files before any of them is loaded.

Libraries meet a damaged, partial or foreign folder with whatever their parsers raise, or with nothing at all. Each of
these states has a sentence of its own here. Imports neither torch nor transformers.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path

from bench.errors import EnvironmentLackError

LFS_MARK = b"version https://git-lfs.github.com/spec/"
"""How a Git LFS pointer begins. Source: the git-lfs specification."""
LFS_LARGEST = 1024
"""Bytes of the largest pointer. Source: the same."""
MAX_HEADER = 100_000_000
"""Bytes of the longest header that safetensors reads. Source: its format description."""
ADAPTER_FILE = "adapter_config.json"
WEIGHT_PATTERNS = ("*.safetensors", "*.bin", "*.gguf")
"""Weights that can be loaded here, `*.bin` with `allow_pickle: true`."""
FOREIGN = {
    "*.h5": "TensorFlow weights",
    "*.ckpt*": "TensorFlow or Lightning weights",
    "*.msgpack": "Flax weights",
    "*.onnx": "an ONNX graph",
    "*.xml": "an OpenVINO graph",
    "*.ot": "Rust weights",
    "*.mlmodel": "Core ML weights",
    "*.tflite": "a TensorFlow Lite graph",
    "*.pt": "a torch file without transformers' layout",
    "*.pth": "a torch file without transformers' layout",
}
"""Weights that cannot, by the pattern of their files."""


def inspect_folder(model: str, folder: Path) -> None:
    """Check the files of a local checkpoint.

    Args:
        model: its name in the suite, for messages.
        folder: that holds `config.json` and the weights.

    Raises:
        EnvironmentLackError: a file is a Git LFS pointer, cut short or missing; the folder holds an adapter beside a
            whole model, or weights in a format that is not read here.
    """
    where = f"model '{model}': '{folder}'"
    _refuse_pointers(where, folder)
    _refuse_unreadable(where, folder)
    _refuse_adapters(where, folder)
    _refuse_missing_shards(where, folder)
    _refuse_shards_without_index(where, folder)
    _refuse_two_sets(where, folder)
    for path in sorted(folder.glob("*.safetensors")):
        problem = safetensors_problem(path)
        if problem is not None:
            raise EnvironmentLackError(f"{where}: {path.name} is damaged or cut short: {problem}; copy it again")
    _refuse_foreign(where, folder)
    if holds_adapter(folder):
        return
    if not _has_config(folder):
        raise EnvironmentLackError(
            f"{where}: the folder holds no config.json, which says what network the weights are of; copy it too"
        )


def _refuse_pointers(where: str, folder: Path) -> None:
    for path in sorted(folder.iterdir()):
        if path.is_file() and path.stat().st_size <= LFS_LARGEST and path.read_bytes().startswith(LFS_MARK):
            raise EnvironmentLackError(
                f"{where}: {path.name} is a Git LFS pointer, not the file itself; run `git lfs pull` in that repository"
            )


def _refuse_unreadable(where: str, folder: Path) -> None:
    for path in sorted(folder.glob("*.json")):
        problem = _json_problem(path)
        if problem is not None:
            raise EnvironmentLackError(f"{where}: {path.name} is not JSON ({problem}); copy it again")


def _json_problem(path: Path) -> str | None:
    try:
        json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, OSError, RecursionError) as error:
        return str(error)
    return None


def holds_adapter(folder: Path) -> bool:
    """Tell whether a folder is an adapter in PEFT's layout, and holds no whole weights beside it."""
    whole = any(path for name in ("model*.safetensors", "pytorch_model*.bin", "*.gguf") for path in folder.glob(name))
    return (folder / ADAPTER_FILE).is_file() and not whole


def _refuse_adapters(where: str, folder: Path) -> None:
    if not (folder / ADAPTER_FILE).is_file() or holds_adapter(folder):
        return
    base = _json(folder / ADAPTER_FILE).get("base_model_name_or_path")
    of = f" of '{base}'" if base else ""
    raise EnvironmentLackError(
        f"{where}: the folder holds a PEFT adapter{of} beside a whole model, and it would be left out without a word; "
        f"give the adapter a folder of its own, or remove {ADAPTER_FILE} to run the model without it"
    )


def _has_config(folder: Path) -> bool:
    return (folder / "config.json").is_file()


def _refuse_missing_shards(where: str, folder: Path) -> None:
    for index in sorted(folder.glob("*.index.json")):
        named = _json(index).get("weight_map")
        files = sorted(set(map(str, named.values()))) if isinstance(named, Mapping) else []
        missing = [name for name in files if not (folder / name).is_file()]
        if missing:
            raise EnvironmentLackError(
                f"{where}: {len(missing)} of {len(files)} weight files are missing ({', '.join(missing[:3])}"
                f"{', …' if len(missing) > 3 else ''}), which {index.name} names; copy them too"
            )


def _refuse_shards_without_index(where: str, folder: Path) -> None:
    shards = sorted(path.name for path in folder.glob("*-of-*.safetensors"))
    if shards and not any(folder.glob("*.safetensors.index.json")) and not (folder / "model.safetensors").is_file():
        raise EnvironmentLackError(
            f"{where}: the weights are in parts ({shards[0]}, …), and the file that says which part holds what "
            "(model.safetensors.index.json) is missing; copy it too"
        )


def _refuse_two_sets(where: str, folder: Path) -> None:
    index = folder / "model.safetensors.index.json"
    if index.is_file() and (folder / "model.safetensors").is_file():
        named = _json(index).get("weight_map")
        if isinstance(named, Mapping) and "model.safetensors" not in named.values():
            raise EnvironmentLackError(
                f"{where}: it holds model.safetensors and, by {index.name}, {len(set(map(str, named.values())))} parts "
                "of other weights; only the former would be loaded: remove those that are out of date"
            )


def _refuse_foreign(where: str, folder: Path) -> None:
    if any(True for pattern in WEIGHT_PATTERNS for _ in folder.glob(pattern)):
        return
    for path, what in _foreign(folder):
        raise EnvironmentLackError(
            f"{where}: {path.name} is {what}, which this family does not read; save the model with transformers' "
            "`save_pretrained`, which writes safetensors"
        )


def _foreign(folder: Path) -> Iterator[tuple[Path, str]]:
    return ((path, what) for pattern, what in FOREIGN.items() for path in sorted(folder.glob(pattern)))


def safetensors_problem(path: Path) -> str | None:
    """Find what is wrong with the layout of a safetensors file, or None; the tensors themselves are not read.

    Source: the format's description (8 bytes of little-endian length, a JSON header, the data).
    """
    size = path.stat().st_size
    with path.open("rb") as stream:
        length = int.from_bytes(stream.read(8), "little")
        if size < 8 or length > min(MAX_HEADER, size - 8):
            return f"it has {size:,} bytes and names a header of {length:,}"
        try:
            header = json.loads(stream.read(length))
        except (ValueError, RecursionError):
            return "its header is not JSON"
    if not isinstance(header, dict):
        return "its header is not a mapping"
    ends = [_end(tensor) for name, tensor in header.items() if name != "__metadata__"]
    if None in ends:
        return "its header names a tensor without a place"
    whole = 8 + length + max((end for end in ends if end is not None), default=0)
    return None if size == whole else f"it has {size:,} of {whole:,} bytes"


def _end(tensor: object) -> int | None:
    offsets = tensor.get("data_offsets") if isinstance(tensor, Mapping) else None
    if isinstance(offsets, list) and len(offsets) == 2 and isinstance(offsets[1], int):
        return offsets[1]
    return None


def _json(path: Path) -> Mapping[str, object]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, OSError, RecursionError) as error:
        raise EnvironmentLackError(f"{path}: not JSON ({error}); copy the file again") from error
    return content if isinstance(content, Mapping) else {}
