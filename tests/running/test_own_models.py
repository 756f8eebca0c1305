"""Own models end to end: each breach of the contract is one sentence with the user's line, and a factory that does not
say what it makes is built once to find out."""

from __future__ import annotations

import contextlib
import io
import json
from typing import Any

import pytest

from bench.__main__ import main
from bench.running.executors import wire
from bench.running.executors.outcome import Answer, Failure

pytestmark = pytest.mark.slow

MODULE = '''\
"""Models that break the contract, each in one way; MARK stands in the line that a message must name."""

from pathlib import Path

import torch


class Sign:
    def log_likelihood(self, texts):  # MARK Sign
        return [(-3.0, 4) for _ in texts]


class NoPair:
    def log_likelihood(self, texts):  # MARK NoPair
        return [3.0 for _ in texts]


class HalfToken:
    def log_likelihood(self, texts):  # MARK HalfToken
        return [(3.0, 1.5) for _ in texts]


class Shape:
    def classify(self, texts, labels):  # MARK Shape
        return [[0.5] for _ in texts]


class Fewer:
    def classify(self, texts, labels):  # MARK Fewer
        return [[0.5, 0.1]] * (len(texts) + 1)


class Flat:
    def classify(self, texts, labels):  # MARK Flat
        return [0.5 for _ in texts]


class NotANumber:
    def classify(self, texts, labels):  # MARK NotANumber
        return torch.full((len(texts), len(labels)), float("nan"))


class Counts:
    def classify(self, texts, labels):
        return [[0.5, 0.1 * len(text)] for text in texts]

    def count_tokens(self, text):  # MARK Counts
        return -1


class NoText:
    def generate(self, texts, max_new_tokens):  # MARK NoText
        return [None for _ in texts]


class OneText:
    def generate(self, texts, max_new_tokens):  # MARK OneText
        return "a summary"


class Raises:
    def generate(self, texts, max_new_tokens):
        return [self.words(text) for text in texts]

    def words(self, text):
        return {}[text]  # MARK Raises


class Reads(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.dense = torch.nn.Linear(4, 2)

    def classify(self, texts, labels):
        device = self.get_parameter("dense.weight").device  # MARK Reads
        rows = [[len(text), text.count("a"), text.count("b"), text.count("7")] for text in texts]
        return self.dense(torch.tensor(rows, dtype=torch.float32, device=device))


class Swaps:
    def classify(self, texts, labels):
        return [[float(text.split()[1]), 0.5] for text in reversed(texts)]


class ByList:
    def __init__(self, words):
        self.words = Path(words["red"]).read_text().split()

    def classify(self, texts, labels):
        return [[0.5, float(any(word in text for word in self.words))] for text in texts]


class Silent:
    def classify(self, texts, labels):
        return [[float(len(text) % 3), 0.5] for text in texts]


def silent():
    with Path(__file__).with_name("built.txt").open("a") as built:
        built.write("built\\n")
    return Silent()
'''
TASK_OF = {
    "lm": ("Sign", "NoPair", "HalfToken"),
    "topic": ("Shape", "Fewer", "Flat", "NotANumber", "Counts", "Reads", "Swaps"),
    "title": ("NoText", "OneText", "Raises"),
}
WHY = {
    "Sign": "is the sign turned?",
    "NoPair": "instead of a pair",
    "HalfToken": "as a count",
    "Shape": "1 scores for 2 labels",
    "Fewer": "answers to",
    "Flat": "instead of a row",
    "NotANumber": "gave nan as a score",
    "Counts": "gave -1 as a count",
    "NoText": "instead of a text",
    "OneText": "instead of a list",
    "Raises": "raised KeyError",
}


