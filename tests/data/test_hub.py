"""Data sets through Hugging Face's library: read from a folder, and what is said without a network."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.data import hub
from bench.data.source import load
from bench.errors import DataError, HubError
from bench.host import hub as endpoint
from bench.suite import DataSpec
from bench.tasks import KINDS
from tests.host.test_hub import dead_endpoint


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A data set on disk with a class label, as the Hub would serve it."""
    import datasets

    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path / "cache")
    features = datasets.Features(
        {"sentence": datasets.Value("string"), "label": datasets.ClassLabel(names=["negative", "positive"])}
    )
    for split, labels in (("test", [1, 0]), ("train", [-1, -1])):
        rows = {"sentence": ["good", "bad"], "label": labels}
        datasets.Dataset.from_dict(rows, features=features).to_parquet(tmp_path / "set" / f"{split}.parquet")
    return tmp_path / "set"


def test_class_labels_become_their_names(folder: Path) -> None:
    spec = DataSpec(hub=str(folder), columns={"text": "sentence"})
    data = load(spec, KINDS["classification"].columns, base=Path())
    assert [dict(example.columns) for example in data.examples] == [
        {"text": "good", "label": "positive"},
        {"text": "bad", "label": "negative"},
    ]


def test_a_split_published_without_labels_is_refused(folder: Path) -> None:
    with pytest.raises(DataError, match="'label' holds -1: this split has no labels"):
        hub.read(str(folder), None, "train", None)


def test_an_unknown_split_is_the_users_mistake(folder: Path) -> None:
    with pytest.raises(DataError, match="check 'config' and 'split'"):
        hub.read(str(folder), None, "tset", None)


def test_a_dead_endpoint_means_the_cache_and_no_retries(monkeypatch: pytest.MonkeyPatch) -> None:
    import datasets

    monkeypatch.setattr(endpoint, "getproxies", dict)
    monkeypatch.setenv("HF_ENDPOINT", dead_endpoint())
    monkeypatch.setattr(datasets.config, "HF_HUB_OFFLINE", False)
    seen: list[bool] = []

    def load_dataset(*_: object, **__: object) -> None:
        seen.append(datasets.config.HF_HUB_OFFLINE)
        raise ConnectionError("Couldn't reach it")

    monkeypatch.setattr(datasets, "load_dataset", load_dataset)
    with pytest.raises(HubError, match="not in the local cache, and the Hub cannot be reached"):
        hub.read("nobody/nothing", None, "test", None)
    assert seen == [True]
    assert datasets.config.HF_HUB_OFFLINE is False


@pytest.mark.parametrize(("file", "held"), [("test.parquet", b"PAR1 and no more"), ("test.jsonl", b'{"a": 1}\n{"a"')])
def test_files_that_were_served_and_cannot_be_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, file: str, held: bytes
) -> None:
    import datasets

    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path / "cache")
    (tmp_path / "set").mkdir()
    (tmp_path / "set" / file).write_bytes(held)
    with pytest.raises(DataError, match="were served and cannot be read"):
        hub.read(str(tmp_path / "set"), None, "test", None)


def test_a_data_set_that_is_a_script_is_not_taken_for_a_dead_hub(monkeypatch: pytest.MonkeyPatch) -> None:
    import datasets

    def load_dataset(*_: object, **__: object) -> None:
        raise RuntimeError("Dataset scripts are no longer supported, but found old.py")

    monkeypatch.setattr(datasets, "load_dataset", load_dataset)
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with pytest.raises(DataError, match="made by a script, which is not run"):
        hub.read("old/set", None, "test", None)
