"""The server is killed, the network is cut, the key expires, in the midst of scoring and of a level of load: nothing
that was scored is lost, the run goes on with the rest, the same command resumes and asks nothing twice.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import psutil
import pytest

from bench.measure.load.run import salt
from bench.record import Record
from benchmarks.fake_server import Behaviour, Fake, Fault, running
from benchmarks.fake_server.behaviour import answer_to
from tests.served.conftest import KEY, KEY_VARIABLE, SLO, suite_of
from tests.served.proxy import Proxy, proxied
from tests.served.test_runs import bench_run, files_with, records_of

pytestmark = pytest.mark.slow

EXAMPLES = 12
ROOT = Path(__file__).parents[2]


@dataclass
class World:
    """A server behind a network, and a moment at which something happens to one of them."""

    fake: Fake
    proxy: Proxy
    happens: Callable[[World], None]
    when: Callable[[str], bool]
    """Tells by the prompt that is to be answered, and by what is stored, whether the moment has come."""
    happened: bool = False
    lock: threading.Lock = field(default_factory=threading.Lock)

    def answer(self, prompt: str) -> str:
        """Answer a prompt; at the moment, let it happen."""
        with self.lock:
            if not self.happened and self.when(prompt):
                self.happened = True
                self.happens(self)
        return answer_to(prompt)

    def mend(self) -> None:
        """Let everything be well again, for good."""
        self.proxy.set("up")
        self.fake.behaviour.key, self.fake.behaviour.expires_after = KEY, None


def killed(world: World) -> None:
    """Kill the server: every connection ends, and nobody listens any more."""
    world.proxy.set("cut")


def silent(world: World) -> None:
    """Cut the network: nothing arrives, and nobody is told."""
    world.proxy.set("silent")


def expired(world: World) -> None:
    """Let the key expire."""
    world.fake.behaviour.key = "another"


WHOLE = pytest.mark.whole
EVENTS = {"killed": killed, "silent": silent, "expired": expired}


@contextmanager
def world_of(event: str, when: Callable[[str], bool]) -> Iterator[World]:
    with running(Behaviour(key=KEY)) as fake, proxied(fake.port) as proxy, pytest.MonkeyPatch.context() as patch:
        patch.setenv(KEY_VARIABLE, KEY)
        world = World(fake, proxy, EVENTS[event], when)
        fake.behaviour.answer = world.answer
        yield world


def asked_for(world: World) -> Counter[str]:
    """Count the prompts of the task that reached the server."""
    prompts = (str(body["prompt"]) for body in world.fake.behaviour.bodies)
    return Counter(prompt for prompt in prompts if "what comes after" in prompt)


def kept_in(folder: Path, what: str = "") -> list[str]:
    """List under which keys something is kept: answers that were scored, or of another kind."""
    lines = [path.read_text().splitlines() for path in (folder / "results" / "answers").glob("*.jsonl")]
    keys = [str(json.loads(line)["key"]) for part in lines for line in part if line.endswith("}")]
    return [key for key in keys if (what in key if what else key.count("/") == 1)]


def served(suite: Path) -> Record:
    return records_of(suite)["served", "questions"]


@pytest.mark.parametrize("event", ["killed", *(pytest.param(name, marks=WHOLE) for name in ("silent", "expired"))])
def test_in_the_midst_of_scoring(event: str, tmp_path: Path) -> None:
    with world_of(event, lambda _: len(kept_in(tmp_path)) >= 5) as world:
        suite = suite_of(
            tmp_path, world.proxy.url, examples=EXAMPLES, api_key_env=KEY_VARIABLE, retries=0, silence="200 ms"
        )
        suite.write_text(suite.read_text().replace("name: served\n", "name: served\ndefaults: {batch_size: 2}\n", 1))
        assert bench_run(suite, "--profile", "off", "--no-report") == 5
        first = records_of(suite)
        assert first["served", "questions"].status == "failed" and first["served", "questions"].reason
        assert first["majority", "questions"].status == "ok", "the run goes on with the rest"
        kept = kept_in(tmp_path)
        assert 5 <= len(kept) < EXAMPLES
        world.mend()
        world.fake.behaviour.bodies.clear()
        assert bench_run(suite, "--profile", "off") == 0
        record = served(suite)
        assert record.status == "ok" and len(record.samples) == EXAMPLES
        again = asked_for(world)
        assert sum(again.values()) == EXAMPLES - len(kept) and max(again.values()) == 1
        assert record.notes["server"]["answers_kept_before"] == len(kept)
        assert files_with(tmp_path, KEY) == []


@pytest.mark.whole
@pytest.mark.parametrize("event", ["expired", "killed", "silent"])
def test_in_the_midst_of_a_level(event: str, tmp_path: Path) -> None:
    """Of two levels the second loses its server: the first is kept, and the second is offered anew."""
    mark = salt(42, 1, 8)
    with world_of(event, lambda prompt: prompt.startswith(mark)) as world:
        suite = suite_of(
            tmp_path, world.proxy.url, examples=EXAMPLES, api_key_env=KEY_VARIABLE, retries=0, silence="200 ms"
        )
        suite.write_text(suite.read_text() + SLO)
        assert bench_run(suite, "--profile", "quick", "--no-report") == 5
        reason = str(served(suite).reason)
        assert "60 requests a second" in reason and world.happened
        assert len(kept_in(tmp_path, "/level/")) == 1 and len(kept_in(tmp_path)) == EXAMPLES
        world.mend()
        world.fake.behaviour.bodies.clear()
        assert bench_run(suite, "--profile", "quick") == 0
        record = served(suite)
        assert record.status == "ok" and len(record.samples) == EXAMPLES
        assert record.notes["load"]["levels_kept_before"] == 1
        assert record.notes["server"]["answers_kept_before"] == EXAMPLES, "no example is scored twice"
        levels = Counter((t.offered_per_s, t.salted) for t in record.timings if t.phase == "level")
        assert levels == {(20.0, True): 10, (60.0, True): 30, (20.0, False): 10}
        assert {t.ending for t in record.timings if t.phase == "level"} == {"ok"}
        salted = {str(body["prompt"]) for body in world.fake.behaviour.bodies}
        assert not any(prompt.startswith(salt(42, 0, 3)) for prompt in salted)
        assert files_with(tmp_path, KEY) == []


def watched(words: list[str]) -> tuple[int, dict[int, list[str]]]:
    """Run bench from a shell that holds the key, and look at every process below it.

    Returns:
        The exit code; and of each process its words and its environment, as they can be read in the process list.
    """
    command = [sys.executable, "-m", "bench", *words]
    environment = os.environ | {KEY_VARIABLE: KEY, "PYTHONPATH": str(ROOT)}
    run = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    seen: dict[int, list[str]] = {}
    with run, psutil.Process(run.pid).oneshot():
        while run.poll() is None:
            for process in psutil.Process(run.pid).children(recursive=True):
                try:
                    words = process.cmdline()
                    held = [*words, *(f"{k}={v}" for k, v in process.environ().items())]
                    is_own = process.cmdline() == words and words[:4] != command[:4]  # not bench itself before an exec
                except psutil.Error:
                    continue
                if is_own:
                    seen.setdefault(process.pid, []).extend(held)
            try:
                run.wait(0.02)
            except subprocess.TimeoutExpired:
                continue
        assert run.stdout is not None
        assert KEY.encode() not in run.stdout.read()
    return run.returncode, seen


def holders(seen: dict[int, list[str]]) -> dict[int, list[str]]:
    return {pid: words[0:4] for pid, words in seen.items() if any(KEY in word for word in words)}


def test_the_key_is_in_no_process_that_does_not_need_it(tmp_path: Path, free_port: int) -> None:
    """A whole run whose server is launched."""
    launch = {
        "command": [sys.executable, "-m", "benchmarks.fake_server", "--port", str(free_port), "--until-killed"],
        "folder": str(ROOT),
        "deadline": "60 s",
    }
    url = f"http://127.0.0.1:{free_port}/v1"
    suite = suite_of(tmp_path, url, examples=40, launch=launch, api_key_env=KEY_VARIABLE)
    results = str(tmp_path / "results")
    code, seen = watched(["run", str(suite), "--results", results, "--profile", "off", "--no-report"])
    assert code == 0
    assert any("benchmarks.fake_server" in word for words in seen.values() for word in words)
    assert not holders(seen)
    assert files_with(tmp_path, KEY) == [] and served(suite).status == "ok"


def test_the_key_reaches_the_cells_of_a_night_and_of_its_rerun_and_no_other_process(tmp_path: Path) -> None:
    """A night whose cell fails by chance: the gate runs it again, and would say `regressed` were the key not there."""
    with running(Behaviour(key=KEY)) as fake, pytest.MonkeyPatch.context() as patch:
        patch.setenv(KEY_VARIABLE, KEY)
        suite = suite_of(tmp_path, fake.url, examples=20, api_key_env=KEY_VARIABLE, retries=0)
        assert bench_run(suite, "--profile", "off", "--no-report") == 0
        fake.behaviour.faults = {fake.answered: Fault.ERROR_400}
        results = tmp_path / "results"
        code, seen = watched(["nightly", str(suite), "--results", str(results), "--profile", "off"])
        assert code == 5 and "400" in str(served(suite).reason)
        assert len(list(results.glob("logs/*/gate-again-*"))) == 1
        assert seen and not holders(seen)
        assert json.loads(next(results.glob("nightly/served/latest/night.json")).read_text())["verdict"] == "suspected"
        assert files_with(tmp_path, KEY) == []
