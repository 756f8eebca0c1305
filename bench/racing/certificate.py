"""The certificate of a race: all that its verdicts depended on, so that anybody can judge it again without the run.

It holds the order of the examples with its seed, every candidate's scores by example, and for each look the costs and
limits as they were used and what was concluded. The hash over the whole tells whether anything was changed, those of
the parts what.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Literal, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from bench.catalogue.readings import Range
from bench.decision.board import Column
from bench.digest import content_hash
from bench.errors import InputError
from bench.metrics.base import Metric
from bench.metrics.catalogue import METRICS
from bench.metrics.rows import mean
from bench.racing.order import drawn
from bench.racing.state import Contestant, Guarantee, LimitState, Look, Membership, OutReason, Race, RacedColumn, Until
from bench.record import Sample
from bench.suite import DecisionSpec
from bench.summary.raced import Ended

Floats = NDArray[np.float64]
Rows = tuple[tuple[float, ...], ...]
REMEDY = "write one with 'bench certify RUN -o FILE'"
"""What to do where there is none, for messages."""
ADDED = ("until", "front")
"""Parts that files had not from the start: without a value they take no part in a hash, so that older files hold."""


class Strict(BaseModel):
    """A part of the file."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True, allow_inf_nan=False)


class MetricNote(Strict):
    """A metric of bench with its settings; a function of one's own is the mean of what it gave each example."""

    name: str
    settings: dict[str, str] = {}
    several: bool = False


class ColumnNote(Strict):
    """One thing that the rule or a limit looked at."""

    asked: str
    name: str
    unit: str
    higher_is_better: bool
    margin: float
    margin_is_relative: bool
    also: tuple[str, ...]
    tolerance: float
    metric: MetricNote | None


class LimitNote(Strict):
    """What was known of one limit."""

    label: str
    column: str
    state: Literal["inside", "outside", "open"]
    kept: float = Field(ge=0, le=1)
    by_examples: bool


class ContestantNote(Strict):
    """What was known of a candidate at a look."""

    name: str
    answered: int = Field(ge=0)
    costs: dict[str, float]
    limits: tuple[LimitNote, ...]
    kept: float = Field(ge=0, le=1)
    all_kept: float = Field(ge=0, le=1)
    broken: str | None
    is_baseline: bool
    answers: str
    """SHA-256 (hex) of the answers so far."""
    scores: dict[str, Rows] = {}
    """Where they were not those of `TaskNote.scores`: of a metric whose rows hang on all examples."""


class LookNote(Strict):
    """One look: what was known, and what the run concluded."""

    columns: tuple[ColumnNote, ...]
    objectives: int = Field(ge=0)
    contestants: tuple[ContestantNote, ...]
    pick: str | None
    risk: float
    hash: str
    """SHA-256 (hex) of the rest."""


class TaskNote(Strict):
    """The race of one task."""

    decision: DecisionSpec
    examples: str
    """SHA-256 (hex) of the examples' ids in the data's order."""
    order: str
    """SHA-256 (hex) of the ids in the order in which they are answered."""
    positions: tuple[int, ...]
    """The order: places in the task's data."""
    ends: tuple[int, ...]
    """How many examples are answered after each group, or each example without one."""
    answered: tuple[str, ...]
    """The ids of those that somebody answered, in the order."""
    scores: dict[str, dict[str, Rows]]
    """By candidate and metric: a row for each example answered, in the order."""
    hashes: dict[str, dict[str, str]]
    """SHA-256 (hex) of each."""
    looks: tuple[LookNote, ...]
    ending: Ended | None
    pick: str | None
    out: dict[str, OutReason]
    front: dict[str, Membership] | None = None
    """Where everybody stands with the front, in a race until that is settled."""

    @model_validator(mode="after")
    def _are_tables(self) -> Self:
        """Refuse rows of different lengths, and more answers than there are examples or scores."""
        looked_at = [note for look in self.looks for note in look.contestants]
        tables = [*self.scores.values(), *(note.scores for note in looked_at)]
        if any(len({len(row) for row in rows}) > 1 for own in tables for rows in own.values()):
            raise ValueError("rows of scores have different lengths")
        for note in looked_at:
            own = {**self.scores.get(note.name, {}), **note.scores}
            if note.answered > min([len(self.positions), *map(len, own.values())]):
                raise ValueError(f"{note.name} has answered {note.answered} examples, of which there are fewer")
        return self


class Certificate(Strict):
    """The race of a run."""

    bench_certificate: Literal[1] = 1
    """Of the file's format."""
    suite: str
    run: str
    guarantee: Guarantee
    risk: float = Field(gt=0, lt=0.5)
    margin: float = Field(ge=0)
    seed: int
    until: Until | None = None
    """None for the pick alone."""
    tasks: dict[str, TaskNote]
    hash: str = ""
    """SHA-256 (hex) of the rest."""

    @property
    def race(self) -> Race:
        """How the run was raced."""
        return Race(self.guarantee, self.risk, self.margin, self.seed, self.until or Until.DECIDED)

    def sealed(self) -> Certificate:
        """Give it the hash of its content."""
        return self.model_copy(update={"hash": hash_of(self)})


