"""Writing the certificate of a stored run, and judging one again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import Enum

from bench.decision import Question
from bench.errors import InputError
from bench.racing.certificate import (
    Certificate,
    LookNote,
    Rows,
    TaskNote,
    column_note,
    contestant_note,
    has_its_order,
    hash_of,
    look_of,
    rows_hash,
)
from bench.racing.gather import gather
from bench.racing.judge import judge
from bench.racing.order import Order
from bench.racing.state import Contestant, Guarantee, Look, Membership, Out, OutReason, Race, Until, Verdict
from bench.record import Record
from bench.store import StoredRun
from bench.summary import summarise
from bench.summary.entry import candidate_name
from bench.summary.raced import RaceOutcome, TaskOutcome, race_outcome

ROUNDING = 1e-6
"""How far two computations of the same chance may be apart, on machines that add in another order."""


class Differs(Enum):
    """What of a certificate does not hold."""

    CONTENT = "content"
    """It is not what was sealed."""
    ORDER = "order"
    """The order is not the one of its seed and examples."""
    SCORES = "scores"
    """Scores are not those of their hash."""
    LOOK = "look"
    """What was known at a look is not that of its hash."""
    PICK = "pick"
    RISK = "risk"
    OUT = "out"
    ENDING = "ending"
    PLACE = "place"


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing of a certificate that does not hold."""

    kind: Differs
    task: str = ""
    where: str = ""
    """A candidate and metric, or the number of a look, the first being 1."""
    said: str = ""
    """What the certificate says."""
    again: str = ""
    """What comes out."""

    @property
    def is_tampering(self) -> bool:
        """Tell whether the file was changed, rather than judged otherwise."""
        return self.kind in (Differs.CONTENT, Differs.ORDER, Differs.SCORES, Differs.LOOK)


def certify(stored: StoredRun, question: Question) -> Certificate:
    """Write the certificate of a run from its records.

    Raises:
        InputError: the run was not raced, or has no answers any more.
    """
    race = race_outcome(stored.info.race)
    if race is None or not race.tasks:
        raise InputError(f"run {stored.info.id} was not raced; run its suite with '--until decided'")
    if stored.gone:
        (label, _), why = next(iter(stored.gone.items()))
        raise InputError(
            f"run {stored.info.id} has no answers of {label} any more ({why}), so nothing can be certified"
        )
    tasks = {name: _task(name, task, race, stored.records, question) for name, task in race.tasks.items()}
    return Certificate(
        suite=stored.info.suite,
        run=stored.info.id,
        guarantee=Guarantee(race.guarantee),
        risk=race.risk,
        margin=race.margin,
        seed=race.seed,
        until=Until.FRONT if race.until == "front" else None,
        tasks=tasks,
    ).sealed()


def _task(name: str, task: TaskOutcome, race: RaceOutcome, records: Sequence[Record], question: Question) -> TaskNote:
    """Gather every look of a task again."""
    order = Order(task.positions, task.ends, task.order, task.examples)
    raced = [record for record in records if candidate_name(record.cell) in task.answered]
    own = [record for record in raced if record.cell.task == name]
    settings = Race(Guarantee(race.guarantee), race.risk, race.margin, race.seed, Until(race.until))
    looks = [
        gather(name, summarise([r for r in own if r.process < past.rounds]), question, settings, order)
        for past in task.looks
    ]
    whole = {own.name: own for own in looks[-1].contestants} if looks else {}
    scores = {candidate: _rows(last) for candidate, last in whole.items()}
    notes = [_look(look, scores, past.pick, past.risk) for look, past in zip(looks, task.looks, strict=True)]
    by_place = {s.index: s.example_id for record in own for s in record.samples}
    return TaskNote(
        decision=looks[-1].spec if looks else question.rule,
        examples=task.examples,
        answered=tuple(by_place[position] for position in task.positions if position in by_place),
        positions=task.positions,
        ends=task.ends,
        order=task.order,
        scores=scores,
        hashes={c: {metric: rows_hash(rows) for metric, rows in own.items()} for c, own in scores.items()},
        looks=tuple(notes),
        ending=task.ending,
        pick=task.pick,
        out={candidate: OutReason(left.reason) for candidate, left in task.out.items()},
        front={own: Membership(place.membership) for own, place in task.front.items()} if task.front else None,
    )


def _rows(own: Contestant) -> dict[str, Rows]:
    return {name: tuple(tuple(map(float, row)) for row in rows) for name, rows in own.statistics.items()}


