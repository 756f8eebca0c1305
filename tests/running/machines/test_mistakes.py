"""What may be wrong with a cluster, a suite for it or its address: one line that says what, where, and what to do.

Those of an object store are in `tests/store/test_objects.py`, which has a server.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from bench.__main__ import main
from bench.running.executors.outcome import Answer, Failure
from bench.running.machines import parcels
from tests.running.machines.fake_ray import FakeRay
from tests.running.machines.test_pieces import facts

pytest.importorskip("ray")

SUITE = """\
name: s
models: [{models}]
tasks: [{{name: t, kind: classification, data: {{path: data.jsonl}}}}]
measure: "off"
{more}"""
FLOOR = "{name: floor, family: baseline, strategy: majority}"
LARGE = "{name: large, family: encoder, checkpoint: ./large}"


@dataclass
class Mistake:
    """What is asked for, and what is told."""

    words: str
    """Of the message, in order, parted by an ellipsis."""
    on: str | None = "ray"
    more: str = ""
    """Lines of the suite."""
    models: str = FLOOR
    cluster: Callable[[FakeRay], None] = lambda _: None
    """What is wrong with the cluster."""
    code: int = 3


def kinds(cluster: FakeRay) -> None:
    cluster.facts = lambda name: facts("Xeon" if name == "one" else "EPYC")


def lacks(cluster: FakeRay) -> None:
    cluster.holds = lambda name: name != "two"


def other_version(name: str) -> Callable[[FakeRay], None]:
    def wrong(cluster: FakeRay) -> None:
        cluster.versions = {"two": {name: "0.1"}}

    return wrong


MISTAKES = {
    "no cluster at the address": Mistake("no Ray cluster answers at ray://127.0.0.1:1 … start it", "ray://127.0.0.1:1"),
    "a malformed address": Mistake("'ray://head' is no address … ray://HOST:10001", "ray://head", code=2),
    "an unknown executor": Mistake("'rya' … did you mean 'ray'", "rya", code=2),
    "an address for an executor at home": Mistake("'local' takes no address … alone", "local://here", code=2),
    "another bench there": Mistake("two … bench 0.1 there … install the same", cluster=other_version("bench")),
    "another torch there": Mistake("two … torch 0.1 there … install the same", cluster=other_version("torch")),
    "no machine at all": Mistake(
        "no node of the cluster … ray start", cluster=lambda cluster: setattr(cluster, "names", ())
    ),
    "a class without machines": Mistake(
        "machines.like is 'H100' … 1 machine of Xeon … add such a machine", more="machines: {like: H100}", cluster=kinds
    ),
    "more than there are": Mistake(
        "machines.at_least is 3 … 2 machines of EPYC … lower it", more="machines: {at_least: 3}", cluster=kinds
    ),
    "machines without an executor": Mistake(
        "suite.yaml:5: … machines: the executor 'local' … --on ray", None, more="machines: {at_least: 2}", code=2
    ),
    "bounds that contradict each other": Mistake(
        "suite.yaml:5: … at_most is 1 … at_least, 2", more="machines: {at_least: 2, at_most: 1}", code=2
    ),
    "a large folder that one node has not": Mistake(
        "too large to travel … not on two … a disk that all machines share", models=LARGE, cluster=lacks
    ),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistake_is_one_line(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    mistake = MISTAKES[name]
    cluster = FakeRay(["one", "two", "three"], lambda *_: Answer(failure=Failure("failed", "not to be run")))
    mistake.cluster(cluster)
    if mistake.on == "ray":
        cluster.install(monkeypatch)
    else:
        monkeypatch.setattr("ray.is_initialized", lambda: False)
    monkeypatch.setattr(parcels, "TRAVELS_BYTES", 1000)
    assert_one_line(mistake, tmp_path, capsys)


def test_ray_is_not_installed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    assert_one_line(Mistake("Ray is not installed … pip install 'bench[ray]'"), tmp_path, capsys)


def assert_one_line(mistake: Mistake, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Run a suite with a mistake, and hold that one line tells it; nothing ran."""
    (folder / "data.jsonl").write_text('{"text": "a", "label": "x"}\n{"text": "b", "label": "y"}\n')
    (folder / "large").mkdir()
    (folder / "large" / "config.json").write_text("{}")
    (folder / "large" / "model.safetensors").write_bytes(bytes(2000))
    suite = folder / "suite.yaml"
    suite.write_text(SUITE.format(models=mistake.models, more=mistake.more))
    place = [] if mistake.on is None else ["--on", mistake.on]
    code = main(["run", str(suite), *place, "--results", str(folder / "results"), "--no-report"])
    told = capsys.readouterr().err.strip().splitlines()
    errors = [line for line in told if line.startswith("bench: error: ")]
    assert code == mistake.code, told
    assert len(errors) == 1, told
    rest = errors[0]
    for piece in mistake.words.split(" … "):
        assert piece in rest, errors[0]
        rest = rest.partition(piece)[2]
