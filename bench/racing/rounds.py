"""The rounds of a racing run: what is known after each, and what the next one asks of whom.

Round 0 measures every candidate in one process, which answers the first block of examples, and takes over what an
earlier run answered of them and of those that follow without a gap; in a race for the pick alone under a rule that
takes the best quality it is timed for the least window. Each later round answers the next block of a task with those
that are still in, and measures once more, in a fresh process and for whole windows, those whose limits decide. A race
until the front is settled measures everybody in as many processes as the profile has, before it looks: who is no dearer
than whom must not change any more. A round is a function of the records of the rounds before it, so that a run that was
killed goes on with the same ones.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from bench.candidates import is_floor
from bench.decision import Question
from bench.planning import Plan
from bench.racing.gather import gather
from bench.racing.judge import ended, judge
from bench.racing.looks import START_S, next_count
from bench.racing.order import Order, shuffle
from bench.racing.state import Ending, Guarantee, Race, Until, Verdict
from bench.record import ASKED, WELL, Asked, Cell, Record
from bench.running.blocks import Block, a_round
from bench.running.runner import Answered
from bench.suite import RaceSpec
from bench.suite.limits import parse_duration
from bench.summary import Entry, summarise
from bench.summary.raced import FrontPlace, LeftRace, PastLook, RaceOutcome, TaskOutcome

MOST_PROCESSES = 5
"""Processes in which a candidate is measured on a task, at most: a limit that is open after so many stays open."""
VERSION = 1
"""Of what `outcome` gives."""


@dataclass(slots=True)
class TaskRace:
    """The race of one task."""

    order: Order
    verdicts: list[Verdict] = field(default_factory=list)
    """One for each look."""
    rounds: list[int] = field(default_factory=list)
    """After how many rounds each look was."""
    entries: list[Entry] = field(default_factory=list)
    """As they were at the last look."""
    tolerance: float = 0.0
    """The difference of quality that does not matter, in the metric's unit."""

    @property
    def is_over(self) -> bool:
        """Tell whether nothing more is asked."""
        return bool(self.verdicts) and self.verdicts[-1].ending is not None