def _look(look: Look, scores: Mapping[str, Mapping[str, Rows]], pick: str | None, risk: float) -> LookNote:
    """Describe a look and what the run concluded from it."""
    contestants = []
    for own in look.contestants:
        rows = _rows(own)
        other = {n: r for n, r in rows.items() if r != scores.get(own.name, {}).get(n, ())[: own.answered]}
        contestants.append(contestant_note(own, other))
    columns = tuple(map(column_note, look.columns))
    note = LookNote(
        columns=columns,
        objectives=look.objectives,
        contestants=tuple(contestants),
        pick=pick,
        risk=risk,
        hash="",
    )
    return note.model_copy(update={"hash": hash_of(note)})


def check(certificate: Certificate) -> list[Difference]:
    """Judge a race again from its certificate alone, and list what does not hold; nothing where all of it does.

    Raises:
        InputError: a metric of it is not known here.
    """
    differences = []
    if certificate.hash != hash_of(certificate):
        differences.append(Difference(Differs.CONTENT, said=certificate.hash, again=hash_of(certificate)))
    for name, task in certificate.tasks.items():
        differences += _tampered(name, task, certificate.seed)
        differences += _judged_again(name, task, certificate.race)
    return differences


def _tampered(name: str, task: TaskNote, seed: int) -> list[Difference]:
    """List the parts of a task that are not those of their hashes."""
    differences = []
    if not has_its_order(task, seed):
        differences.append(Difference(Differs.ORDER, name, said=task.order))
    for candidate, own in task.scores.items():
        for metric, rows in own.items():
            said, again = task.hashes.get(candidate, {}).get(metric, ""), rows_hash(rows)
            if said != again:
                differences.append(Difference(Differs.SCORES, name, f"{candidate}, {metric}", said, again))
    for number, look in enumerate(task.looks, start=1):
        if look.hash != hash_of(look):
            differences.append(Difference(Differs.LOOK, name, str(number), look.hash, hash_of(look)))
    return differences


def _judged_again(name: str, task: TaskNote, race: Race) -> list[Difference]:
    """Judge every look of a task again."""
    differences: list[Difference] = []
    out: tuple[Out, ...] = ()
    verdict: Verdict | None = None
    for number, note in enumerate(task.looks, start=1):
        verdict = _verdict(replace(look_of(name, task, note, race), out=out), number)
        out = verdict.out
        if verdict.pick != note.pick:
            differences.append(Difference(Differs.PICK, name, str(number), str(note.pick), str(verdict.pick)))
        if abs(verdict.risk - note.risk) > ROUNDING:
            differences.append(Difference(Differs.RISK, name, str(number), f"{note.risk:.6g}", f"{verdict.risk:.6g}"))
    return differences if verdict is None else [*differences, *_concluded(name, task, verdict)]


def _verdict(look: Look, number: int) -> Verdict:
    """Judge a look of which nothing is sure.

    Raises:
        InputError: its scores are none of its metrics.
    """
    try:
        return judge(look)
    except (ArithmeticError, IndexError, ValueError) as error:
        place = f"look {number} of the task '{look.task}'"
        raise InputError(f"the certificate's {place} cannot be judged: its scores do not fit its metrics") from error


def _concluded(name: str, task: TaskNote, verdict: Verdict) -> list[Difference]:
    """Compare what the race came to. A run may end one that would go on: for the time, or as no more is measured."""
    differences = []
    if verdict.pick != task.pick:
        differences.append(Difference(Differs.PICK, name, "the end", str(task.pick), str(verdict.pick)))
    again = None if verdict.ending is None else verdict.ending.value
    if again is not None and again != task.ending:
        differences.append(Difference(Differs.ENDING, name, "the end", str(task.ending), again))
    reasons = {out.name: out.reason for out in verdict.out}
    for candidate in sorted({*reasons, *task.out}):
        said, now = task.out.get(candidate), reasons.get(candidate)
        if said is not now:
            texts = ["still in" if reason is None else reason.value for reason in (said, now)]
            differences.append(Difference(Differs.OUT, name, candidate, *texts))
    return [*differences, *_placed_otherwise(name, task, verdict)]


def _placed_otherwise(name: str, task: TaskNote, verdict: Verdict) -> list[Difference]:
    """List the candidates that stand elsewhere with the front."""
    places = {place.name: place.membership.value for place in verdict.places}
    said = {candidate: membership.value for candidate, membership in (task.front or {}).items()}
    return [
        Difference(Differs.PLACE, name, candidate, said.get(candidate, "none"), places.get(candidate, "none"))
        for candidate in sorted({*places, *said})
        if places.get(candidate) != said.get(candidate)
    ]