class MeanOfRows(Metric):
    """What a function of one's own gave each example: without the function its mean is all that is needed."""

    title = "Mean"
    definition = "The mean of what a function gave each example."
    kinds = frozenset()
    range = Range()

    def __init__(self, name: str) -> None:
        self.name = name

    def statistics(self, samples: Sequence[Sample], labels: Sequence[str]) -> Floats:
        """Refuse: the answers are not in the certificate.

        Raises:
            InputError: always.
        """
        raise InputError(f"a certificate has the scores of '{self.name}', not the answers")

    def value(self, sums: Floats) -> Floats:
        """Compute the mean."""
        return mean(sums)


def hash_of(part: BaseModel) -> str:
    """Return the SHA-256 (hex) of a part of the file without its own hash."""
    return content_hash(_without_added(part.model_dump(mode="json", exclude={"hash"})))


def _without_added(part: dict[str, object]) -> dict[str, object]:
    """Leave out what has no value of the parts that were added later, in the tasks too."""
    kept = {key: value for key, value in part.items() if key not in ADDED or value is not None}
    tasks = kept.get("tasks")
    if isinstance(tasks, dict):
        kept["tasks"] = {name: _without_added(task) for name, task in tasks.items()}
    return kept


def rows_hash(rows: Rows) -> str:
    """Return the SHA-256 (hex) of scores."""
    return content_hash([list(row) for row in rows])


def read(path: Path) -> Certificate:
    """Read a certificate.

    Raises:
        InputError: there is no such file, or it is no certificate.
    """
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror}; {REMEDY}") from error
    except (UnicodeDecodeError, json.JSONDecodeError, RecursionError) as error:
        raise InputError(f"{path} is no certificate: it is not JSON; {REMEDY}") from error
    try:
        return Certificate.model_validate(document)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"])) or "the top"
        raise InputError(f"{path} is no certificate that bench writes: at {place}: {first['msg']}; {REMEDY}") from error


def metric_of(note: MetricNote) -> Metric:
    """Make the metric of a note.

    Raises:
        InputError: it is none of bench's, or has not these settings.
    """
    if ":" in note.name or "/" in note.name:
        return MeanOfRows(note.name)
    if note.name not in METRICS:
        raise InputError(f"the certificate's metric '{note.name}' is not known here; install what provides it")
    return METRICS[note.name]().configured(note.settings, several=note.several)


def has_its_order(task: TaskNote, seed: int) -> bool:
    """Tell whether the order of a task is the one that its seed draws for its examples and groups."""
    total = len(task.positions)
    ends = list(task.ends)
    if sorted(task.positions) != list(range(total)) or ends != sorted({*ends, total}) or ends[:1] == [0]:
        return False
    units = [task.positions[start:end] for start, end in pairwise([0, *ends])]
    return drawn(sorted(units, key=min), task.examples, seed) == (task.positions, task.ends)


def column_note(raced: RacedColumn) -> ColumnNote:
    """Describe a column."""
    column, metric = raced.column, raced.metric
    return ColumnNote(
        asked=column.asked,
        name=column.name,
        unit=column.unit,
        higher_is_better=column.higher_is_better,
        margin=column.margin,
        margin_is_relative=column.margin_is_relative,
        also=column.also,
        tolerance=raced.tolerance,
        metric=None
        if metric is None
        else MetricNote(name=metric.name, settings=dict(metric.settings), several=metric.several),
    )


def _column(note: ColumnNote) -> RacedColumn:
    column = Column(
        note.asked, note.name, note.unit, note.higher_is_better, note.margin, note.margin_is_relative, note.also
    )
    return RacedColumn(column, note.tolerance, None if note.metric is None else metric_of(note.metric))


def contestant_note(own: Contestant, scores: Mapping[str, Rows]) -> ContestantNote:
    """Describe a candidate at a look.

    Args:
        own: the candidate.
        scores: those that are not the beginning of its scores at the end.
    """
    limits = tuple(
        LimitNote(label=x.label, column=x.column, state=x.state, kept=x.kept, by_examples=x.by_examples)
        for x in own.limits
    )
    return ContestantNote(
        name=own.name,
        answered=own.answered,
        costs=dict(own.values),
        limits=limits,
        kept=own.kept,
        all_kept=own.all_kept,
        broken=own.broken,
        is_baseline=own.is_baseline,
        answers=own.answers,
        scores=dict(scores),
    )


def _contestant(note: ContestantNote, task: TaskNote) -> Contestant:
    whole = task.scores.get(note.name, {})
    rows = {name: note.scores.get(name, own[: note.answered]) for name, own in whole.items()}
    return Contestant(
        name=note.name,
        answered=note.answered,
        values=note.costs,
        statistics={name: np.array(own, dtype=np.float64) for name, own in rows.items() if own},
        limits=tuple(LimitState(x.label, x.column, x.state, x.kept, x.by_examples) for x in note.limits),
        kept=note.kept,
        all_kept=note.all_kept,
        broken=note.broken,
        is_baseline=note.is_baseline,
        answers=note.answers,
    )


def look_of(name: str, task: TaskNote, note: LookNote, race: Race) -> Look:
    """Rebuild a look; who was out before is for the caller to say.

    Raises:
        InputError: a metric is not known here.
    """
    return Look(
        task=name,
        race=race,
        spec=task.decision,
        columns=tuple(map(_column, note.columns)),
        objectives=note.objectives,
        ends=task.ends,
        contestants=tuple(_contestant(own, task) for own in note.contestants),
        order=task.order,
    )