@dataclass(slots=True)
class Racing:
    """Decides round by round what a run does (`bench.running.runner.Rounds`)."""

    race: Race
    question: Question
    tasks: dict[str, TaskRace]
    measures: bool = True
    budget_s: float | None = None
    seed: int = 42
    """Of the order in which candidates run."""
    processes: int = 1
    """In which everybody is measured before the first look at a front."""
    spared_s: float = 0.0
    """Seconds by which measuring briefly is shorter than measuring, at most."""
    looked: int = 0
    """Rounds that have been judged."""
    spent_s: float = 0.0

    def following(self, runnable: Sequence[Cell], answered: Answered) -> Sequence[Block]:
        """Plan the next round; nothing where every task has ended."""
        cells = [cell for cell in runnable if cell.task in self.tasks]
        number = 1 + max((process for _, process in answered), default=-1)
        if not answered:
            return a_round(cells, 0, self.seed, self._first(cells))
        self.spent_s = sum(record.wall_s for record in answered.values())
        records = list(answered.values())
        if self.race.until is Until.FRONT and number < self.processes and self.measures:
            before = self._measuring(cells, records)
            if before and not self._is_too_long(before, records):
                return a_round(cells, number, self.seed, before)
        asked: dict[str, Asked] = {}
        for task, race in self.tasks.items():
            if not race.is_over:
                of_task = [record for record in records if record.cell.task == task]
                self._look(task, race, of_task, number)
                asked |= self._further(race, [cell for cell in cells if cell.task == task], of_task)
        if asked and self._is_too_long(asked, records):
            self._end(Ending.BUDGET)
            return []
        return a_round(cells, number, self.seed, asked)

    def _first(self, cells: Sequence[Cell]) -> dict[str, Asked]:
        """Ask every candidate for the first block of its task."""
        asked = {}
        for cell in cells:
            order = self.tasks[cell.task].order
            block = _block(order, 0, next_count(order, 0), measures=self.measures)
            asked[cell.label] = replace(block, briefly=self._begins_briefly and not is_floor(cell.family))
        return asked

    @property
    def _begins_briefly(self) -> bool:
        """Tell whether the first round measures for the least window: where the pick is that of the best quality, costs
        count by their limits, as the decision's draws judge them from as wide intervals as that gives, and in ties."""
        return self.measures and self.race.until is Until.DECIDED and self.question.takes_best_quality

    def _measuring(self, cells: Sequence[Cell], records: Sequence[Record]) -> dict[str, Asked]:
        """Ask everybody that ended well so far for a process that measures."""
        failed = {record.cell.label for record in records if record.status not in WELL}
        asked = {}
        for cell in cells:
            if cell.label not in failed:
                done, order = _answered(records, cell.label), self.tasks[cell.task].order
                asked[cell.label] = _block(order, done, done, measures=True, ahead=False)
        return asked

    def _look(self, task: str, race: TaskRace, records: Sequence[Record], number: int) -> None:
        """Judge what is known of a task."""
        race.entries = summarise(records)
        out = race.verdicts[-1].out if race.verdicts else ()
        look = gather(task, race.entries, self.question, self.race, race.order, out)
        race.tolerance = max((column.tolerance for column in look.columns), default=0.0)
        race.verdicts.append(judge(look))
        race.rounds.append(number)

    def _further(self, race: TaskRace, cells: Sequence[Cell], records: Sequence[Record]) -> dict[str, Asked]:
        """Ask for the next block of those that are still in, and for a process of those whose limits decide.

        A task whose limits alone are open, and that nobody may measure again, has ended: for the reason for which the
        pick was decided, where it was and the limits are others' places on the front.
        """
        verdict, order = race.verdicts[-1], race.order
        if verdict.ending is not None:
            return {}
        well = {record.cell.label for record in records} - {r.cell.label for r in records if r.status not in WELL}
        names = {entry.candidate: entry.cell.label for entry in race.entries}
        answering = {names[name] for name in verdict.answering}
        measured = Counter(record.cell.label for record in records if record.timings)
        limits = {names[limit.name] for limit in verdict.limits if not limit.limit.by_examples}
        to_measure = {label for label in limits if self.measures and measured[label] < MOST_PROCESSES}
        taken = [_seconds(records, label) for label in answering]
        count = next_count(order, verdict.answered, taken) if answering else 0
        asked: dict[str, Asked] = {}
        for label in (cell.label for cell in cells if cell.label in well):
            done = _answered(records, label)
            wanted = label in answering and done < count
            if wanted or label in to_measure:
                until = count if wanted else done
                asked[label] = _block(order, done, until, measures=label in to_measure, ahead=wanted)
        if not asked:
            left = Ending.LIMIT_OPEN if verdict.limits else Ending.DATA_SPENT
            race.verdicts[-1] = ended(verdict, verdict.decided or left)
        return asked

    def _is_too_long(self, asked: Mapping[str, Asked], records: Sequence[Record]) -> bool:
        """Tell whether the next round would go over the budget, by what the rounds so far took."""
        if self.budget_s is None:
            return False
        begun = [record for record in records if record.process == 0]
        brief = {record.cell.label: bool(_was_asked(record).get("briefly")) for record in begun}
        first = {record.cell.label: record.wall_s + self.spared_s * brief[record.cell.label] for record in begun}
        expected = sum(
            (first.get(label, 0.0) if ask.measures else START_S) + len(ask.examples) * _seconds(records, label)
            for label, ask in asked.items()
        )
        return self.spent_s + expected > self.budget_s

    def _end(self, ending: Ending) -> None:
        for race in self.tasks.values():
            if race.verdicts and not race.is_over:
                race.verdicts[-1] = ended(race.verdicts[-1], ending)

    def outcome(self) -> dict[str, object]:
        """Tell what the race came to, as JSON-able values."""
        told = RaceOutcome(
            version=VERSION,
            until="front" if self.race.until is Until.FRONT else "decided",
            guarantee=self.race.guarantee.value,
            risk=self.race.risk,
            margin=self.race.margin,
            seed=self.race.seed,
            budget_s=self.budget_s,
            spent_s=self.spent_s,
            tasks={task: _told(race) for task, race in self.tasks.items() if race.verdicts},
        )
        return told.model_dump(mode="json")


