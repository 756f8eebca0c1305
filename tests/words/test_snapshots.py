"""Every sentence about results, checked once: the sentences of a gallery of results against files in `snapshots/`.

After a change of wording, look at what changed and renew the files:

    BENCH_RENEW_SNAPSHOTS=1 python -m pytest tests/words/test_snapshots.py
    git diff tests/words/snapshots

Other tests assert structure, never wording.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.words import gallery, gate_gallery

FOLDER = Path(__file__).parent / "snapshots"
RENEW = "BENCH_RENEW_SNAPSHOTS"
SCENES: dict[str, Callable[[], list[str]]] = gallery.SCENES | gate_gallery.SCENES


@pytest.mark.parametrize("name", list(SCENES))
def test_the_sentences_are_those_of_the_snapshot(name: str) -> None:
    text = "\n".join(SCENES[name]()) + "\n"
    path = FOLDER / f"{name}.txt"
    if os.environ.get(RENEW):
        path.write_text(text, encoding="utf-8")
    assert path.is_file(), f"there is no {path.name}; run once with {RENEW}=1"
    assert text == path.read_text(encoding="utf-8")


def test_every_snapshot_has_a_scene() -> None:
    assert {path.stem for path in FOLDER.glob("*.txt")} == set(SCENES)
