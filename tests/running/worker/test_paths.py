"""A record names the functions that were scored and timed, and how often they agree."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from bench.planning import make_plan, open_suite
from bench.running.worker.cell import run_cell
from tests.checkpoints import TEXTS, make_checkpoint

SUITE = """\
name: paths
defaults: {{device: cpu, threads: 1, batch_size: 2}}
models:
  - {{name: gpt, family: causal-lm, checkpoint: ./causal-lm}}
  - {{name: copies, family: baseline, strategy: copy}}
tasks:
  - {{name: german, kind: translation, data: {{path: german.jsonl}}, max_new_tokens: 6}}
  - {{name: beams, kind: translation, data: {{path: german.jsonl}}, max_new_tokens: 6, num_beams: 2}}
measure: {measure}
objectives: [quality, latency_p50_s]
"""


def paths_of(folder: Path, measure: str) -> dict[tuple[str, str], dict[str, Any]]:
    """Run every cell of the suite and return its note."""
    (folder / "suite.yaml").write_text(SUITE.format(measure=measure))
    (folder / "german.jsonl").write_text("\n".join(json.dumps({"source": t, "target": t}) for t in TEXTS[:4]))
    plan = make_plan(open_suite(str(folder / "suite.yaml")), folder / "results")
    return {
        (cell.model, cell.task): run_cell(cell, 0, lambda _: None).notes["paths"]
        for cell in plan.written(folder / "results")
        if cell.unsupported is None
    }


@pytest.mark.slow
def test_both_paths_are_named_with_the_share_of_answers_that_agree(tmp_path: Path) -> None:
    make_checkpoint("causal-lm", tmp_path)
    paths = paths_of(tmp_path, '{profile: quick, window_s: 0.05, energy: "off"}')
    greedy, beams, rule = paths["gpt", "german"], paths["gpt", "beams"], paths["copies", "german"]
    assert greedy["scored"] == "bench.candidates.decoding.greedy.generate_many"
    assert greedy["timed"] == beams["scored"] == beams["timed"] == "transformers.generate"
    assert rule["scored"] == rule["timed"] == "baseline.generate"
    assert all(note["compared"] > 0 and note["agree"] == 1.0 for note in paths.values())


def test_nothing_is_timed_where_nothing_is_measured(tmp_path: Path) -> None:
    make_checkpoint("causal-lm", tmp_path)
    note = paths_of(tmp_path, "{profile: 'off'}")["gpt", "german"]
    assert (note["timed"], note["compared"], note["agree"]) == (None, 0, None)
    assert note["scored"].endswith("generate_many")
