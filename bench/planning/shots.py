"""Draws the solved examples of a few-shot prompt, and sees that none of them is scored."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from itertools import chain, islice, zip_longest

from bench.data.base import Example
from bench.data.examples import hashable
from bench.errors import SuiteError
from bench.planning.data import Data
from bench.suite import ModelSpec, Shot, ShotsSpec, Suite, TaskSpec
from bench.suite.yaml_file import Loc, Located
from bench.tasks import KINDS
from bench.tasks.prompts import render, template_for


def draw_shots(suite: Located[Suite], place: Loc, model: ModelSpec, task: TaskSpec, data: Data) -> tuple[Shot, ...]:
    """Draw the shots of a candidate for a task; none where it asks for none.

    Args:
        suite: for the places of mistakes.
        place: of the key `shots`.
        model: the candidate, as `bench.planning.forms.on_task` leaves it.
        task: as the suite has it.
        data: of the suite.

    Raises:
        SuiteError: the split is the scored one, has too few examples, or a drawn one is a scored row.
    """
    spec = model.shots
    if spec is None:
        return ()
    kind, template = KINDS[task.kind], template_for(model, task)
    chosen = list(islice(_in_turn(suite, place, spec, task, data), spec.number))
    if len(chosen) < spec.number:
        raise suite.error(
            (*place, "number"),
            f"the split '{spec.split}' of '{task.name}' has {len(chosen)} examples, and {spec.number} are to be shown; "
            "lower 'number'",
        )
    _refuse_scored(suite, place, spec, chosen, task, data)
    return tuple(
        Shot(
            prompt=render(template, example.columns).lstrip(),
            answer=_written(kind.columns.reference_text(example), task),
            id=example.id,
        )
        for example in chosen
    )


def _written(answer: str, task: TaskSpec) -> str:
    return task.label_names.get(answer, answer)


def _in_turn(suite: Located[Suite], place: Loc, spec: ShotsSpec, task: TaskSpec, data: Data) -> Iterator[Example]:
    """Yield the examples of the split in a seeded order, label after label where they are to be balanced."""
    if spec.split == task.data.split:
        raise suite.error(
            (*place, "split"),
            f"the shots would be drawn from '{spec.split}', the split that '{task.name}' scores, and give its answers "
            "away; name another",
        )
    try:
        examples = list(data.split(task, spec.split, None).examples)
    except SuiteError as error:
        why = str(error).partition(": ")[2]
        raise suite.error((*place, "split"), f"no shots of '{task.name}': {why}") from error
    draws = random.Random(spec.seed)
    draws.shuffle(examples)
    columns = KINDS[task.kind].columns
    if not (spec.balanced and KINDS[task.kind].labelled):
        return iter(examples)
    groups: dict[str, list[Example]] = {}
    for example in examples:
        groups.setdefault(columns.reference_text(example), []).append(example)
    rounds = chain.from_iterable(zip_longest(*groups.values()))
    chosen = list(islice((item for item in rounds if item is not None), spec.number))
    draws.shuffle(chosen)
    return iter(chosen)


def _refuse_scored(
    suite: Located[Suite], place: Loc, spec: ShotsSpec, chosen: Sequence[Example], task: TaskSpec, data: Data
) -> None:
    """Refuse shots that are rows of the scored split, by their own ids or by what is asked in them."""
    names = [column.name for column in KINDS[task.kind].columns.inputs]
    scored = data.split(task, task.data.split, None).examples
    ids = {example.id for example in scored if _has_id(example)}
    inputs = {hashable(example.columns, names) for example in scored}
    for example in chosen:
        same = "id" if _has_id(example) and example.id in ids else None
        if hashable(example.columns, names) in inputs:
            same = "text"
        if same is not None:
            raise suite.error(
                place,
                f"the shot '{example.id}' of the split '{spec.split}' is a scored row of '{task.name}' (the same "
                f"{same}); take it out of one of the two, or draw with another 'seed'",
            )


def _has_id(example: Example) -> bool:
    """Tell whether an example has an id of its own, and not its number."""
    return example.id != str(example.index)
