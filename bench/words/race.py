"""What a race spared and what it promises, in words."""

from __future__ import annotations

from bench.summary.raced import RaceOutcome
from bench.units import format_quantity
from bench.words.wording import listed, percent

PROMISES = {
    "predictive": "given the answers so far",
    "anytime": "for any data",
}


def race_line(race: RaceOutcome) -> str:
    """Say what was answered, what was spared, and what the picks risk against those of the full data."""
    share = race.share
    answered = "nothing was answered" if share is None else f"{percent(share)} of the examples were answered"
    raced = [name for name, task in race.tasks.items() if task.unraced is None]
    unraced = [name for name, task in race.tasks.items() if task.unraced is not None]
    points = f"{race.margin:g} {'point' if race.margin == 1 else 'points'}"
    chance = f"at most {percent(race.risk)}"
    promise = f"had all been, the chance is {chance} a task that another pick would be better by more than {points}"
    if race.until == "front":
        promise += f", and {chance} that a place on the front would be another by more than that"
    promise += f", {PROMISES[race.guarantee]}"
    parts = [f"{answered} in {format_quantity(race.spent_s, 's')} of work", *([promise] if raced else [])]
    if unraced:
        parts.append(f"the rule cannot be raced on {listed(unraced)}, which answered everything")
    return "; ".join(parts) + "."
