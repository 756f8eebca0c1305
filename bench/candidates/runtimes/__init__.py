"""Runtimes, one file each: what executes a network. Imports no library until one is opened."""

from __future__ import annotations

from bench.candidates.runtime import Runtime
from bench.plugins import Classes, Declared, Instances

RUNTIMES: Declared[Runtime] = Declared("runtime", "bench.runtimes", Instances(Classes(__name__, Runtime)))
"""Every runtime by name: the files of this folder, and the entry points `bench.runtimes`."""
