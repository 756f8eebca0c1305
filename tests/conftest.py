"""Fixtures for all tests: tiny checkpoints made once, and an environment that never asks a network."""

from __future__ import annotations

import gc
import os

os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")

from collections.abc import Iterator
from pathlib import Path

import pytest


@pytest.fixture
def cells_here() -> Iterator[None]:
    """Run cells in this process: they collect garbage before every phase, and need not go through all that the tests
    imported, a million objects, as the process of a cell never does."""
    gc.collect()
    gc.freeze()
    yield
    gc.unfreeze()


@pytest.fixture(scope="session")
def checkpoints(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Folder of a tiny random checkpoint per family."""
    from tests.checkpoints import FAMILIES, make_checkpoint

    folder = tmp_path_factory.mktemp("checkpoints")
    return {family: make_checkpoint(family, folder) for family in FAMILIES}
