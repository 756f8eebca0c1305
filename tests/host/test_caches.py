"""What is kept is read back whole, or not at all."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.host import caches


def test_what_is_kept_is_read_back_and_nothing_else_is_left(tmp_path: Path) -> None:
    caches.keep(tmp_path / "new" / "thing", b"a\nb")
    assert caches.read(tmp_path / "new" / "thing") == b"a\nb"
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["thing"]


@pytest.mark.parametrize("damage", [b"", b"0\na", "cut", "more"])
def test_what_is_not_whole_is_not_read(tmp_path: Path, damage: bytes | str) -> None:
    place = tmp_path / "thing"
    caches.keep(place, b"content")
    whole = place.read_bytes()
    place.write_bytes({"cut": whole[:-1], "more": whole + b"x"}[damage] if isinstance(damage, str) else damage)
    assert caches.read(place) is None


def test_a_folder_that_cannot_be_written_to_keeps_nothing() -> None:
    place = Path("/dev/null/thing")
    caches.keep(place, b"content")
    assert caches.read(place) is None
