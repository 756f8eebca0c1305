"""How it was measured, where, and how to do it again."""

from __future__ import annotations

import importlib.metadata
import json
from collections.abc import Mapping
from dataclasses import dataclass

from bench.report.asked import asked
from bench.report.view import RunView
from bench.report.wording import plural
from bench.words import machines
from bench.words.wording import capital

LONGEST = 200
"""Characters of a value in the list of the environment."""

STATISTICS = (
    "Latency is one request at a time, device synchronised, after warm-up; percentiles are by "
    "nearest rank with "
    "order-statistic intervals. Quality intervals are Wilson's for proportions, else a bootstrap "
    "over examples that all "
    "models of a task share, so that comparisons are paired. A candidate is within a limit only when "
    "its whole interval "
    "is. A value that could not be measured is missing, never 0. Where 95 % is claimed the intervals cover 93 to 98 % "
    "in simulations; they are wider than need be where values are equal, where fewer than five answers are of one kind "
    "or tell two models apart, and over processes that do not differ, and the number then says so."
)


@dataclass(frozen=True, slots=True)
class Block:
    """A titled piece of the page: a text, rows of key and value, code, or code that is folded away."""

    title: str
    text: str = ""
    rows: tuple[tuple[str, str], ...] = ()
    code: str = ""
    folded: str = ""


def blocks(view: RunView) -> list[Block]:
    """Describe method, suite and machine."""
    suite = view.suite
    settings = [("suite", f"{suite.name}: {suite.description}" if suite.description else suite.name)]
    settings += [("objectives", ", ".join(suite.objectives))]
    settings += [("limits", "; ".join(limit.label for limit in suite.constraints.values()) or "none")]
    settings += [("rule", suite.decision.rule), ("profile", view.info.profile)]
    settings += [("cells", f"{plural(len(view.candidates), 'candidate')} × {plural(len(view.tasks), 'task')}")]
    if view.reused:
        origins = sorted(set(view.reused.values()))
        settings.append(
            (
                "taken over",
                f"{plural(len(view.reused), 'record')} measured by run {', '.join(origins)} on this machine",
            )
        )
    rows = [(key, value) for key, value in flat(told(view.info.environment)) if value not in ("", "null", "[]", "{}")]
    of_candidates = asked(view)
    return [
        Block("What was asked", rows=tuple(settings)),
        *([Block("Settings of candidates", rows=tuple(of_candidates))] if of_candidates else []),
        Block("How it was measured", STATISTICS),
        Block("Metrics", rows=tuple(signatures(view))),
        Block("Where it ran", rows=tuple(rows) or (("environment", "not recorded"),)),
        *_machines(view),
    ]


def _machines(view: RunView) -> list[Block]:
    """Describe the machines of a cluster, and how far they differ; nothing for a run at home."""
    if not view.machines:
        return []
    how_far = machines.line(view.machines, view.divided_blocks)
    return [
        Block("Machines", "" if how_far is None else f"{capital(how_far)}.", rows=tuple(machines.rows(view.machines)))
    ]


def signatures(view: RunView) -> list[tuple[str, str]]:
    """List each metric with what fixes its number."""
    by_metric = {
        name: f"{q.source}; {'higher' if q.higher_is_better else 'lower'} is better"
        for entry in view.entries
        for name, q in entry.quality.items()
    }
    return list(by_metric.items())


def again(view: RunView) -> list[Block]:
    """Gather the command, the hashes and the suite."""
    info = view.info
    hashes = [("run", info.id), ("suite SHA-256", info.suite_hash), ("plan SHA-256", info.plan_hash)]
    hashes += [(f"data of {name}", digest) for name, digest in data_hashes(view).items()]
    hashes += [(f"weights of {name}", digest) for name, digest in weight_hashes(view).items()]
    missing = "" if info.suite_text else "The text of the suite was not stored with this run."
    return [
        Block("Command", code=info.command or f"bench run {info.suite}"),
        Block("Hashes", rows=tuple((key, value) for key, value in hashes if value)),
        Block("The suite as it was", missing, folded=info.suite_text),
    ]


def data_hashes(view: RunView) -> dict[str, str]:
    """Look up the data hash of each task, where a record has it."""
    hashes: dict[str, str] = {}
    for entry in view.entries:
        for record in entry.records:
            data = record.notes.get("data")
            digest = data.get("hash") or data.get("sha256") if isinstance(data, Mapping) else None
            digest = digest or entry.cell.identity.get("data_hash")
            if digest:
                hashes.setdefault(entry.cell.task, str(digest))
    return hashes


def weight_hashes(view: RunView) -> dict[str, str]:
    """Look up the weights' hash of each model, where a record has it."""
    hashes: dict[str, str] = {}
    for entry in view.entries:
        for record in entry.records:
            if record.notes.get("weights_hash"):
                hashes.setdefault(entry.cell.model, str(record.notes["weights_hash"]))
    return hashes


def flat(value: object, prefix: str = "") -> list[tuple[str, str]]:
    """Flatten a nested mapping to `a.b` rows, in order of keys; lists as JSON."""
    if isinstance(value, Mapping):
        rows = []
        for key in sorted(value, key=str):
            rows += flat(value[key], f"{prefix}.{key}" if prefix else str(key))
        return rows
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str, sort_keys=True)
    return [(prefix, text if len(text) <= LONGEST else text[:LONGEST] + "…")]


def told(value: object) -> object:
    """Let the missing values of a mapping say why, where the `reasons` beside them do.

    >>> told({"turbo": None, "reasons": {"turbo": "hidden"}})
    {'turbo': 'not known: hidden'}
    """
    if not isinstance(value, Mapping):
        return value
    reasons = value.get("reasons")
    why = reasons if isinstance(reasons, Mapping) else {}
    shown = {
        key: f"not known: {why[key]}" if item is None and why.get(key) else told(item) for key, item in value.items()
    }
    if why and all(key in value for key in why):
        del shown["reasons"]
    return shown


def version() -> str:
    """Look up bench's own version."""
    try:
        return importlib.metadata.version("bench")
    except importlib.metadata.PackageNotFoundError:
        return "from source"
