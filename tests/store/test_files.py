"""Files and folders that are there whole or not at all."""

import os
import signal
import subprocess
import sys

import pytest

from bench.store.files import replacing, restore_folder, write_file, write_folder


def test_a_file_is_replaced_whole(tmp_path):
    path = tmp_path / "new" / "a.txt"
    write_file(path, "one\r\n")
    write_file(path, b"two")
    assert path.read_bytes() == b"two"
    assert list(path.parent.iterdir()) == [path]


def test_a_failure_leaves_the_old_file_and_nothing_else(tmp_path):
    path = tmp_path / "a.txt"
    write_file(path, "one")
    with pytest.raises(RuntimeError), replacing(path) as partial:
        partial.write_text("half")
        raise RuntimeError
    assert path.read_text() == "one"
    assert list(tmp_path.iterdir()) == [path]


KILLED = """
import os, sys
from pathlib import Path
from bench.store.files import replacing
with replacing(Path(sys.argv[1])) as partial:
    partial.write_text("half")
    os.kill(os.getpid(), 9)
"""


def test_what_a_kill_leaves_goes_with_the_next_write(tmp_path):
    path = tmp_path / "a.txt"
    write_file(path, "one")
    done = subprocess.run([sys.executable, "-c", KILLED, str(path)], timeout=60)
    assert done.returncode == -signal.SIGKILL
    assert path.read_text() == "one"
    assert len(list(tmp_path.iterdir())) == 2
    write_file(path, "two")
    assert list(tmp_path.iterdir()) == [path]


def test_the_target_of_a_link_is_replaced_and_the_link_stays(tmp_path):
    write_file(tmp_path / "there" / "a.txt", "one")
    (tmp_path / "a.txt").symlink_to(tmp_path / "there" / "a.txt")
    write_file(tmp_path / "a.txt", "two")
    assert (tmp_path / "a.txt").is_symlink()
    assert (tmp_path / "there" / "a.txt").read_text() == "two"


def test_what_is_no_file_is_written_to():
    read, write = os.pipe()
    from pathlib import Path

    write_file(Path(f"/dev/fd/{write}"), "text")
    os.close(write)
    with os.fdopen(read) as stream:
        assert stream.read() == "text"


def test_a_folder_is_replaced_whole_or_not_at_all(tmp_path):
    place = tmp_path / "latest"
    write_folder(place, lambda folder: (folder / "one").write_text("1"))
    write_folder(place, lambda folder: (folder / "two").write_text("2"))
    assert [path.name for path in place.iterdir()] == ["two"]

    def fail(folder):
        (folder / "half").write_text("x")
        raise OSError("the disk is full")

    with pytest.raises(OSError, match="full"):
        write_folder(place, fail)
    assert [path.name for path in place.iterdir()] == ["two"]
    assert list(tmp_path.iterdir()) == [place]
    place.rename(tmp_path / ".latest.replaced")  # as a kill between the two renames leaves it
    restore_folder(place)
    assert [path.name for path in place.iterdir()] == ["two"]
