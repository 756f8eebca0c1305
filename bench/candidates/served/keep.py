"""What outlives a process: answers and levels of load that were paid for, until their cell is stored, and what a run
has spent.

Both are files of lines that are appended to, so that a kill loses at most the line that was being written.
"""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from bench.candidates.interface import Generated
from bench.candidates.served.exchange import Usage
from bench.digest import content_hash
from bench.errors import EndpointError
from bench.suite import EndpointSpec


class Answers:
    """Answers to requests of one cell, by their bodies: found again where the scoring died on the way.

    The second request with the same body is another one: with a temperature it has another answer.
    """

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._kept = {} if path is None else _read(path)
        self._asked: Counter[str] = Counter()
        self._purpose = ""
        self.reused = 0
        """Answers that were there already."""

    def key(self, body: Mapping[str, object]) -> str:
        """Name the next request with a body."""
        own = self._purpose + content_hash(dict(body))
        self._asked[own] += 1
        return f"{own}/{self._asked[own]}"

    def restart(self, purpose: str = "") -> None:
        """Count the requests of each body anew, for another pass over the examples, under a name of its own."""
        self._asked.clear()
        self._purpose = f"{purpose}/" if purpose else ""

    def find(self, key: str) -> Mapping[str, object] | None:
        """Find what was kept of a request."""
        kept = self.look_up(key)
        self.reused += kept is not None and not self._purpose
        return kept

    def look_up(self, key: str) -> Mapping[str, object] | None:
        """Find what was kept under a key that is no single request's."""
        return self._kept.get(key)

    def keep(self, key: str, value: Mapping[str, object]) -> None:
        """Keep what came of a request."""
        self._kept[key] = value
        if self._path is not None:
            _append(self._path, json.dumps({"key": key, "value": value}))

    def __len__(self) -> int:
        """Count them."""
        return len(self._kept)


def _append(path: Path, line: str) -> None:
    """Add a line; behind one that a kill has cut, which would swallow it, another is begun."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a+b") as stream:
        if stream.tell():
            stream.seek(-1, os.SEEK_END)
            if stream.read(1) != b"\n":
                stream.write(b"\n")
        stream.write(line.encode() + b"\n")


def _read(path: Path) -> dict[str, Mapping[str, object]]:
    """Read a file of answers; a line that was cut is no answer."""
    kept: dict[str, Mapping[str, object]] = {}
    if not path.is_file():
        return kept
    for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
        try:
            entry = json.loads(line)
            kept[str(entry["key"])] = dict(entry["value"])
        except (ValueError, KeyError, TypeError):
            continue
    return kept


@dataclass(frozen=True, slots=True)
class Answered:
    """One written answer, and what the server said of it, on which doubts hang."""

    generated: Generated
    finish: str | None
    """Why the answer ended, as the server says."""
    served_model: str | None
    """The name that the answer carries."""
    counted: bool
    """Whether the server's count of its tokens is taken."""

    def document(self) -> dict[str, object]:
        """Write it as JSON-able values."""
        written = self.generated
        return {
            "text": written.text,
            "input_tokens": written.input_tokens,
            "output_tokens": written.output_tokens,
            "finish": self.finish,
            "served_model": self.served_model,
            "counted": self.counted,
        }


def answered_of(value: Mapping[str, object]) -> Answered | None:
    """Read a written answer back; None where it is none."""
    text, counts = value.get("text"), (value.get("input_tokens"), value.get("output_tokens"))
    if not isinstance(text, str) or not all(isinstance(count, int) for count in counts):
        return None
    generated = Generated(text, int(str(counts[0])), int(str(counts[1])))
    finish, name = value.get("finish"), value.get("served_model")
    return Answered(
        generated,
        finish if isinstance(finish, str) else None,
        name if isinstance(name, str) else None,
        counted=value.get("counted") is not False,
    )


class Spending:
    """What a run has spent on a model: requests and tokens, over all its processes."""

    def __init__(self, spec: EndpointSpec, path: Path | None) -> None:
        self._spec, self._path = spec, path
        self.requests = self.input_tokens = self.output_tokens = 0
        for kind, read, written in _lines(path):
            self._count(kind, read, written)

    def _count(self, kind: str, read: int, written: int) -> None:
        self.requests += kind == "request"
        self.input_tokens += read
        self.output_tokens += written

    def _note(self, kind: str, read: int = 0, written: int = 0) -> None:
        self._count(kind, read, written)
        if self._path is not None:
            _append(self._path, f"{kind} {read} {written}")

    @property
    def cost(self) -> float | None:
        """The price of the tokens so far; None without prices."""
        prices = self._spec.prices
        return None if prices is None else prices.of(self.input_tokens, self.output_tokens)

    def request(self) -> None:
        """Count a request that is about to be sent.

        Raises:
            EndpointError: the budget is spent; nothing may be sent any more.
        """
        budget = self._spec.budget
        if budget is not None and budget.max_requests is not None and self.requests >= budget.max_requests:
            raise EndpointError(
                f"the budget of {budget.max_requests:,} requests to {self._spec.model} is spent; raise "
                "'server.budget.max_requests' and run the same command to go on: what was answered is kept"
            )
        cost = self.cost
        if budget is not None and budget.max_cost is not None and cost is not None and cost >= budget.max_cost:
            raise EndpointError(
                f"the budget of {budget.max_cost:g} for {self._spec.model} is spent ({cost:.4g} so far); raise "
                "'server.budget.max_cost' and run the same command to go on: what was answered is kept"
            )
        self._note("request")

    def tokens(self, usage: Usage | None) -> None:
        """Count the tokens of an answer."""
        if usage is not None:
            self._note("tokens", usage.input_tokens, usage.output_tokens)


def _lines(path: Path | None) -> list[tuple[str, int, int]]:
    if path is None or not path.is_file():
        return []
    rows = (line.split() for line in path.read_text(encoding="ascii", errors="replace").splitlines())
    return [
        (row[0], int(row[1]), int(row[2])) for row in rows if len(row) == 3 and row[1].isdigit() and row[2].isdigit()
    ]
