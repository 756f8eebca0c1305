"""The software that decides a timing, by package metadata (nothing is imported), and the git state of a
folder."""

from __future__ import annotations

import os
import platform
import subprocess
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from bench.host.facts import Facts

PACKAGES = (
    "bench",
    "torch",
    "transformers",
    "tokenizers",
    "accelerate",
    "safetensors",
    "datasets",
    "evaluate",
    "numpy",
    "scipy",
    "sacrebleu",
    "rouge-score",
    "scikit-learn",
    "onnxruntime",
    "openvino",
    "ctranslate2",
    "triton",
    "flash-attn",
    "nvidia-cudnn-cu12",
    "nvidia-cublas-cu12",
    "nvidia-ml-py",
)
"""Packages whose version may move a number."""
VARIABLES = (
    "OMP_NUM_THREADS",
    "MKL_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "KMP_AFFINITY",
    "OMP_PROC_BIND",
    "LD_PRELOAD",
    "MALLOC_ARENA_MAX",
    "PYTORCH_CUDA_ALLOC_CONF",
    "CUDA_VISIBLE_DEVICES",
    "CUDA_LAUNCH_BLOCKING",
    "TOKENIZERS_PARALLELISM",
    "ONEDNN_MAX_CPU_ISA",
    "ATEN_CPU_CAPABILITY",
    "NVIDIA_TF32_OVERRIDE",
)
"""Environment variables that change how fast or how exact the arithmetic is."""
GIT_LIMIT_S = 10.0
"""Longest wait for git, which answers in milliseconds unless the folder lies on a slow network."""


def software_facts() -> Facts:
    """Collect the versions of Python and of the packages, and the environment variables that matter where set."""
    return {
        "python": platform.python_version(),
        "implementation": platform.python_implementation(),
        "packages": {name: installed for name in PACKAGES if (installed := package_version(name)) is not None},
        "variables": {name: os.environ[name] for name in VARIABLES if name in os.environ},
    }


def package_version(name: str) -> str | None:
    """Look up the version of an installed package, or None."""
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def git_facts(folder: Path) -> Facts:
    """Ask git for `commit` and `dirty` (whether tracked files differ from it), both None with a `reason` where
    there is none."""
    commit = _git(folder, "rev-parse", "--verify", "--quiet", "HEAD")
    if commit is None:
        return {"commit": None, "dirty": None, "reason": f"no git commit at {folder.name or folder}"}
    changed = _git(folder, "status", "--porcelain", "--untracked-files=no")
    return {"commit": commit, "dirty": None if changed is None else bool(changed)}


def _git(folder: Path, *arguments: str) -> str | None:
    try:
        done = subprocess.run(
            ["git", "-C", str(folder), *arguments],
            capture_output=True,
            text=True,
            timeout=GIT_LIMIT_S,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() if done.returncode == 0 else None
