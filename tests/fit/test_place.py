"""Where checkpoints go: only what a fit wrote is replaced, and a place that cannot be written is told first."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.errors import BusyError, InputError
from bench.fit.place import check_place, held
from bench.fit.session import fit
from bench.store.files import write_folder
from tests.fit.jobs import make_job


def test_a_folder_with_other_files_is_never_replaced(tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.tex").write_text("years of work")
    said: list[str] = []
    with pytest.raises(InputError, match=r"tiny-encoder.*holds thesis.tex.*another place with 'fit: {output: …}'"):
        fit(make_job("encoder", tmp_path / "mine"), said.append)
    assert (tmp_path / "mine" / "thesis.tex").read_text() == "years of work" and not said
    assert [path.name for path in tmp_path.iterdir()] == ["mine"]


def test_a_place_that_cannot_be_written_is_told_before_any_step(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    said: list[str] = []
    with pytest.raises(InputError, match=r"cannot be written to .*file/out' \('.*file' is a file\)"):
        fit(make_job("encoder", tmp_path / "file" / "out"), said.append)
    assert not said


def test_a_checkpoint_of_ours_is_replaced_whole_or_not_at_all(tmp_path: Path) -> None:
    output = tmp_path / "out"

    def write(text: str) -> None:
        write_folder(output, lambda folder: (folder / "provenance.json").write_text(text) and None)

    def fail(folder: Path) -> None:
        (folder / "half").write_text("x")
        raise OSError("the disk is full")

    write("one")
    write("two")
    with pytest.raises(OSError, match="full"):
        write_folder(output, fail)
    assert [path.name for path in output.iterdir()] == ["provenance.json"]
    assert (output / "provenance.json").read_text() == "two"


def test_a_kill_between_the_two_renames_loses_nothing(tmp_path: Path) -> None:
    job = make_job("encoder", tmp_path / "out")
    write_folder(job.output, lambda folder: (folder / "provenance.json").write_text("old") and None)
    job.output.rename(tmp_path / ".out.replaced")
    check_place(job)
    assert (job.output / "provenance.json").read_text() == "old"


def test_one_process_trains_a_checkpoint_at_a_time(tmp_path: Path) -> None:
    job = make_job("encoder", tmp_path / "out")
    wanted = r"another process is training '.*out'; wait for its end"
    with held(job), pytest.raises(BusyError, match=wanted), held(job):
        pass
    with held(job):
        pass
    assert list(tmp_path.iterdir()) == []