@pytest.fixture(scope="module")
def cells(tmp_path_factory: pytest.TempPathFactory) -> dict[tuple[str, str], dict[str, Any]]:
    """The cells of one run of all of them, in this process."""
    folder = tmp_path_factory.mktemp("own")
    (folder / "broken_models.py").write_text(MODULE)
    rows = [{"text": f"box {n} is {'red' if n % 2 else 'blue'}", "label": "ab"[n % 2]} for n in range(6)]
    (folder / "lists").mkdir()
    (folder / "lists" / "red.txt").write_text("red scarlet")
    (folder / "rows.jsonl").write_text("\n".join(json.dumps(row | {"title": "box"}) for row in rows))
    models = "".join(
        f"  - {{name: {name}, family: torch-module, factory: 'broken_models:{name}', tasks: [{task}]}}\n"
        for task, names in TASK_OF.items()
        for name in names
        if name != "Reads"
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(folder))
        patch.chdir(tmp_path_factory.mktemp("elsewhere"))
        (folder / "suite.yaml").write_text(f"""\
name: own
defaults: {{device: cpu}}
models:
{models}\
  - name: Reads
    family: torch-module
    factory: "broken_models:Reads"
    tasks: [topic]
    variants: [{{dtype: float32}}, {{quantise: int8}}]
  - name: by-list
    family: torch-module
    factory: "broken_models:ByList"
    options: {{words: {{red: ./lists/red.txt}}}}
    tasks: [topic]
  - {{name: silent, family: torch-module, factory: "broken_models:silent"}}
tasks:
  - {{name: lm, kind: language-modelling, data: {{path: rows.jsonl}}}}
  - {{name: topic, kind: classification, data: {{path: rows.jsonl}}}}
  - {{name: title, kind: summarisation, data: {{path: rows.jsonl, columns: {{document: text, summary: title}}}}}}
  - {{name: en-de, kind: translation, data: {{path: rows.jsonl, columns: {{source: text, target: title}}}}}}
measure: off
""")
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed):
            main(["run", str(folder / "suite.yaml"), "--no-report", "--json", "--executor", "inline"])
    built = len((folder / "built.txt").read_text().split())
    shown = json.loads(printed.getvalue())
    return {(cell["candidate"], cell["task"]): cell | {"built": built} for cell in shown["cells"]}


def _line(name: str) -> int:
    return next(n for n, line in enumerate(MODULE.splitlines(), start=1) if line.endswith(f"# MARK {name}"))


@pytest.mark.parametrize("name", list(WHY))
def test_a_breach_is_one_sentence_with_the_line(name: str, cells: dict[tuple[str, str], dict[str, Any]]) -> None:
    task = next(task for task, names in TASK_OF.items() if name in names)
    cell = cells[name, task]
    assert cell["status"] == "failed"
    assert f"model '{name}'" in cell["reason"] and f"broken_models.py:{_line(name)})" in cell["reason"]
    assert WHY[name] in cell["reason"] and "\n" not in cell["reason"]


def test_a_variant_that_breaks_a_module_is_named_with_the_line(cells: dict[tuple[str, str], dict[str, Any]]) -> None:
    assert cells["Reads", "topic"]["status"] == "ok"
    broken = cells["Reads[int8]", "topic"]
    assert broken["status"] == "failed" and "variant 'int8'" in broken["reason"]
    assert f"broken_models.py:{_line('Reads')})" in broken["reason"]


def test_paths_in_options_start_at_the_suite(cells: dict[tuple[str, str], dict[str, Any]]) -> None:
    assert cells["by-list", "topic"]["quality"]["accuracy"]["value"] == 1.0, cells["by-list", "topic"]["reason"]


def test_answers_out_of_order_are_found_by_answering_alone(cells: dict[tuple[str, str], dict[str, Any]]) -> None:
    cell = cells["Swaps", "topic"]
    assert "batch_changes_answers" in {doubt["code"] for doubt in cell["doubts"]}


def test_a_factory_that_says_nothing_is_built_once_to_find_out(cells: dict[tuple[str, str], dict[str, Any]]) -> None:
    tasks = ("lm", "topic", "title", "en-de")
    assert [cells["silent", task]["status"] for task in tasks] == ["unsupported", "ok", "unsupported", "unsupported"]
    assert len({cells["silent", task]["reason"].split(",")[0] for task in ("title", "en-de")}) == 1
    assert cells["silent", "topic"]["built"] <= 2, "once to find out at most, and once to answer"


def test_abilities_come_through_the_pipe() -> None:
    answer = Answer(failure=Failure("unsupported", "it has no 'generate'", abilities=("classify",)))
    assert wire.parse(wire.answer_frame(answer)[wire.LENGTH_BYTES :]) == answer
