"""Names of measures for people, and the small words of sentences."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from bench.candidates import is_floor
from bench.catalogue.readings import canonical
from bench.decision.draws import is_estimate
from bench.metrics.catalogue import words_of
from bench.suite.limits import QUALITY
from bench.summary import Entry, Quantity
from bench.units import display_unit, format_number, format_quantity
from bench.units import plural as plural

STATUS_WORDS = {
    "ok": "ok",
    "settled": "settled early",
    "unsupported": "unsupported",
    "oom": "out of memory",
    "timeout": "out of time",
    "failed": "failed",
    "skipped": "skipped",
}


@dataclass(frozen=True, slots=True)
class Measure:
    """A quantity that is compared: what to call it, its unit and its direction."""

    name: str
    """As the suite calls it: `quality`, a metric, a reading or an alias."""
    title: str
    short: str
    unit: str
    higher_is_better: bool
    inner: str = "quantity"
    """As it reads inside a sentence: `median latency`, `ROUGE-L`."""

    @property
    def better(self) -> str:
        """Return `higher` or `lower`."""
        return "higher" if self.higher_is_better else "lower"

    @property
    def extreme(self) -> str:
        """Return `highest` or `lowest`, the better end."""
        return "highest" if self.higher_is_better else "lowest"

    @property
    def is_cost(self) -> bool:
        """Tell whether the measure spans decades and belongs on a log axis: time, memory, energy, counts."""
        return self.unit not in ("ratio", "score")


def measure_of(name: str, entries: Iterable[Entry]) -> Measure | None:
    """Look up what `name` means for these entries of one task; None where none of them has it."""
    for entry in entries:
        quantity = entry.quantity(name)
        if quantity is not None:
            return _measure(name, entry, quantity)
    return None


def _measure(name: str, entry: Entry, quantity: Quantity) -> Measure:
    own = canonical(name, on_gpu=entry.on_gpu)
    if own == QUALITY:
        own = entry.quality_metric or own
    words = words_of(own)
    return Measure(name, words.title, words.short, quantity.unit, quantity.higher_is_better, words.phrase)


def is_baseline(entry: Entry) -> bool:
    """Tell whether an entry is a baseline: what every model should beat."""
    return is_floor(entry.cell.family)


def models_of(entries: Sequence[Entry]) -> list[Entry]:
    """List the entries that are no baselines, or all of them where there is no other."""
    return [entry for entry in entries if not is_baseline(entry)] or list(entries)


def among(entries: Sequence[Entry], models: Sequence[Entry]) -> str:
    """Begin a sentence that is about the models alone; empty where all entries are meant."""
    return "Of the models, " if len(models) < len(entries) else ""


def number(value: float | None, unit: str) -> str:
    """Write a value in the unit a person reads, with three significant digits."""
    return "–" if value is None else format_quantity(value, unit)


def interval(quantity: Quantity) -> str:
    """Write an interval such as `0.881 to 0.932`, in the unit of the value; empty without an interval."""
    if quantity.value is None or quantity.ci_low is None or quantity.ci_high is None or quantity.exact:
        return ""
    unit, factor = display_unit(quantity.value, quantity.unit)
    low, high = (format_number(end / factor) for end in (quantity.ci_low, quantity.ci_high))
    return f"{low} to {high} {unit}".rstrip()


def spread(quantity: Quantity) -> str:
    """Write the interval; for an estimate, also say that it is one."""
    ends = interval(quantity)
    return ", ".join(part for part in ("estimate", ends) if part) if is_estimate(quantity) else ends


def spread_with_n(quantity: Quantity) -> str:
    """Write the interval and n, the observations behind the value; nothing for what is counted."""
    return ", ".join(part for part in (spread(quantity), count(quantity)) if part)


def count(quantity: Quantity) -> str:
    """Write n, the observations behind the value; nothing for what is counted."""
    return "" if quantity.exact or not quantity.n else f"n = {quantity.n:,}"


def times(ratio: float) -> str:
    """Write a ratio as people say it.

    >>> times(2.04), times(1.31), times(12.3)
    ('2.0 times', '1.3 times', '12 times')
    """
    return f"{ratio:.1f} times" if ratio < 10 else f"{ratio:,.0f} times"


def listed(words: Sequence[str], limit: int = 4) -> str:
    """Join words as `a, b and c`, or `a, b, c and 5 more`.

    >>> listed(["a", "b", "c"]), listed(["a", "b", "c", "d"], 2)
    ('a, b and c', 'a, b and 2 more')
    """
    shown = list(words[:limit])
    if len(words) > limit:
        return f"{', '.join(shown)} and {len(words) - limit} more"
    return shown[0] if len(shown) == 1 else f"{', '.join(shown[:-1])} and {shown[-1]}" if shown else "none"


def signed(value: float) -> str:
    """Write a difference with its sign and three significant digits.

    >>> signed(0.6), signed(-0.145), signed(0.0)
    ('+0.600', '−0.145', '0')
    """
    if value == 0:
        return "0"
    return f"{'−' if value < 0 else '+'}{format_number(abs(value))}"
