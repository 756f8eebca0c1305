"""Ray's calls that the executor makes, without Ray's processes: machines that answer as a test says."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from bench.host import fingerprint
from bench.host.facts import Facts
from bench.running.executors import wire
from bench.running.executors.outcome import Answer
from bench.running.machines.agent import Agent, Reply, Request

Answers = Callable[[str, Request], Answer]
"""What a machine, by its name, answers to a request."""


@dataclass(frozen=True, eq=False)
class Ref:
    """A value that is there already."""

    value: Any


@dataclass(frozen=True)
class Method:
    """Something that is called as Ray's are."""

    call: Callable[..., Any]

    def remote(self, *arguments: Any) -> Ref:
        """Call it at once; what Ray itself raises, it raises where the value is asked for."""
        from ray.exceptions import RayError

        try:
            return Ref(self.call(*arguments))
        except RayError as error:
            return Ref(error)


@dataclass
class FakeRay:
    """A cluster of machines by name."""

    names: Sequence[str]
    answers: Answers
    facts: Callable[[str], Facts] = lambda _: fingerprint()
    cpus: float = 1.0
    versions: Mapping[str, Mapping[str, str | None]] = field(default_factory=dict)
    """Where a machine has other versions than here."""
    holds: Callable[[str], bool] = lambda _: True
    """Whether a machine has what must lie there."""
    ended: list[str] = field(default_factory=list)
    """Machines whose agents were ended."""

    def install(self, monkeypatch: Any) -> None:
        """Put it in Ray's place."""
        import ray

        monkeypatch.setattr(ray, "is_initialized", lambda: True)
        monkeypatch.setattr(ray, "nodes", self._nodes)
        monkeypatch.setattr(ray, "get", _value)
        monkeypatch.setattr(ray, "wait", lambda refs, **_: (refs, []))
        monkeypatch.setattr(ray, "kill", lambda agent: self.ended.append(agent.name))
        monkeypatch.setattr(ray, "remote", self._remote)

    def _nodes(self) -> list[dict[str, Any]]:
        resources = {"bench_machine": 1.0, "CPU": self.cpus}
        return [
            {"NodeID": _id(name), "NodeName": name, "NodeManagerAddress": "", "Alive": True, "Resources": resources}
            | {"NodeManagerHostname": name}
            for name in self.names
        ]

    def _remote(self, thing: Any) -> Any:
        return _Placed(self, None if thing is Agent else thing)


def _value(ref: Ref) -> Any:
    if isinstance(ref.value, Exception):
        raise ref.value
    return ref.value


def _id(name: str) -> str:
    """Make an id that Ray takes for a node's."""
    return name.encode().hex().ljust(56, "0")


class _Placed:
    """An agent, or a function that reads versions, that is not placed yet."""

    def __init__(self, ray: FakeRay, read: Callable[[], dict[str, str | None]] | None) -> None:
        self._ray, self._read, self._name = ray, read, ""

    def options(self, scheduling_strategy: Any, **_: Any) -> _Placed:
        self._name = next(name for name in self._ray.names if _id(name) == scheduling_strategy.node_id)
        return self

    def remote(self, *_: Any) -> _FakeAgent | Ref:
        if self._read is not None:
            return Ref({**self._read(), **self._ray.versions.get(self._name, {})})
        return _FakeAgent(self._ray, self._name)


class _FakeAgent:
    def __init__(self, ray: FakeRay, name: str) -> None:
        self.name = name
        self.describe = Method(lambda: ray.facts(name))
        self.attempt = Method(lambda request: Reply(wire.answer_frame(ray.answers(name, request)), None))
        self.holds = Method(lambda *_: ray.holds(name))
        self.close = Method(lambda: None)
