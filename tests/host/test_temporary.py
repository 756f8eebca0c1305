"""Folders for temporary files: held while somebody works in one, removed when nobody does."""

from __future__ import annotations

import fcntl
import os
import shutil
import time
from pathlib import Path

import pytest

from bench.host import temporary


@pytest.fixture
def base(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.setattr(temporary, "LONGEST_BASE", 4096)
    return tmp_path


def test_a_folder_is_kept_while_it_is_held(base: Path) -> None:
    folder, held = temporary.make()
    temporary.tidy(base)
    assert folder.is_dir() and folder.parent == base
    os.close(held)
    temporary.tidy(base)
    assert not folder.exists()


def test_a_new_folder_without_its_lock_and_a_link_are_left_alone(base: Path) -> None:
    young, old, elsewhere = (base / f"{temporary.PREFIX}{name}" for name in ("young", "old", "link"))
    young.mkdir()
    old.mkdir()
    long_ago = time.time() - 2 * temporary.YOUNG_S
    os.utime(old, (long_ago, long_ago))
    target = base / "target"
    target.mkdir()
    (target / temporary.LOCK).touch()
    elsewhere.symlink_to(target)
    temporary.tidy(base)
    assert young.exists() and not old.exists() and elsewhere.is_symlink() and target.exists()


def test_what_outlives_a_run_is_put_where_the_user_said(base: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(temporary.LASTING, raising=False)
    assert temporary.lasting() == base
    monkeypatch.setenv(temporary.LASTING, "/elsewhere")
    assert temporary.lasting() == Path("/elsewhere")


def test_only_sockets_leave_a_place_that_is_too_deep_for_them(base: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder, held = temporary.make()
    assert temporary.make_for_sockets(folder) == folder
    short = base / "short"
    short.mkdir()
    monkeypatch.setattr(temporary, "LONGEST_BASE", 1)
    monkeypatch.setattr(temporary, "SHORT_BASE", short)
    assert temporary.make_for_sockets(folder).parent == short and folder.parent == base
    os.close(held)


def test_a_run_that_tidies_up_meanwhile_does_not_take_a_folder_that_is_being_made(
    base: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lock, asked = fcntl.flock, []

    def slowly(descriptor: int, operation: int) -> None:
        if operation == fcntl.LOCK_SH:
            asked.append(descriptor)
            temporary.tidy(base)
        lock(descriptor, operation)

    monkeypatch.setattr(fcntl, "flock", slowly)
    folder, held = temporary.make()
    assert asked == [held] and folder.is_dir() and (folder / temporary.LOCK).exists()
    os.close(held)


def test_nobody_takes_a_folder_that_is_being_removed(base: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder, held = temporary.make()
    os.close(held)
    taken = []

    def watched(path: Path) -> None:
        descriptor = os.open(path / temporary.LOCK, os.O_RDWR)
        with pytest.raises(BlockingIOError):
            fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
        os.close(descriptor)
        taken.append(path)
        shutil.rmtree(path)

    monkeypatch.setattr(temporary, "remove", watched)
    temporary.tidy(base)
    assert taken == [folder]
    with pytest.raises(FileNotFoundError):
        temporary.hold(folder)
