"""The suite's sections on prices, the decision and nights: what is done with the numbers, not how they are made."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from bench.suite.fields import Duration, End, Margins, Rates, Reference, RuleName
from bench.suite.rules import DEFAULT_RULE


class _Strict(BaseModel):
    """Frozen, no unknown keys, and every number finite."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", strict=True, allow_inf_nan=False, use_attribute_docstrings=True
    )


class PriceSpec(_Strict):
    """Prices that turn throughput and energy into cost and carbon; each is optional."""

    currency: str = "EUR"
    """Of the prices, as it is shown."""
    machine_per_hour: float | None = Field(default=None, ge=0)
    """Price of the machine for an hour."""
    energy_per_kwh: float | None = Field(default=None, ge=0)
    """Price of a kilowatt-hour."""
    carbon_g_per_kwh: float | None = Field(default=None, ge=0)
    """Grams of CO₂ for a kilowatt-hour, of the grid."""


class DecisionSpec(_Strict):
    """How a pick is made from the front."""

    rule: RuleName = DEFAULT_RULE
    """How to pick among the models that meet the limits; `bench ls rules` lists the rules."""
    prefer: str | None = None
    """The objective to optimise; by default the first quality objective."""
    epsilon: float = Field(default=0.01, ge=0)
    """`cheapest-within-epsilon`: how much of `prefer` may be given up, in its own unit."""
    order: list[str] = []
    """`lexicographic`: objectives, most important first."""
    margins: Margins = {}
    """Per objective, the difference that does not matter: a quantity with its unit, or `"2 %"` of the value."""
    rates: Rates = {}
    """`weighted`: what `prefer` is worth in each other objective, e.g. `latency_p95_s: "20 ms per 0.01"`."""
    reference: Reference = {}
    """Reference point of the hypervolume, per objective."""
    cost_across_tasks: Literal["sum", "worst"] = "worst"
    """How a cost of several tasks becomes one: their `sum`, or the `worst`."""
    confidence: float = Field(default=0.8, gt=0.5, lt=1)
    """Chance of being the best choice from which an answer counts as settled; below it, the answer says what to measure
    next."""
    risk: float = Field(default=0.05, gt=0, lt=0.5)
    """Chance of breaking a limit that is taken: a model that breaks one more often is not shipped."""
    broken_limit: float | None = Field(default=None, gt=0)
    """What breaking a limit costs, in the unit of `prefer`: its chance is then paid for too, and not only bounded by
    `risk`."""
    replicates: int = Field(default=2000, ge=200, le=100_000)
    """Resamples from which the confidence is counted."""
    seed: int = Field(default=42, ge=0, lt=2**32)
    """Of the resamples."""


class RaceSpec(_Strict):
    """How a run measures on where its answer is open, and no further; see `docs/racing.md`."""

    until: Literal["decided", "front", "all"] = "decided"
    """`decided`: examples and processes are added where the answer is open, until it is decided. `front`: until it is
    also settled who is on the front. `all`: everything is answered and measured, as without this section."""
    budget: Duration | None = None
    """Seconds of work after which a race ends with what it has, such as `"10 min"`; by default it has no end but the
    data's."""
    risk: float = Field(default=0.05, gt=0, lt=0.5)
    """Chance, of each task, of a pick that is worse than that of the full data by more than the margin; with `front`,
    as much again of a wrong place on the front."""
    margin: float = Field(default=0.5, ge=0)
    """Difference of quality that does not matter: in points, or in percent where the metric has none."""
    guarantee: Literal["predictive", "anytime"] = "predictive"
    """`predictive`: the chance, given the answers so far, of what the rest may bring. `anytime`: a boundary that holds
    for any data, however often they are looked at; it takes more examples."""


class NightlySpec(_Strict):
    """How `bench nightly` runs the suite; the command line's options win."""

    baseline: str = "previous"
    """`previous`, `best`, `tag:NAME` or a run."""
    deadline: End | None = None
    """Time of day (`"06:00"`) or duration (`"3 h"`) after which nothing is started; what runs then is stopped."""
    keep_nights: int | None = Field(default=None, ge=1)
    """Nights whose raw timings and answers are kept; None for all. Summaries are kept for ever."""
    notify: Literal["always", "problems"] = "always"
    """`problems`: only when something regressed, is suspected, failed or was cut short, or a trend alarm says worse."""
    strict: bool = False
    """Whether a suspicion that the rerun neither confirmed nor refuted fails the night (exit code 6)."""
    command: str | None = None
    """Told the outcome as JSON on its standard input, through the shell. A webhook's address is a secret: it
    is given by `--webhook` or BENCH_WEBHOOK."""
