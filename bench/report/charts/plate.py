"""A chart together with the table that holds its numbers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bench.report.charts.base import Chart
from bench.report.tables import Table


@dataclass(frozen=True)
class Plate:
    """What a figure of the page holds."""

    chart: Chart
    table: Table | None = None
    """None where the table of results has the same numbers."""
    switch: Mapping[str, Any] | None = None
    """What the page's script needs to draw the same against another reference."""