def racing(plan: Plan) -> Racing | None:
    """Make the rounds of a plan; None where everything is answered and measured at once."""
    spec, suite = plan.race, plan.suite.value
    if spec is None:
        return None
    seed = suite.defaults.seed
    orders: dict[str, TaskRace] = {}
    for cell in plan.cells:
        if cell.task not in orders:
            examples = plan.datasets[cell.to_run().data_hash].examples
            orders[cell.task] = TaskRace(
                shuffle([example.id for example in examples], [example.group for example in examples], seed)
            )
    return Racing(
        race=race_of(spec, seed),
        processes=plan.processes,
        spared_s=plan.spared_s,
        question=Question.of(suite),
        tasks=orders,
        measures=plan.measures,
        budget_s=None if spec.budget is None else parse_duration(spec.budget),
        seed=seed,
    )


def race_of(spec: RaceSpec, seed: int) -> Race:
    """Take the race from the suite's section."""
    return Race(Guarantee(spec.guarantee), spec.risk, spec.margin, seed, Until(spec.until))


def _block(order: Order, done: int, count: int, *, measures: bool, ahead: bool = True) -> Asked:
    """Ask for the examples of an order from `done` to `count`, and for those behind it where that costs little."""
    at_hand = order.positions[count:] if ahead else ()
    return Asked(order.positions[done:count], at_hand, measures, order.total)


def _was_asked(record: Record) -> Mapping[str, object]:
    """Look up what a process was asked for; nothing where that was the usual."""
    asked = record.notes.get(ASKED)
    return asked if isinstance(asked, Mapping) else {}


def _answered(records: Iterable[Record], label: str) -> int:
    return sum(len(record.samples) for record in records if record.cell.label == label)


def _seconds(records: Iterable[Record], label: str) -> float:
    """Seconds that a candidate takes for an example: in batches, or else one at a time; 0 where neither is known."""
    own = [record for record in records if record.cell.label == label]
    taken = sum(fact.value or 0.0 for record in own for fact in record.facts if fact.name == "window_evaluate_s")
    newly = sum(len(record.samples) - int(str(_was_asked(record).get("taken_over", 0))) for record in own)
    if newly and taken:
        return taken / newly
    timed = [timing.duration_ns for record in own for timing in record.timings if timing.phase == "latency"]
    return sum(timed) / len(timed) / 1e9 if timed else 0.0


def _told(race: TaskRace) -> TaskOutcome:
    """Tell what the race of a task came to."""
    last = race.verdicts[-1]
    looks = zip(race.rounds, race.verdicts, strict=True)
    return TaskOutcome(
        order=race.order.digest,
        examples=race.order.examples,
        positions=race.order.positions,
        ends=race.order.ends,
        looks=tuple(PastLook(rounds=n, answered=v.answered, pick=v.pick, risk=v.risk) for n, v in looks),
        ending=None if last.ending is None else last.ending.value,
        pick=last.pick,
        leader=last.leader,
        risk=last.risk,
        tied=last.tied,
        unraced=last.unraced,
        tolerance=race.tolerance,
        out={o.name: LeftRace(reason=o.reason.value, detail=o.detail, chance=o.chance) for o in last.out},
        front={
            place.name: FrontPlace(membership=place.membership.value, other=place.other, chance=place.chance)
            for place in last.places
        },
        answered={entry.candidate: len(entry.samples) for entry in race.entries},
        total=race.order.total,
    )
