"""What the gate found: one line per reading, one for each front, and the verdict of the whole."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Literal

from bench.history.effects import scale_of
from bench.history.trend import AlarmKind

Verdict = Literal["regressed", "improved", "unchanged", "suspected", "insufficient history", "environment changed"]
"""`suspected`: worse, and neither confirmed nor refuted: the rerun was not asked for, not possible, or too noisy.
`environment changed`: the fingerprint of machine, packages or data is another one, and that alone."""


@dataclass(frozen=True, slots=True)
class Line:
    """One reading of one cell: candidate against baseline."""

    model: str
    variant: str
    task: str
    reading: str
    verdict: Verdict
    baseline: float | None
    """In `unit`; of the rerun where there was one."""
    candidate: float | None
    unit: str
    larger_is_better: bool
    change: float | None
    """Quality: candidate − baseline, in `unit`. Efficiency: candidate ÷ baseline − 1."""
    low: float | None
    """Lower end of the 95 % interval of `change`."""
    high: float | None
    p: float | None
    """Quality: one-sided, in the direction of the change. Efficiency: two-sided."""
    p_adjusted: float | None
    """Benjamini and Hochberg's, over the family that the line was tested in."""
    minimum_effect: float
    """Smallest change that counts, as `change`."""
    detectable: float | None
    """Minimum detectable effect: the smallest true change that this test finds 4 times in 5, as `change`; None where
    no change at all would be found so often."""
    rerun: bool
    """Whether an interleaved rerun settled it."""
    text: str
    """The line in words, by `bench.words.gate`; nothing is decided by it."""
    environment: str = ""
    """What changed, where the reading is not compared for that; else empty."""
    power: float | None = None
    """Quality: chance that a true drop of two points is found at this n, among as many readings as were tested."""
    machine: bool = False
    """Whether the machine read the very same model otherwise that night: reported beside the verdict, never as one."""

    @property
    def half_point(self) -> float | None:
        """Return half a point in the metric's unit; None where changes are ratios, or points mean nothing."""
        scale = scale_of(self.reading, self.unit)
        return None if scale.relative else scale.minimum


@dataclass(frozen=True, slots=True)
class FrontChange:
    """How the front of one task (or of all together: `task` is then empty) changed."""

    task: str
    pick_before: str | None
    pick_after: str | None
    lost: tuple[str, ...]
    """Candidates that were on the front and are not."""
    gained: tuple[str, ...]
    volume_before: float | None
    volume_after: float | None
    changed: bool
    text: str
    by_chance: bool = False
    """Whether it changed though every model is the one of the baseline: nearly tied models change places so."""


@dataclass(frozen=True, slots=True)
class AlarmNote:
    """A trend alarm as the gate shows it."""

    model: str
    variant: str
    task: str
    reading: str
    ratio: float
    p: float
    worse: bool
    since: str
    text: str
    kind: AlarmKind = "level"
    """Whether the level of the nights changed, or how much they differ."""


@dataclass(frozen=True, slots=True)
class GateResult:
    """Everything the gate found."""

    verdict: Verdict
    """Of the whole: the worst of the lines."""
    candidate: str
    """Run id."""
    baseline: str | None
    """Run id; None when there is none to compare with."""
    baseline_asked: str
    lines: tuple[Line, ...]
    fronts: tuple[FrontChange, ...]
    alarms: tuple[AlarmNote, ...]
    remarks: tuple[str, ...]
    sentence: str
    """The last line, for a person."""
    exit_code: int
    """0, or 6 when something regressed (asked to be strict: or is suspected)."""

    def to_json(self) -> dict[str, object]:
        """Write the result as JSON-able values."""
        return asdict(self)
