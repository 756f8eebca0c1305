"""Reads the columns that hold more than a text: choices, the right one of them, and a question's right answers."""

from __future__ import annotations

import json
import string
from collections.abc import Sequence
from typing import Any

from bench.errors import DataError


def choices_of(value: Any, where: str) -> list[str]:
    """Returns the choices of a question; a text is taken for a JSON list, since CSV knows no lists.

    Raises:
        DataError: it is no list of two or more different texts.
    """
    found = _listed(value)
    if not isinstance(found, list) or len(found) < 2:
        raise DataError(f"{where} must be a list of two or more texts (in CSV, a JSON list)")
    choices = [str(choice) for choice in found]
    if any(not choice.strip() for choice in choices):
        raise DataError(f"{where} holds an empty choice; a model cannot be asked how likely nothing is")
    if len(set(choices)) < len(choices):
        raise DataError(f"{where} holds the same choice twice; leave one of them out")
    return choices


def right_choice(value: Any, choices: Sequence[str], where: str) -> str:
    """Returns the right choice's text.

    An integer is a position, 0 first. A text is a choice, or else a position, or else a letter, A first.

    Raises:
        DataError: it stands for no choice.

    >>> right_choice(1, ["a", "b"], ""), right_choice("b", ["a", "b"], ""), right_choice("B", ["x", "y"], "")
    ('b', 'b', 'y')
    """
    text = str(value).strip()
    if not isinstance(value, int) and str(value) in choices:
        return str(value)
    letter = string.ascii_uppercase.find(text) if len(text) == 1 else -1
    place = int(text) if text.isdecimal() else letter
    if isinstance(value, bool) or not 0 <= place < len(choices):
        raise DataError(
            f"{where} is {value!r}, and there are {len(choices)} choices; give the choice's text, its position "
            f"(0 to {len(choices) - 1}) or its letter (A to {string.ascii_uppercase[min(len(choices), 26) - 1]})"
        )
    return choices[place]


def answers_of(value: Any, where: str) -> list[str]:
    """Returns the right answers of a question, none for one that has no answer.

    A text that is a JSON list is that list, since CSV knows no lists.

    Raises:
        DataError: it is neither a text nor a list of texts.
    """
    found = _listed(value)
    if isinstance(found, dict):
        raise DataError(
            f"{where} is a dict; name the part that holds the texts, such as 'columns: {{answers: answers.text}}'"
        )
    if not isinstance(found, list):
        return [str(value)]
    if any(isinstance(answer, (dict, list)) or answer is None for answer in found):
        raise DataError(f"{where} must be a list of texts")
    return [str(answer) for answer in found]


def _listed(value: Any) -> Any:
    if isinstance(value, str) and value.lstrip().startswith("["):
        try:
            return json.loads(value)
        except ValueError:
            return value
    return list(value) if isinstance(value, tuple) else value
