"""A seeded fuzzer over what is read beside a suite: data files, recipes, `--where` and `--store`.

Whatever they hold, a command ends in seconds, with an exit code of its own and without a traceback or a password. Runs
some seconds, a minute with `make test-all`, or FUZZ_SECONDS (20 in CI), from the seed FUZZ_SEED.
"""

from __future__ import annotations

import random
import re
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from bench.__main__ import main
from tests.suite.test_fuzz import ASKED, MUTATIONS, NASTY, SEED, limited

INLINE = ("--executor", "inline")
RUNS = [float(ASKED)] if ASKED else [4.0, pytest.param(60.0, marks=pytest.mark.whole)]
"""Seconds of the processor, which the kinds of input share."""
FLOOR = """\
name: s
models: [{name: floor, family: baseline, strategy: majority}]
tasks: [{name: topic, kind: classification, data: {path: DATA}}]
measure: off
"""
FITTED = """\
name: s
models: [{name: bert, family: encoder, fit: {recipe: recipe.yaml, output: made}}]
tasks: [{name: topic, kind: classification, data: {path: rows}, train: {path: rows}}]
measure: off
"""
RECIPE = """\
start: scratch
architecture: {layers: 1, d_model: 16, heads: 2, d_ff: 32, vocab_size: 300}
steps: 20
learning_rate: 1.0e-3
warmup_steps: 2
"""
ROWS = {
    "data.jsonl": '{"text": "x", "label": "a"}\n{"text": "y", "label": "b"}\n',
    "data.csv": 'text,label\nx,a\n"y, z",b\n',
    "data.json": '[{"text": "x", "label": "a"}, {"text": "y", "label": "b"}]\n',
}
STRAY = (
    "\x00",
    "\x1b[2J",
    "\ufeff",
    '"',
    "\\",
    "\n",
    ",",
    "{",
    "[" * 4000,
    "9" * 5000,
    "NaN",
    "-1e999",
    "null",
    "\ud800",
)
LIMITS = ("latency_p95_s <= 50 ms", "quality >= 0.5", "price <= 3 EUR")
ADDRESSES = (
    "postgresql+psycopg://me:hunter22@127.0.0.1:1/name",
    "postgresql+psycopg://me:hunter%322@127.0.0.1:1/name",
    "postgresql+psycopg://me@127.0.0.1:1/name?password=hunter22",
    "postgresql+psycopg://me@127.0.0.1:1/name?sslmode=disable&sslpassword=hunter22",
    "host=127.0.0.1 port=1 user=me password=hunter22 dbname=name",
    "sqlite:////dev/null/bench.db",
    "nosuch://me:hunter22@127.0.0.1/name",
)
SECRET = "hunter22"


def stray(text: str, draw: random.Random) -> str:
    """Puts a piece where it does not belong, or takes one away."""
    for _ in range(draw.choice((1, 1, 2, 4))):
        start = draw.randrange(len(text) + 1)
        text = text[:start] + draw.choice((*STRAY, *NASTY, "")) + text[start + draw.choice((0, 0, 1, 3)) :]
    return text


def of_data(draw: random.Random) -> list[str]:
    name = draw.choice(list(ROWS))
    Path(name).write_text(stray(ROWS[name], draw), encoding="utf-8", errors="surrogatepass")
    Path("suite.yaml").write_text(FLOOR.replace("DATA", name))
    return ["validate", "suite.yaml"]


def of_recipe(draw: random.Random) -> list[str]:
    mutant = draw.choice(MUTATIONS)(RECIPE, draw)
    Path("recipe.yaml").write_text(mutant, encoding="utf-8", errors="surrogatepass")
    Path("suite.yaml").write_text(FITTED)
    return ["validate", "suite.yaml"]


def of_where(draw: random.Random) -> list[str]:
    return ["recommend", "--results", "results", f"--where={stray(draw.choice(LIMITS), draw)}"]


def of_store(draw: random.Random) -> list[str]:
    start, sign, end = draw.choice(ADDRESSES).partition(SECRET)
    start = start if draw.random() < 0.5 else stray(start, draw)  # the password itself stays whole, so that it is known
    return [
        *draw.choice((["show"], ["history", "s"], ["store", "check"])),
        "--results",
        "results",
        f"--store={start}{sign}{end}",
    ]


KINDS: dict[str, Callable[[random.Random], list[str]]] = {
    "data": of_data,
    "recipe": of_recipe,
    "where": of_where,
    "store": of_store,
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the results of one run."""
    place = tmp_path_factory.mktemp("fuzzed")
    (place / "first.jsonl").write_text(ROWS["data.jsonl"])
    (place / "rows").mkdir()
    for split in ("train", "validation", "test"):
        (place / "rows" / f"{split}.jsonl").write_text(ROWS["data.jsonl"])
    (place / "suite.yaml").write_text(FLOOR.replace("DATA", "first.jsonl"))
    assert main(["run", str(place / "suite.yaml"), "--results", str(place / "results"), "--no-report", *INLINE]) == 0
    return place


@pytest.mark.parametrize("seconds", RUNS)
@pytest.mark.parametrize("kind", KINDS)
def test_any_input_is_read_or_refused(
    kind: str, seconds: float, folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(folder)
    monkeypatch.setenv("PGPASSWORD", SECRET)
    monkeypatch.setenv("PGCONNECT_TIMEOUT", "2")
    monkeypatch.setenv("TMPDIR", str(folder))
    draw, end, tried = random.Random(f"{SEED} {kind}"), time.monotonic() + seconds / len(KINDS), 0
    while tried < 5 or time.monotonic() < end:
        command = KINDS[kind](draw)
        with limited(repr(command)):
            code = main(command)
        output = capsys.readouterr()
        told = f"{command}: exit code {code}: {output.err}"
        assert code in (0, 2, 3, 4), told
        assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]", output.err + output.out), f"raw control: {told!r}"
        assert kind != "store" or SECRET not in output.err + output.out, told
        tried += 1
