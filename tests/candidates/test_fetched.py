"""Checkpoints by the address of an object store; `file://` is one without a server, `tests/store` has a real S3."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from bench.candidates.checkpoint import locate, weights_identity
from bench.candidates.fetched import address_of, fetch
from bench.errors import BenchError, SuiteError
from bench.host import caches
from bench.planning import make_plan, open_suite
from bench.store.objects import ObjectBlobs

SUITE = """\
name: s
models: [{{name: m, family: linear, checkpoint: "{checkpoint}"}}]
tasks: [{{name: t, kind: classification, data: {{path: rows.jsonl}}}}]
measure: "off"
"""


@pytest.fixture
def stored(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A checkpoint in a store, and a cache that holds nothing."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    place = tmp_path / "store" / "status"
    (place / "deep").mkdir(parents=True)
    for name in ("config.json", "model.safetensors", "deep/words.txt"):
        (place / name).write_text("{}")
    fetch.cache_clear()
    yield place
    fetch.cache_clear()


def test_it_is_fetched_once_whole_and_known_by_its_content(stored: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    copied: list[str] = []
    download = ObjectBlobs.download
    monkeypatch.setattr(
        ObjectBlobs, "download", lambda self, name, path: (copied.append(name), download(self, name, path))
    )
    folder = locate(f"file://{stored}", Path()).folder
    assert folder is not None and folder.is_relative_to(caches.folder())
    assert sorted(copied) == ["config.json", "deep/words.txt", "model.safetensors"]
    fetch.cache_clear()  # as another process
    assert locate(f"file://{stored}", Path()).folder == folder
    assert len(copied) == 3
    assert address_of(folder) == f"file://{stored}"
    assert address_of(stored) is None
    assert weights_identity(f"file://{stored}", None, None) == weights_identity(str(stored), None, None)


def test_what_is_uploaded_anew_is_fetched_anew_and_what_was_cut_short_is_none(stored: Path) -> None:
    folder = fetch(f"file://{stored}")
    folder.parent.rename(folder.parent.with_suffix(".partial"))  # of a process that was killed in the middle
    (folder.parent.with_suffix(".partial") / folder.name / "config.json").write_text("{")
    fetch.cache_clear()
    assert fetch(f"file://{stored}") == folder
    assert (folder / "config.json").read_text() == "{}"
    (stored / "config.json").write_text('{"x": 1}')
    fetch.cache_clear()
    other = fetch(f"file://{stored}")
    assert other != folder and (other / "config.json").read_text() == '{"x": 1}'


@pytest.mark.parametrize(
    ("address", "words"),
    [
        ("file://{stored}/nowhere", "there is no checkpoint at 'file://"),
        ("s3://me:secret@models/status", r"models/status': leave the password out"),
        ("s4://models/status", "'s4' is no kind of object store"),
    ],
)
def test_a_mistake_is_one_line(address: str, words: str, stored: Path) -> None:
    with pytest.raises(BenchError, match=words) as told:
        fetch(address.format(stored=stored))
    assert "\n" not in str(told.value)


def test_the_suite_tells_where_it_names_one_and_its_cells_are_those_of_the_folder(stored: Path) -> None:
    def cells_of(checkpoint: str) -> list[str]:
        (stored.parent / "rows.jsonl").write_text('{"text": "a", "label": "x"}\n{"text": "b", "label": "y"}\n')
        path = stored.parent / "suite.yaml"
        path.write_text(SUITE.format(checkpoint=checkpoint))
        return [cell.id for cell in make_plan(open_suite(str(path)), stored.parent / "results").cells]

    assert cells_of(f"file://{stored}") == cells_of(str(stored))
    with pytest.raises(SuiteError, match=r"suite\.yaml:2:\d+ models\[0\]\.checkpoint: there is no checkpoint at"):
        cells_of(f"file://{stored}/nowhere")
