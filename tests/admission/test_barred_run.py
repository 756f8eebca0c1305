"""A model that answers the same to everything, from the run to the terminal, the report and the recommendation."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from bench.__main__ import main
from tests.admission import scenes

pytestmark = pytest.mark.slow


def test_it_is_shown_and_not_picked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    texts = tuple(f"text {number}" for number in range(12))
    scenes.rows(tmp_path, texts, ("beta",) * 7 + ("alpha",) * 5)
    scenes.own_model(tmp_path, "return [[0.0, 1.0, len(text) / 100] for text in texts]")
    models = [f"{{name: same, family: torch-module, factory: '{scenes.own_name(tmp_path)}:make'}}"]
    models.append("{name: lowest, family: baseline, strategy: majority}")
    lines = [line for line in scenes.OWN.splitlines() if not line.startswith("models:")]
    (tmp_path / "suite.yaml").write_text("\n".join([*lines, f"models: [{', '.join(models)}]"]))
    assert main(["run", "suite.yaml", "--report", "page.html"]) == 0
    (row,) = [line for line in capsys.readouterr().out.splitlines() if " same " in line and "accuracy" in line]
    assert "barred: answers_all" in row  # cut to the width of the terminal
    assert main(["recommend", "--json"]) == 0
    decision: dict[str, Any] = json.loads(capsys.readouterr().out)
    advice = decision["tasks"]["t"]["recommendation"]
    assert advice["barred"] == {"same": "answers_all_equal"}
    assert (advice["pick"], advice["leader"]) == (None, None)  # only the floor is left
    assert "same" in advice["excluded"] and len(advice["warnings"]) >= 1
    page = (tmp_path / "page.html").read_text()
    assert "all 12 examples were answered" in page and "lowest" in page
