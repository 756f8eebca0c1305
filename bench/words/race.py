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
    answered = "nothing was answered" if share is None else f"{percent(share)} of the evaluations were made"
    raced = [name for name, task in race.tasks.items() if task.unraced is None]
    unraced = [name for name, task in race.tasks.items() if task.unraced is not None]
    points = f"{race.margin:g} {'point' if race.margin == 1 else 'points'}"
    promise = (
        f"with all examples answered, another pick would be better by more than {points} "
        f"with a chance of at most {percent(race.risk)} a task, {PROMISES[race.guarantee]}"
    )
    if race.until == "front":
        promise += "; that of a place on the front that is wrong by more than that is no larger"
    parts = [f"{answered} in {format_quantity(race.spent_s, 's')} of work", *([promise] if raced else [])]
    if unraced:
        parts.append(f"the rule cannot be raced on {listed(unraced)}, which answered everything")
    return "; ".join(parts) + "."
