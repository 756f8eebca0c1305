"""Which prompt a model gets on a task, and how it is filled in."""

from __future__ import annotations

import string
from collections.abc import Mapping, Sequence

from bench.candidates import FAMILIES
from bench.errors import InputError, nearest
from bench.suite import ModelSpec, Shot, TaskSpec
from bench.tasks import KINDS
from bench.tasks.choosing import scoring_of

Field = tuple[str, str | None, str | None, str | None]
"""A piece of a template as `string.Formatter` parses it: text, name, format, conversion."""


def template_for(model: ModelSpec, task: TaskSpec) -> str:
    """Choose the prompt template of a model on a task: the model's own, else the task's, else the kind's default.

    Raises:
        InputError: the template names a column that the kind does not have.
    """
    family, kind = FAMILIES[model.family], KINDS[task.kind]
    own = model.prompts.get(task.name)
    chosen = own if isinstance(own, str) else None
    if chosen is None and isinstance(task.prompt, dict):
        chosen = task.prompt.get(model.family)
    if chosen is None and isinstance(task.prompt, str) and family.reads_prompt:
        chosen = task.prompt
    plain = kind.prompts.get("input", "{" + kind.columns.input + "}")
    usual = (
        plain if scoring_of(model.family, task) == "head" else kind.prompts.get(family.style_for(kind.ability), plain)
    )
    template = chosen or usual  # a head was trained on the bare text, unless somebody says otherwise
    valid = kind.prompt_columns or (kind.columns.input,)
    for _, name, _, _ in _parsed(template):
        if name is not None and name not in valid:
            raise InputError(
                f"the prompt of task '{task.name}' names '{{{name}}}'; {nearest(name, valid)} "
                f"Write {{{{ and }}}} for braces.{kind.columns.scope}"
            )
    return template


def _parsed(template: str) -> list[Field]:
    try:
        return list(string.Formatter().parse(template))
    except ValueError as error:
        raise InputError(f"the prompt {template!r} is no template: {error}; write {{{{ and }}}} for braces") from error


def preamble(system: str | None, shots: Sequence[Shot], lead: str) -> str:
    """Write what stands before a question as one text: the system's paragraph, then the solved examples.

    Args:
        system: the system prompt, if there is one.
        shots: the solved examples.
        lead: between a question and its answer, unless the question ends with white space.

    >>> preamble("Be brief.", [Shot(prompt="1 + 1 =", answer="2", id="0")], " ")
    'Be brief.\\n\\n1 + 1 = 2\\n\\n'
    """
    solved = (f"{shot.prompt}{'' if shot.prompt[-1:].isspace() else lead}{shot.answer}" for shot in shots)
    return "".join(f"{part}\n\n" for part in (*([] if system is None else [system]), *solved))


def render(template: str, columns: Mapping[str, object]) -> str:
    """Fill the columns into a template.

    >>> render("translate: {source}", {"source": "a {b}", "target": "c"})
    'translate: a {b}'
    """
    return template.format_map(columns)
