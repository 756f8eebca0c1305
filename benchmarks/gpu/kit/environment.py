"""Set up bench on the machine with the GPU, without a network: the carried wheels beside what is there.

The packages go into a folder of their own, which stands first on PYTHONPATH. A virtual environment would not do: that
machine's Python is in one itself, and an environment made from it would see the packages of the system's Python
instead. Nothing that is there is changed.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from benchmarks.gpu.kit.machine import EXTRAS, PYTHON

BUNDLE = "explorer.js"
REPLACEMENT = '''"""The one script of vl-convert that bench's report embeds, made where the kit was collected."""

from pathlib import Path

SNIPPET = "window.vegaEmbed=vegaEmbed;"


def javascript_bundle(snippet):
    """Return the script for the snippet that bench asks for."""
    if snippet != SNIPPET:
        raise NotImplementedError(f"the kit carries the script for {SNIPPET!r} alone")
    return Path(__file__).with_name("explorer.js").read_text(encoding="utf-8")
'''
SETTINGS = {
    "HF_HUB_OFFLINE": "1",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "TOKENIZERS_PARALLELISM": "false",
    "PYTHONUNBUFFERED": "1",
    "PYTHONDONTWRITEBYTECODE": "1",
}


class SetUpError(Exception):
    """The kit cannot be set up; `str()` says why and what to do."""


def set_up(wheels: Path, site: Path, extras: Path) -> None:
    """Unpack the carried wheels into a folder, and those that bench does not need into another.

    torchao is kept apart: where it is installed, transformers imports it with everything, and every process is slower.

    Raises:
        SetUpError: there are none, this is another Python, or pip refuses.
    """
    carried = sorted(wheels.glob("*.whl")) if wheels.is_dir() else []
    if not carried:
        raise SetUpError(
            f"no wheels in {wheels}; run `python -m benchmarks.gpu.kit collect` where there is a network, and carry "
            "that folder along"
        )
    if f"{sys.version_info.major}.{sys.version_info.minor}" != PYTHON:
        raise SetUpError(f"the wheels are for Python {PYTHON}, and this is {sys.version.split()[0]}; start that one")
    beside = [wheel for wheel in carried if wheel.name.partition("-")[0] in EXTRAS]
    _unpack([wheel for wheel in carried if wheel not in beside], site)
    _unpack(beside, extras)
    if (wheels / BUNDLE).exists():
        package = site / "vl_convert"
        package.mkdir(exist_ok=True)
        (package / "__init__.py").write_text(REPLACEMENT, encoding="utf-8")
        (package / BUNDLE).write_text((wheels / BUNDLE).read_text(encoding="utf-8"), encoding="utf-8")


def _unpack(wheels: list[Path], target: Path) -> None:
    if not wheels:
        return
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "install", "-q", "--no-index", "--no-deps"]
    options = ["--no-compile", "--no-cache-dir", "--upgrade", "--target", str(target)]
    done = subprocess.run([*pip, *options, *map(str, wheels)], capture_output=True, text=True, check=False)
    if done.returncode:
        raise SetUpError(f"pip cannot unpack the wheels: {done.stderr.strip()[-500:]}")


def variables(root: Path, scratch: Path, site: Path | None, before: Mapping[str, str] | None = None) -> dict[str, str]:
    """Give the environment of every step: where packages and caches lie, and nothing that asks a network."""
    inherited = dict(os.environ if before is None else before)
    paths = [str(path) for path in (site, root) if path is not None] + [inherited.get("PYTHONPATH", "")]
    return (
        inherited
        | SETTINGS
        | {
            "PYTHONPATH": os.pathsep.join(path for path in paths if path),
            "TMPDIR": str(scratch),
            "TRITON_CACHE_DIR": str(scratch / "triton"),
            "TORCHINDUCTOR_CACHE_DIR": str(scratch / "inductor"),
        }
    )


def why_no_gpu() -> str | None:
    """Explain why the kit cannot run here; None where torch sees a GPU."""
    try:
        import torch
    except ImportError as error:
        return f"torch cannot be imported ({error})"
    if torch.version.cuda is None:
        return f"torch {torch.__version__} is built without CUDA"
    if not torch.cuda.is_available():
        return f"torch {torch.__version__} (CUDA {torch.version.cuda}) sees no GPU; {_nvml_says()}"
    return None


def _nvml_says() -> str:
    from bench.host.nvml import NvmlUnavailableError, all_devices, open_nvml

    try:
        devices = all_devices(open_nvml())
    except NvmlUnavailableError as error:
        return f"NVML cannot be used either: {error}"
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    names = ", ".join(device.name for device in devices) or "none"
    return f"NVML sees: {names}" + ("" if visible is None else f"; CUDA_VISIBLE_DEVICES is '{visible}'")
