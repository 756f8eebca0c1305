"""A seeded fuzzer over suite files: `bench validate` of any text ends in seconds, with messages that name a place.

Runs some seconds, a minute with `make test-all`, or FUZZ_SECONDS (20 in CI), from the seed FUZZ_SEED. A failure prints
the mutant; put it into CORPUS, mend the kind, and leave it there.
"""

import os
import random
import re
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from bench.__main__ import main

ASKED = os.environ.get("FUZZ_SECONDS")
RUNS = [float(ASKED)] if ASKED else [4.0, pytest.param(60.0, marks=pytest.mark.whole)]
SEED = int(os.environ.get("FUZZ_SEED", "20261126"))
LIMIT_S = 5
"""Seconds of the processor, so that a busy machine fails nothing."""
STUCK_S = 120
"""Seconds by the clock, for what waits without working."""

SUITE = """\
name: tickets
description: what we ship
defaults: {device: cpu, seed: 7, batch_size: auto, timeout_s: 60, memory_limit: 2 GiB, threads: 1, share_load: auto}
models:
  - {name: floor, family: baseline, strategy: majority}
  - name: own
    family: torch-module
    factory: factory:make
    options: {width: 4}
    variants: [{dtype: float32}, {dtype: bfloat16, quantise: int8, prune: 0.5, compile: true}]
    prompts: {topic: "{text}"}
tasks:
  - name: topic
    kind: classification
    data: {path: data.jsonl, columns: {text: text, label: label}}
    labels: [a, b]
    label_names: {a: alpha, b: beta}
    metrics: [accuracy, macro_f1]
    max_examples: 5
    weight: 1.5
measure: {profile: quick, processes: 2, window_s: 0.5, energy: off}
objectives: [quality, latency_p95_s]
constraints: {latency_p95_s: "<= 50 ms", quality: ">= 0.5"}
decision: {rule: lexicographic, order: [quality, latency_p95_s], margins: {latency_p95_s: 1 ms}, confidence: 0.9}
prices: {currency: EUR, machine_per_hour: 1.5}
nightly: {deadline: "06:00", baseline: previous, keep_nights: 30}
"""
DATA = '{"text": "x", "label": "a"}\n{"text": "y", "label": "b"}\n'
NASTY = (
    ".inf",
    "-.inf",
    ".nan",
    "1e400",
    "-1",
    "0",
    "9" * 400,
    "9" * 5000,
    "true",
    "null",
    "~",
    "[]",
    "{}",
    "[a, [b, [c]]]",
    "{a: {b: c}}",
    "!!bool maybe",
    "!!set {a, b}",
    "!!binary aGk=",
    "!x y",
    "&a [*a]",
    "*b",
    "'\\x07'",
    '"\\x1b[2J"',
    '"\\0"',
    "2026-99-99",
    "0x" + "f" * 400,
    "1_0",
    "0o777",
    '""',
    '" "',
    "a/b",
    "'..'",
    "../../etc/passwd",
    "/dev/zero",
    "'..:x'",
    "':'",
    "a:b:c",
    "'{'",
    "'{0}'",
    "'{text!r:>99999999}'",
    "<= inf ms",
    "'<= nan s'",
    "'<= 1e999 ms'",
    "'<= -5 ms'",
    "'>= 5 parsecs'",
    "'<='",
    "'25:00'",
    "NaN h",
    "-3 h",
    "1e400 h",
    "1e400 GiB",
    "-2 GiB",
    "0-99999999999",
    "'-'",
    "'tag:'",
    "best",
    "𝔘𝔫𝔦",
    "'\u202eabc'",
    "x" * 3000,
    "package:nothing",
    "org/name",
    "cuda:99",
    "cuda:0,1,",
    "'#'",
)
CORPUS = (
    SUITE,
    "a: " + "[" * 3000 + SUITE,
    "".join(f"a{i}: &a{i} [{','.join([f'*a{max(i - 1, 0)}'] * 9)}]\n" for i in range(10)) + SUITE,
    "name: !!bool maybe\n" + SUITE,
    SUITE.replace("metrics: [accuracy, macro_f1]", "metrics: ['..:x']"),
    SUITE.replace("2 GiB", "1e400 GiB"),
    SUITE.replace("2 GiB", "-2 GiB"),
    SUITE.replace('"06:00"', "'25:00'"),
    SUITE.replace('"06:00"', "NaN h"),
    SUITE.replace("data.jsonl", "deep.jsonl"),
    "\ufeff" + SUITE,
    "",
    "- a\n- b\n",
    "just words",
)
PLACE = re.compile(r"suite\.yaml:\d+:\d+|data\.jsonl|deep\.jsonl|factory|passwd|cannot be read")


