"""Fixtures for all tests: tiny checkpoints made once, and an environment that never asks a network."""

from __future__ import annotations

import gc
import os

os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")

from collections.abc import Iterator
from pathlib import Path

import hypothesis  # noqa: F401  it looks for what refers to a generator of trio's, and sees nothing that is frozen
import pytest

from bench.__main__ import collect_rarely
from bench.measure import heap

collect_rarely()


@pytest.fixture(scope="module", autouse=True)
def small_heap() -> None:
    """Hide from the garbage collector what was imported and collected so far, a million objects, as the server of cells
    does: a cell that runs in this process collects garbage before every phase, and would look through all of them.

    What the tests before left unreachable is collected first, so that nothing of it stays.
    """
    gc.collect()
    heap.freeze_for_good()


@pytest.fixture
def thawed(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Begin as a process that has hidden nothing from the garbage collector."""
    monkeypatch.setattr(heap, "SERVER", heap.Server())
    gc.unfreeze()
    yield
    gc.freeze()


@pytest.fixture(scope="session")
def checkpoints(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Folder of a tiny random checkpoint per family."""
    from tests.checkpoints import FAMILIES, make_checkpoint

    folder = tmp_path_factory.mktemp("checkpoints")
    return {family: make_checkpoint(family, folder) for family in FAMILIES}
