"""What a race spared and what it promises, in words."""

from __future__ import annotations

from bench.summary.raced import RaceOutcome
from bench.units import format_quantity
from bench.words.wording import listed, percent

PROMISES = {
    "predictive": "given the answers so far",
    "anytime": "for any data",
}
CUT = ("budget", None)
"""Endings of a race that was not decided; None for a run that was stopped."""


def race_line(race: RaceOutcome) -> str:
    """Say what was answered, what was spared, and what the picks risk against those of the full data."""
    share = race.share
    answered = "nothing was answered" if share is None else f"{percent(share)} of this run's examples were answered"
    unraced = [name for name, task in race.tasks.items() if task.unraced is not None]
    raced = {name: task for name, task in race.tasks.items() if task.unraced is None}
    cut = {name: task for name, task in raced.items() if task.ending in CUT}
    parts = [f"{answered} in {format_quantity(race.spent_s, 's')} of work"]
    if len(raced) > len(cut) and share != 1:
        parts.append(_promise(race))
    if cut:
        risks = [f"{percent(task.risk)} on '{name}'" for name, task in cut.items()]
        better = f"the rest would show another model to be better by more than {_points(race)}"
        parts.append(f"undecided when the time was up: the chance that {better} is {listed(risks)}")
    if unraced:
        parts.append(f"the rule cannot be raced on {listed(unraced)}, which answered everything")
    return "; ".join(parts) + "."


def _promise(race: RaceOutcome) -> str:
    """Say what the chance of a wrong pick, or place on the front, is at most."""
    chance = f"at most {percent(race.risk)}"
    promise = (
        f"the rest would show another model to be better by more than {_points(race)} with a chance of {chance} a task"
    )
    if race.until == "front":
        promise += f", and would move a place on the front by more than that with a chance of {chance}"
    return f"{promise}, {PROMISES[race.guarantee]}, while each answer says what it risks on new examples"


def _points(race: RaceOutcome) -> str:
    return f"{race.margin:g} {'point' if race.margin == 1 else 'points'}"
