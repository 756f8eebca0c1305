"""What a failed load is said to be."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from transformers import AutoModelForCausalLM

from bench.candidates.hub import explain_load_errors
from bench.errors import EnvironmentLackError
from bench.suite import ModelSpec

REMOTE = "acme/tiny"


class HfHubHTTPError(OSError):
    """Named as huggingface_hub's own."""


def said(checkpoint: str, error: Exception) -> str:
    spec = ModelSpec(name="m", family="causal-lm", checkpoint=checkpoint)
    with pytest.raises(EnvironmentLackError) as caught, explain_load_errors(spec):
        raise error
    return f"{type(caught.value).__name__}: {caught.value}"


@pytest.fixture(autouse=True)
def offline(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")


def test_a_folder_is_never_refused_by_the_hub(tmp_path: Path) -> None:
    folder = tmp_path / "run-401"
    folder.mkdir()
    found = said(str(folder), RuntimeError(f"{folder}: size mismatch: 401 rows, Connection of 403"))
    assert found.startswith("EnvironmentLackError") and "cannot be loaded" in found


def test_a_checkpoint_of_another_family_is_named(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text('{"model_type": "t5"}')
    load: Any = AutoModelForCausalLM.from_pretrained
    with pytest.raises(ValueError) as caught:
        load(tmp_path)
    found = said(str(tmp_path), caught.value)
    assert "is of a 't5', which the family 'causal-lm' does not load; name another family" in found


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (OSError("Couldn't connect to 127.0.0.1:40123, we couldn't connect"), "HubError: .*cannot be reached"),
        (OSError("401 Client Error: Unauthorized"), r"HubError: .*refused access"),
        (HfHubHTTPError("503 Service Unavailable for url x"), r"HubError: .*an error \(503 Service Unavailable\)"),
        (HfHubHTTPError("429 Too Many Requests for url x"), r"HubError: .*an error \(429 Too Many Requests\)"),
    ],
)
def test_what_the_hub_says(error: Exception, message: str) -> None:
    import re

    assert re.match(message, said(REMOTE, error))


def test_a_checkpoint_with_code_of_its_own_is_not_run_unasked(tmp_path: Path) -> None:
    from transformers import AutoConfig

    (tmp_path / "config.json").write_text(json.dumps({"auto_map": {"AutoConfig": "own.Own"}, "model_type": "own"}))
    (tmp_path / "own.py").write_text("raise SystemExit('it ran')")
    spec = ModelSpec(name="m", family="causal-lm", checkpoint=str(tmp_path))
    with pytest.raises(EnvironmentLackError, match="set 'trust_remote_code: true'"), explain_load_errors(spec):
        AutoConfig.from_pretrained(str(tmp_path), trust_remote_code=False)