def mutants(seed: int) -> Iterator[str]:
    """Yield the corpus, then mutants without end."""
    yield from CORPUS
    draw = random.Random(seed)
    while True:
        text = SUITE
        for _ in range(draw.choice((1, 1, 1, 2, 4))):
            text = draw.choice(MUTATIONS)(text, draw)
        yield text


def _other_value(text: str, draw: random.Random) -> str:
    values = list(re.finditer(r"(?<=: )[^\s,{}\[\]][^,}\]\n]*", text))
    value = draw.choice(values)
    return text[: value.start()] + draw.choice(NASTY) + text[value.end() :] if values else text


def _other_key(text: str, draw: random.Random) -> str:
    key = draw.choice(list(re.finditer(r"\b\w+(?=:)", text)))
    return text[: key.start()] + draw.choice(NASTY) + text[key.end() :]


def _lost_piece(text: str, draw: random.Random) -> str:
    start = draw.randrange(max(1, len(text)))
    return text[:start] + text[start + draw.choice((1, 1, 2, 9, 60)) :]


def _doubled_line(text: str, draw: random.Random) -> str:
    lines = text.splitlines(keepends=True)
    place = draw.randrange(len(lines))
    return "".join([*lines[:place], lines[place], *lines[place:]])


def _stray_text(text: str, draw: random.Random) -> str:
    start = draw.randrange(len(text))
    stray: str = draw.choice([*"\t\x00\x1b{}[]&*!|>%@`\n\"'", ": ", "- ", "<<: "])
    return text[:start] + stray + text[start:]


MUTATIONS = (_other_value, _other_value, _other_value, _other_key, _lost_piece, _doubled_line, _stray_text)


@contextmanager
def limited(text: str) -> Iterator[None]:
    def stop(number: int, frame: object) -> None:
        raise TooLongError(f"over {LIMIT_S} s of the processor, or {STUCK_S} s, for:\n{text[:2000]}")

    before = {number: signal.signal(number, stop) for number in (signal.SIGALRM, signal.SIGPROF)}
    signal.setitimer(signal.ITIMER_PROF, LIMIT_S)
    signal.alarm(STUCK_S)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.alarm(0)
        for number, handler in before.items():
            signal.signal(number, handler)


class TooLongError(BaseException):
    """No command may catch it."""


@pytest.mark.parametrize("seconds", RUNS)
def test_any_suite_file_is_read_or_refused_at_its_place(
    seconds: float, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "data.jsonl").write_text(DATA, encoding="utf-8")
    (tmp_path / "deep.jsonl").write_text('{"text": ' + "[" * 5000 + "\n", encoding="utf-8")
    (tmp_path / "factory.py").write_text("def make(**options): raise AssertionError('validate ran my code')\n")
    end = time.monotonic() + seconds
    tried = 0
    for text in mutants(SEED):
        (tmp_path / "suite.yaml").write_text(text, encoding="utf-8", errors="surrogatepass")
        with limited(text):
            code = main(["validate", "suite.yaml"])
        output = capsys.readouterr()
        assert code in (0, 2, 3, 4), f"exit code {code}: {output.err}\n{text[:3000]}"
        assert code == 0 or PLACE.search(output.err), f"no place: {output.err}\n{text[:3000]}"
        assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]", output.err + output.out), f"raw control: {output.err!r}"
        tried += 1
        if time.monotonic() > end and tried > len(CORPUS):
            break
    assert tried > len(CORPUS)
