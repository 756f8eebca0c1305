"""A server of known behaviour, and suites that ask it."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bench.candidates import FAMILIES
from bench.candidates.interface import Context
from bench.candidates.kept import Keep
from bench.candidates.served.model import Endpoint
from bench.suite import EndpointSpec, ModelSpec, Shot, VariantSpec
from benchmarks.fake_server import Behaviour, Fake, running

KEY = "sk-test-0123456789"
KEY_VARIABLE = "BENCH_TEST_ENDPOINT_KEY"


@pytest.fixture
def fake() -> Iterator[Fake]:
    with running(Behaviour()) as server:
        yield server


@pytest.fixture
def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def key(monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv(KEY_VARIABLE, KEY)
    return KEY


def endpoint_of(url: str, **keys: Any) -> EndpointSpec:
    quick = {"timeout": "5 s", "silence": "300 ms", "max_retry_wait": "1 s", "api": "completions"}
    return EndpointSpec.model_validate({"url": url, "model": "fake-1", **quick, **keys})


def connect(
    fake: Fake,
    ability: str = "generate",
    keep: Keep | None = None,
    system: str | None = None,
    shots: tuple[Shot, ...] = (),
    max_input_tokens: int | None = None,
    **keys: Any,
) -> Endpoint:
    spec = ModelSpec(name="served", family="endpoint", server=endpoint_of(fake.url, **keys), system=system)
    context = Context("cpu", ability, keep=keep, shots=shots, max_input_tokens=max_input_tokens)
    model = FAMILIES["endpoint"].load(spec, VariantSpec(), context)
    assert isinstance(model, Endpoint)
    return model


def suite_of(folder: Path, url: str, *, examples: int = 6, models: str = "", tasks: str = "", **keys: Any) -> Path:
    """Write a suite of one served model and the majority on a task of questions, with its data."""
    folder.mkdir(parents=True, exist_ok=True)
    rows = [{"question": f"what comes after {place}", "answers": [f"number {place + 1}"]} for place in range(examples)]
    (folder / "questions.jsonl").write_text("\n".join(map(json.dumps, rows)))
    endpoint = {
        "url": url,
        "model": "fake-1",
        "api": "completions",
        "silence": "300 ms",
        "max_retry_wait": "1 s",
        **keys,
    }
    text = f"""\
name: served
models:
  - {{name: served, family: endpoint, server: {json.dumps(endpoint)}}}
  - {{name: majority, family: baseline, strategy: majority}}
{models}tasks:
  - {{name: questions, kind: question-answering, data: {{path: questions.jsonl}}, max_new_tokens: 8}}
{tasks}objectives: [quality, latency_p95_s]
"""
    path = folder / "suite.yaml"
    path.write_text(text)
    return path


SLO = 'load: {levels: [20.0, 60.0], window_s: 0.5, slo: {ttft_p95: "<= 20 s", latency_p95: "<= 30 s"}}\n'
"""Limits that any server keeps, so that no test depends on how busy the machine is."""
