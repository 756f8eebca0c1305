"""The JSON that the explorer's script reads; `assets/explorer.js` uses these names."""

from __future__ import annotations

from typing import TypedDict


class Look(TypedDict):
    """How a family is drawn."""

    family: str
    label: str
    light: str
    dark: str
    shape: str


class AxisData(TypedDict):
    """A measure that an axis may show."""

    title: str
    base: str
    """Base unit."""
    unit: str
    factor: float
    """Base units in one of the unit shown."""
    higher: bool
    log: bool
    """Whether the axis begins as a logarithmic one."""
    canlog: bool


class CandidateData(TypedDict):
    """A candidate on the chart."""

    name: str
    family: str
    row: str
    """Id of its row in the table of results."""
    missing: str | None
    """What the decision misses of it."""
    values: list[list[float | None] | None]
    """By measure: value and, where there is an interval, its ends."""


class StageData(TypedDict):
    """One stage of the rule: the column that it looks at, or the scores of a utility over several."""

    column: int | None
    scores: list[float | None] | None
    slack: float
    relative: bool


class LimitData(TypedDict):
    """A limit that the reader can move."""

    name: str
    title: str
    operator: str
    on: bool
    value: float
    low: float
    high: float
    base: str
    unit: str
    factor: float
    bounds: list[float | None]
    """By candidate: what must be inside the limit."""
    axis: int | None
    log: bool


class TaskData(TypedDict):
    """One task of the explorer."""

    name: str
    measures: list[AxisData]
    x: int
    candidates: list[CandidateData]
    columns: list[list[float | None]]
    """The decision's columns, by candidate; higher is better in each."""
    objectives: int
    stages: list[StageData]
    limits: list[LimitData]


Specification = dict[str, object]
"""A Vega-Lite specification: JSON."""


class ExplorerData(TypedDict):
    """All that the explorer's script needs."""

    tasks: list[TaskData]
    marks: list[Look]
    spec: Specification
    scales: object
    """Units and their steps, as `bench.units.scales` gives them."""
