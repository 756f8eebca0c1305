"""Damaged, partial and foreign folders: each its own sentence, before anything is loaded."""

import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from bench.candidates.inspection import inspect_folder, safetensors_problem
from bench.errors import EnvironmentLackError


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    save_file({"a": torch.zeros(8), "b": torch.ones(3, 4)}, tmp_path / "model.safetensors")
    (tmp_path / "config.json").write_text("{}")
    return tmp_path


def refusal(folder: Path) -> str:
    with pytest.raises(EnvironmentLackError) as caught:
        inspect_folder("m", folder)
    return str(caught.value)


def test_a_whole_folder_passes(folder: Path) -> None:
    inspect_folder("m", folder)
    assert safetensors_problem(folder / "model.safetensors") is None


@pytest.mark.parametrize("kept", [0, 5, 9, 60, -1])
def test_a_file_that_is_cut_short(folder: Path, kept: int) -> None:
    path = folder / "model.safetensors"
    path.write_bytes(path.read_bytes()[:kept])
    assert "model.safetensors is damaged or cut short" in refusal(folder)


def test_bytes_behind_the_end_and_a_header_that_is_no_json(folder: Path) -> None:
    path = folder / "model.safetensors"
    path.write_bytes(path.read_bytes() + b"x")
    assert "damaged" in refusal(folder)
    path.write_bytes((4).to_bytes(8, "little") + b"{{{{")
    assert "header is not JSON" in refusal(folder)


def test_a_git_lfs_pointer(folder: Path) -> None:
    (folder / "tokenizer.json").write_text("version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 5\n")
    assert "tokenizer.json is a Git LFS pointer" in refusal(folder)


def test_missing_shards_are_named(folder: Path) -> None:
    shards = {"a": "model-00001-of-00002.safetensors", "b": "model-00002-of-00002.safetensors"}
    (folder / "model.safetensors").rename(folder / shards["a"])
    (folder / "model.safetensors.index.json").write_text(json.dumps({"weight_map": shards}))
    assert "1 of 2 weight files are missing (model-00002-of-00002.safetensors)" in refusal(folder)


def test_an_adapter_beside_a_model_is_refused_and_one_alone_passes(folder: Path) -> None:
    (folder / "adapter_config.json").write_text(json.dumps({"base_model_name_or_path": "org/base"}))
    assert "PEFT adapter of 'org/base' beside a whole model" in refusal(folder)
    (folder / "model.safetensors").rename(folder / "adapter_model.safetensors")
    inspect_folder("m", folder)


def test_weights_in_another_format(folder: Path) -> None:
    (folder / "model.safetensors").unlink()
    (folder / "tf_model.h5").touch()
    assert "tf_model.h5 is TensorFlow weights" in refusal(folder)


@pytest.mark.parametrize("name", ["config.json", "tokenizer.json", "generation_config.json"])
def test_a_file_that_is_not_json(folder: Path, name: str) -> None:
    (folder / name).write_text('{"a": 1}}')
    assert f"{name} is not JSON" in refusal(folder)


def test_weights_without_their_configuration(folder: Path) -> None:
    (folder / "config.json").unlink()
    assert "holds no config.json" in refusal(folder)


def test_parts_without_their_index(folder: Path) -> None:
    (folder / "model.safetensors").rename(folder / "model-00001-of-00002.safetensors")
    assert "model.safetensors.index.json) is missing" in refusal(folder)
