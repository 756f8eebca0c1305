"""Whether the models of a task count the same tokens, without which no metric per token can be compared."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from bench.doubts.tokens_differ import TokensDiffer
from bench.summary.entry import Entry

LARGEST = 0.01
"""Difference of tokens per byte that is overlooked: it moves the logarithm of a perplexity by 1 %, and a tokeniser that
also scores the first or the last token of a text is no other tokeniser."""


def tokens_per_byte(entry: Entry) -> float | None:
    """Compute the scored tokens per byte of text; None where no text was scored."""
    size = sum(sample.scored_bytes or 0 for sample in entry.samples)
    tokens = sum(sample.scored_tokens or 0 for sample in entry.samples)
    return tokens / size if size and tokens else None


def differ(rates: Sequence[float]) -> bool:
    """Tell whether models with these tokens per byte have different tokenisers.

    >>> differ([1.0, 0.17]), differ([0.251, 0.252]), differ([])
    (True, False, False)
    """
    return bool(rates) and max(rates) > (1 + LARGEST) * min(rates)


def incomparable(entries: Sequence[Entry]) -> tuple[str, ...]:
    """List the metrics of a task's entries that are not compared since their tokens differ."""
    code = TokensDiffer.code
    return tuple(dict.fromkeys(n for entry in entries for d in entry.doubts if d.code == code for n in d.readings))


def doubted(entries: Sequence[Entry]) -> list[Entry]:
    """Add the doubt to the entries of tasks whose models count different tokens, and put metrics per token last there:
    the first is the task's quality."""
    rates: dict[str, dict[str, float]] = {}
    for entry in entries:
        rate = tokens_per_byte(entry) if entry.ended_well and _per_token(entry) else None
        if rate is not None:
            rates.setdefault(entry.cell.task, {})[entry.id] = rate
    apart = {task: of_task for task, of_task in rates.items() if differ(list(of_task.values()))}
    return [_with_doubt(entry, apart[entry.cell.task]) if entry.cell.task in apart else entry for entry in entries]


def _with_doubt(entry: Entry, rates: Mapping[str, float]) -> Entry:
    if entry.id not in rates:
        return entry
    names = _per_token(entry)
    least, most = min(rates.values()), max(rates.values())
    doubt = TokensDiffer(own=rates[entry.id], least=least, most=most, readings=names).doubt()
    last = {name: entry.quality[name] for name in names}
    first = {name: quantity for name, quantity in entry.quality.items() if name not in last}
    return replace(entry, quality=first | last, doubts=(*entry.doubts, doubt))


def _per_token(entry: Entry) -> tuple[str, ...]:
    return tuple(name for name, metric in entry.metrics.items() if metric.per_token and name in entry.quality)
