"""What the kit finds: one row per number or promise, written to disk the moment it is known."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal, get_args

Verdict = Literal["PASS", "FAIL", "SKIP", "TOLD"]
"""Kept, broken, not tried (the text says why), or a number that promises nothing."""
FILE = "rows.jsonl"


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the kit's table."""

    step: str
    name: str
    verdict: Verdict
    shown: str = ""
    """The number as a person reads it, or the reason."""
    value: float | None = None
    at_least: float | None = None
    at_most: float | None = None


def judge(value: float | None, at_least: float | None, at_most: float | None) -> Verdict:
    """Hold a number to its bounds; what is missing or not a number keeps none.

    >>> judge(1.01, 0.98, 1.02), judge(float("nan"), None, 1.0), judge(None, None, 1.0)
    ('PASS', 'FAIL', 'FAIL')
    """
    if value is None or math.isnan(value):
        return "FAIL"
    kept = (at_least is None or value >= at_least) and (at_most is None or value <= at_most)
    return "PASS" if kept else "FAIL"


@dataclass(frozen=True, slots=True)
class Ledger:
    """Where one step writes its rows."""

    path: Path
    step: str

    def hold(
        self,
        name: str,
        value: float | None,
        *,
        at_least: float | None = None,
        at_most: float | None = None,
        shown: str = "",
    ) -> Verdict:
        """Write a number with its bounds."""
        verdict = judge(value, at_least, at_most)
        text = shown or ("missing" if value is None else f"{value:.4g}")
        self.write(Row(self.step, name, verdict, text, _finite(value), at_least, at_most))
        return verdict

    def require(self, name: str, kept: bool, shown: str = "") -> None:
        """Write a promise that is kept or not."""
        self.write(Row(self.step, name, "PASS" if kept else "FAIL", shown))

    def tell(self, name: str, shown: object, value: float | None = None) -> None:
        """Write something that promises nothing."""
        self.write(Row(self.step, name, "TOLD", str(shown), _finite(value)))

    def skip(self, name: str, why: str) -> None:
        """Write what was not tried, and why."""
        self.write(Row(self.step, name, "SKIP", why))

    def write(self, row: Row) -> None:
        """Append a row, and wait until it is on the disk."""
        line = json.dumps(asdict(row), allow_nan=False, ensure_ascii=False) + "\n"
        with self.path.open("a", encoding="utf-8") as file:
            file.write(line)
            file.flush()
            os.fsync(file.fileno())


def _finite(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) else None


def read_rows(path: Path) -> list[Row]:
    """Read every whole row; a last line that was cut off by a kill is left out."""
    return list(_rows(path)) if path.exists() else []


def _rows(path: Path) -> Iterator[Row]:
    for line in path.read_text(encoding="utf-8").splitlines():
        try:
            fields = json.loads(line)
        except json.JSONDecodeError:
            continue
        if fields.get("verdict") in get_args(Verdict):
            yield Row(**fields)
