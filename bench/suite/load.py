"""The suite's section on load: how served candidates are loaded, and what times must be kept."""

from __future__ import annotations

import math
import re
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from bench.errors import InputError, nearest
from bench.units import parse_quantity

SLO_NAME = re.compile(r"(ttft|tpot|latency)_p(50|95|99)")
SLO_NAMES = tuple(f"{time}_p{percent}" for time in ("ttft", "tpot", "latency") for percent in (50, 95, 99))
SLO_LIMIT = re.compile(r"<=\s*(.+)")

JUDGING = frozenset({"slo", "target_per_s"})
"""Keys by which levels are judged, not measured: changing them measures nothing again."""
JUDGED_BY = {"goodput_per_s": "slo", "good_share": "slo", "slo_rate_per_s": "slo", "replicas": "target_per_s"}
"""The key of `load` without which a reading has no value."""
MOST_REQUESTS = 1_000_000
"""Requests of one level at most: no client here sends as many in a window, and all are kept."""


def parse_slo(name: str, text: str) -> tuple[str, float, float]:
    """Parse a limit of times under load into the time, the quantile and the seconds.

    Raises:
        InputError: it is none.

    >>> parse_slo("ttft_p95", "<= 300 ms")
    ('ttft', 0.95, 0.3)
    """
    match, limit = SLO_NAME.fullmatch(name), SLO_LIMIT.fullmatch(text.strip())
    if match is None:
        raise InputError(f"'{name}' is no time under load; {nearest(name, SLO_NAMES)}")
    if limit is None:
        raise InputError(f"{name}: '{text}' is no limit of a time; write one such as '<= 300 ms'")
    seconds = parse_quantity(limit[1], "s")
    if seconds <= 0:
        raise InputError(f"{name}: no request takes {seconds:g} s; write a limit above 0, such as '<= 300 ms'")
    return match[1], int(match[2]) / 100, seconds


def _is_rate(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 < value < math.inf


class LoadSpec(BaseModel):
    """How served candidates are loaded, after they are scored and timed one request at a time."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", strict=True, allow_inf_nan=False, use_attribute_docstrings=True
    )

    levels: Literal["auto"] | Annotated[list[Annotated[float, Field(gt=0)]], Field(min_length=1)] = "auto"
    """Requests per second of each level, the same for all candidates; `auto`: shares of each one's own capacity, which
    a ladder of closed loops finds."""
    arrivals: Literal["poisson", "constant", "gamma", "trace"] = "poisson"
    """Gaps between requests: exponential, equal, in bursts, or those of a `trace`."""
    trace: Annotated[list[float], Field(min_length=3)] | None = None
    """Moments of a trace, in any unit; stretched to the rate of each level."""
    window_s: float = Field(default=10.0, gt=0)
    """Seconds in which the requests of a level are sent."""
    rung_s: float = Field(default=2.0, gt=0)
    """Seconds of a closed loop on the way to the capacity."""
    max_under_way: int = Field(default=256, ge=1)
    """Requests under way at most in a closed loop."""
    salt: bool = True
    """Put a beginning of its own before every prompt, so that no cache of prompts answers; the lowest level is then
    run without once more, as a control."""
    slo: dict[str, str] = {}
    """Limits of times under load, such as `{ttft_p95: "<= 300 ms", tpot_p95: "<= 50 ms"}`; a request is good when it
    keeps them all."""

    target_per_s: float | None = Field(default=None, gt=0)
    """Requests per second that are to be borne in all: `replicas` says how many servers that takes."""

    @field_validator("levels", mode="before")
    @classmethod
    def _rates(cls, levels: object) -> object:
        """Refuse in one line what is neither `auto` nor a list of rates, each once."""
        if levels == "auto":
            return levels
        rates = levels if isinstance(levels, list) else []
        if not rates or not all(_is_rate(rate) for rate in rates):
            raise ValueError("give a list of requests per second, each above 0, such as [5, 10, 20]; or auto")
        twice = next((rate for rate in rates if rates.count(rate) > 1), None)
        if twice is not None:
            raise ValueError(f"the level {twice:g} stands twice, and a level is called by its rate; leave one out")
        return levels

    @field_validator("slo")
    @classmethod
    def _limits(cls, limits: dict[str, str]) -> dict[str, str]:
        try:
            for name, text in limits.items():
                parse_slo(name, text)
        except InputError as error:
            raise ValueError(str(error)) from error
        return limits

    @model_validator(mode="after")
    def _traced(self) -> LoadSpec:
        if (self.arrivals == "trace") != (self.trace is not None):
            raise ValueError("'trace' and 'arrivals: trace' go together; give both, or neither")
        if self.trace is not None and max(self.trace) <= min(self.trace):
            raise ValueError("the moments of a 'trace' are all the same; give those of at least two")
        return self

    @model_validator(mode="after")
    def _sendable(self) -> LoadSpec:
        for rate in () if self.levels == "auto" else self.levels:
            within = f"a window of {self.window_s:g} s holds"
            if round(rate * self.window_s) < 1:
                raise ValueError(f"{within} no request at {rate:g} a second; lengthen it, or raise the rate")
            if rate * self.window_s > MOST_REQUESTS:
                raise ValueError(f"{within} more than {MOST_REQUESTS:,} requests at {rate:g} a second; lower the rate")
        if self.target_per_s is not None and not self.slo:
            raise ValueError("'target_per_s' counts replicas by the rate within an SLO; give 'slo' too")
        return self

    @property
    def limits(self) -> dict[str, float] | None:
        """The greatest times of a good request in seconds, by `ttft`, `tpot`, `latency`; None without an objective."""
        parsed = [parse_slo(name, text) for name, text in self.slo.items()]
        return {time: min(limit for other, _, limit in parsed if other == time) for time, _, _ in parsed} or None
