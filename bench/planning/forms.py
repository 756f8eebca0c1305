"""Which candidates a model's entry stands for, and what of the entry counts on a task.

An entry with several prompts is several candidates, `model·prompt`. What has no use on a task (a system prompt before
a bare text, generation settings where nothing is written) is left out of that cell, so that its id says what was asked.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import partial

from bench.candidates import FAMILIES
from bench.errors import nearest
from bench.planning.mistakes import Check
from bench.suite import ModelSpec, Suite, TaskSpec
from bench.suite.prompting import OF_TASK
from bench.suite.yaml_file import Loc, Located
from bench.tasks import KINDS
from bench.tasks.choosing import ability_of, scoring_of, why_not_done

SEPARATOR = "·"
"""Between the names of a model and of its prompt."""
UNUSED = {
    "system": "none of its tasks asks with a prompt",
    "shots": "none of its tasks asks with a prompt and has answers to show",
    "answer": "it writes no text on its tasks",
    "generation": "it writes no text on its tasks",
}
"""Keys that some tasks have no use for, and why a model must not have one that all its tasks have no use for."""


def forms(model: ModelSpec, tasks: Sequence[TaskSpec]) -> list[ModelSpec]:
    """List the candidates of a model's entry: itself, or one for each prompt that has a name of its own."""
    if not _are_named(model, tasks):
        return [model]
    return [
        model.model_copy(update={"name": f"{model.name}{SEPARATOR}{name}", "prompts": _by_task(prompt, tasks)})
        for name, prompt in model.prompts.items()
    ]


def entry_of(suite: Suite, candidate: str) -> int:
    """Find the place of the entry that a candidate's name is of."""
    return next(
        place
        for place, model in enumerate(suite.models)
        if any(form.name == candidate for form in forms(model, suite.tasks))
    )


def _are_named(model: ModelSpec, tasks: Sequence[TaskSpec]) -> bool:
    """Tell whether the keys of `prompts` are names of prompts, and not of tasks."""
    return len(model.prompts) > 1 and not {task.name for task in tasks} & set(model.prompts)


def _by_task(prompt: str | Mapping[str, str], tasks: Sequence[TaskSpec]) -> dict[str, str]:
    return {task.name: prompt for task in tasks} if isinstance(prompt, str) else dict(prompt)


def on_task(model: ModelSpec, task: TaskSpec) -> tuple[ModelSpec, TaskSpec]:
    """Take from a model's entry what counts on a task, and put its way of writing over the task's own."""
    kept, writing = model, task
    unused = {key: None for key in UNUSED if getattr(model, key) is not None and not uses(model, key, task)}
    if unused:
        kept = model.model_copy(update=unused)
    over: dict[str, object] = {} if kept.answer is None else {"answer": kept.answer}
    settings = kept.generation
    if settings is not None:
        over |= {name: getattr(settings, name) for name in OF_TASK if getattr(settings, name) is not None}
    if over:
        writing = task.model_copy(update=over)
    return kept, writing


def uses(model: ModelSpec, key: str, task: TaskSpec) -> bool:
    """Tell whether a key of `UNUSED` does anything on a task."""
    kind, scoring = KINDS[task.kind], scoring_of(model.family, task)
    if key in ("answer", "generation"):
        return ability_of(task.kind, scoring) == "generate"
    return scoring != "head" and kind.columns.reference is not None


def form_checks(suite: Located[Suite], index: int, model: ModelSpec) -> list[Check]:
    """List the checks of a model's prompts and of keys that must be of use on a task."""
    names, tasks = [task.name for task in suite.value.tasks], suite.value.tasks
    at: Loc = ("models", index, "prompts")
    refusals = _misnamed(suite, at, model, names)
    if _are_named(model, tasks):
        taken = {other.name for other in suite.value.models}
        refusals += [
            (
                (*at, key),
                f"the prompt '{key}' makes the candidate '{form.name}', and a model is called so; rename one",
            )
            for key, form in zip(model.prompts, forms(model, tasks), strict=True)
            if form.name in taken
        ]
        equal = [key for place, key in enumerate(model.prompts) if model.prompts[key] in _first(model, place)]
        refusals += [((*at, key), f"the prompt '{key}' says what an earlier one says; leave it out") for key in equal]
    done = [task for task in tasks if task.kind in KINDS and why_not_done(model, task) is None]
    for key, reason in UNUSED.items():
        if key not in FAMILIES[model.family].keys or getattr(model, key) is None:
            continue
        if done and not any(uses(model, key, task) for task in done):
            refusals.append((("models", index, key), f"'{key}' has no use here: {reason}; leave it out"))
    refusals += [
        (("models", index, "generation"), why) for task in done if (why := _why_no_draws(model, task)) is not None
    ]
    return [partial(_raise, suite, place, message) for place, message in refusals]


def _why_no_draws(model: ModelSpec, task: TaskSpec) -> str | None:
    """Explain that tokens cannot be drawn, since the task searches with beams."""
    drawn = model.generation is not None and model.generation.do_sample
    if not drawn or on_task(model, task)[1].num_beams == 1:
        return None
    return (
        f"the task '{task.name}' searches with {task.num_beams} beams, and sampling has none; add 'num_beams: 1' here, "
        "or leave 'do_sample' out"
    )


def _first(model: ModelSpec, number: int) -> list[str | dict[str, str]]:
    return list(model.prompts.values())[:number]


def _misnamed(suite: Located[Suite], at: Loc, model: ModelSpec, names: Sequence[str]) -> list[tuple[Loc, str]]:
    """List keys of `prompts` that name no task where they must."""
    if _are_named(model, suite.value.tasks):
        return [
            ((*at, key, task), f"no task is named '{task}'; {nearest(task, names)}")
            for key, prompt in model.prompts.items()
            for task in ([] if isinstance(prompt, str) else prompt)
            if task not in names
        ]
    several = "" if len(model.prompts) > 1 else "; several prompts to compare are two at least"
    refused: list[tuple[Loc, str]] = []
    for key, prompt in model.prompts.items():
        if key not in names:
            refused.append(((*at, key), f"no task is named '{key}'; {nearest(key, names)}{several}"))
        elif not isinstance(prompt, str):
            refused.append(((*at, key), f"'{key}' is a task, whose prompt is one text; name each prompt otherwise"))
    return refused


def _raise(suite: Located[Suite], place: Loc, message: str) -> None:
    raise suite.error(place, message)


def prompt_places(model: ModelSpec, task: TaskSpec, tasks: Sequence[TaskSpec]) -> Iterator[tuple[ModelSpec, Loc]]:
    """Yield every candidate of an entry with the place of its prompt for a task, below `models[…]`; the place is empty
    where the entry has none."""
    if not _are_named(model, tasks):
        yield model, ("prompts", task.name) if task.name in model.prompts else ()
        return
    for name, form in zip(model.prompts, forms(model, tasks), strict=True):
        own = model.prompts[name]
        yield (
            form,
            () if task.name not in form.prompts else ("prompts", name, *(() if isinstance(own, str) else (task.name,))),
        )
