"""The stand-in for NVML, compiled and called in a child process, since the loader reads LD_LIBRARY_PATH at
its start."""

from __future__ import annotations

import ctypes
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

SOURCE = Path(__file__).parent / "fake_nvml.c"
ROOT = Path(__file__).parents[2]


def compile_library(folder: Path, *definitions: str) -> Path:
    """Returns `folder` with a `libnvidia-ml.so.1` in it; skips the test where there is no C compiler."""
    compiler = shutil.which("gcc") or shutil.which("cc")
    if compiler is None:
        pytest.skip("no C compiler for the stand-in of libnvidia-ml.so.1")
    flags = ["-shared", "-fPIC", "-O1", *(f"-D{name}" for name in definitions)]
    target = folder / "libnvidia-ml.so.1"
    subprocess.run([compiler, *flags, "-o", str(target), str(SOURCE), "-lm"], check=True)
    return folder


def in_child(library: Path, body: Callable[..., Any], **environment: str) -> Any:
    """Returns the JSON of what the function `body` returns in a child process that finds NVML in
    `library`."""
    code = f"import json; from {body.__module__} import {body.__name__} as f; print(json.dumps(f()))"
    settings = os.environ | {"LD_LIBRARY_PATH": str(library), "PYTHONPATH": str(ROOT)} | environment
    done = subprocess.run(
        [sys.executable, "-c", code], env=settings, cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


class Board:
    """Virtual time and the settings of the stand-in, from within the child; also the `Clock` of the
    meters."""

    def __init__(self) -> None:
        self._library = ctypes.CDLL("libnvidia-ml.so.1")
        self._library.fake_energy_mj.restype = ctypes.c_double
        self._ns = 0

    def gpu(self, index: int, uuid: str, bus: int = 1, **settings: float) -> None:
        self._library.fake_add_gpu(uuid.encode(), bus)
        for key, value in settings.items():
            self.set(index, key, value)

    def set(self, index: int, key: str, value: float) -> None:
        self._library.fake_set(index, key.encode(), ctypes.c_double(value))

    def true_joules(self, index: int, start_s: float, end_s: float) -> float:
        at = self._library.fake_energy_mj
        return float(at(index, ctypes.c_double(end_s * 1e3)) - at(index, ctypes.c_double(start_s * 1e3))) / 1e3

    def now_ns(self) -> int:
        return self._ns

    def synchronise(self) -> None:
        pass

    def device_timer(self) -> None:
        return None

    def sleep(self, seconds: float) -> None:
        self.ns += round(seconds * 1e9)

    @property
    def ns(self) -> int:
        return self._ns

    @ns.setter
    def ns(self, value: int) -> None:
        self._ns = value
        self._library.fake_time_ms(ctypes.c_double(value / 1e6))
