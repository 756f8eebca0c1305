"""Read the columns that hold more than a text: choices, the right one of them, and a question's right answers."""

from __future__ import annotations

import json
import math
import re
import string
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from bench.errors import DataError


class Place(NamedTuple):
    """Where a value stands, for messages: a tuple, since every value has one, and written only when one is wrong."""

    origin: str
    """The data."""
    number: int
    """Of the row, from 0."""
    column: str
    """Its name in the data."""

    def __str__(self) -> str:
        return f"{self.origin}: row {self.number + 1}: '{self.column}'"


Value = str | list[str]
"""What an example holds of one column."""

Reader = Callable[[object, Place, Mapping[str, Value]], Value]
"""From a raw value (None where there is none), its place, and the columns that were read before it."""


def read_text(value: object, place: Place, before: Mapping[str, Value]) -> str:
    """Read a text, or what can be written as one.

    Raises:
        DataError: there is nothing, or a list or a mapping.
    """
    return encodable(str(_single(value, place)), place)


def read_references(value: object, place: Place, before: Mapping[str, Value]) -> Value:
    """Read a reference text, or a list of several of which any is right.

    A list of one is that text. A text is never taken for a JSON list: a summary may begin with a bracket.

    Raises:
        DataError: it is neither a text nor a list of texts, or an empty list.
    """
    if not isinstance(value, (list, tuple)):
        return read_text(value, place, before)
    if not value or any(isinstance(text, (dict, list)) or text is None for text in value):
        raise DataError(f"{place} must be a text, or a list of texts of which any is right")
    texts = [encodable(str(text), place) for text in value]
    return texts if len(texts) > 1 else texts[0]


def read_label(value: object, place: Place, before: Mapping[str, Value]) -> str:
    """Read the one label of a text.

    Raises:
        DataError: there are several labels, or a number with a fraction, which other kinds of tasks would ask for.
    """
    if isinstance(value, (list, tuple)):
        raise DataError(
            f"{place} is a list, and classification has one label for each text; several labels at once are the kind "
            "'multi-label'"
        )
    if isinstance(value, float) and not value.is_integer():
        raise DataError(
            f"{place} is the number {value}, and classification has one of a few labels for each text; numbers are the "
            "kind 'regression' (write them as texts where they are names)"
        )
    return read_text(value, place, before)


KEEP_TEXT = frozenset((read_text, read_references, read_label))
"""Readers that leave a text as it is, when all of it can be written."""


def read_choices(value: object, place: Place, before: Mapping[str, Value]) -> list[str]:
    """Read the choices of a question."""
    return choices_of(value, place)


def read_choice(value: object, place: Place, before: Mapping[str, Value]) -> str:
    """Read which of the column `choices` is right: by its text, its position or its letter."""
    choices = before["choices"]
    assert isinstance(choices, list)
    return right_choice(_single(value, place), choices, place)


def read_answers(value: object, place: Place, before: Mapping[str, Value]) -> list[str]:
    """Read the right answers of a question."""
    return answers_of(_present(value, place), place)


def read_labels(value: object, place: Place, before: Mapping[str, Value]) -> list[str]:
    """Read the labels of a text, none where none applies; a text that is a JSON list is that list.

    Raises:
        DataError: it is no list of labels, or names one twice.
    """
    listed = _listed(_present(value, place))
    if not isinstance(listed, list) or not all(isinstance(label, (str, int)) for label in listed):
        raise DataError(
            f"{place} must be a list of labels, empty where none applies (in CSV, a JSON list); one label for a text "
            "is the kind 'classification'"
        )
    labels = [encodable(str(label), place) for label in listed]
    if len(set(labels)) < len(labels):
        raise DataError(f"{place} names the same label twice; leave one of them out")
    return labels


def read_number(value: object, place: Place, before: Mapping[str, Value]) -> str:
    """Read a number, as the shortest text that gives it again.

    Raises:
        DataError: there is none, or it is not finite.
    """
    try:
        number = float(str(_single(value, place))) if not isinstance(value, bool) else math.nan
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        raise DataError(f"{place} is {value!r}, and not a finite number; correct it, or leave the row out")
    return repr(number)


def read_tokens(value: object, place: Place, before: Mapping[str, Value]) -> list[str]:
    """Read the tokens of a sentence; a text that is a JSON list is that list.

    Raises:
        DataError: it is no list of texts, or holds an empty one.
    """
    listed = _listed(_present(value, place))
    if not isinstance(listed, list) or not listed or any(not isinstance(token, str) for token in listed):
        raise DataError(f"{place} must be a list of the sentence's tokens (in CSV, a JSON list)")
    if any(not token.strip() for token in listed):
        raise DataError(f"{place} holds an empty token; leave it and its tag out")
    return [encodable(str(token), place) for token in listed]


def read_tags(value: object, place: Place, before: Mapping[str, Value]) -> list[str]:
    """Read the tag of each token of the column `tokens`: `O`, or a mark such as `B-` and the type of an entity.

    Raises:
        DataError: there are more or fewer tags than tokens, or something is no tag.
    """
    listed, tokens = _listed(_present(value, place)), before["tokens"]
    if not isinstance(listed, list):
        raise DataError(f"{place} must be a list of tags, one for each token (in CSV, a JSON list)")
    if len(listed) != len(tokens):
        raise DataError(f"{place} has {len(listed)} tags for {len(tokens)} tokens; give every token one")
    for tag in listed:
        if not isinstance(tag, str) or not TAG.fullmatch(tag):
            raise DataError(
                f"{place} holds {tag!r}, which is no tag: 'O' for none, or 'B-', 'I-', 'E-' or 'S-' and a type, such "
                "as 'B-PER'; numbers stand for names that the data's description lists"
            )
    return [encodable(tag, place) for tag in listed]


TAG = re.compile(r"O|[BIESLU]-\S+")
"""Of the schemes IOB1, IOB2, IOE, IOBES and BILOU."""


def read_documents(value: object, place: Place, before: Mapping[str, Value]) -> list[str]:
    """Read the documents that are to be ranked for a query.

    Raises:
        DataError: they are no list of two or more texts.
    """
    listed = _listed(_present(value, place))
    if not isinstance(listed, list) or len(listed) < 2 or any(not isinstance(text, str) for text in listed):
        raise DataError(f"{place} must be a list of two or more texts (in CSV, a JSON list)")
    return [encodable(text, place) for text in listed]


def read_grades(value: object, place: Place, before: Mapping[str, Value]) -> list[str]:
    """Read how relevant each of the column `documents` is: a number from 0 for each, above 0 where it is.

    Raises:
        DataError: there are more or fewer numbers than documents, a negative one, or none above 0.
    """
    listed, documents = _listed(_present(value, place)), before["documents"]
    if not isinstance(listed, list) or len(listed) != len(documents):
        count = len(listed) if isinstance(listed, list) else "no"
        raise DataError(f"{place} has {count} grades for {len(documents)} documents; give every document a number")
    grades = [grade for grade in listed if isinstance(grade, (int, float)) and math.isfinite(grade) and grade >= 0]
    if len(grades) < len(listed):
        raise DataError(f"{place} must hold numbers from 0, 0 for a document that is not relevant")
    if not any(grade > 0 for grade in grades):
        raise DataError(f"{place} has no document above 0, so that no order is right; leave the row out")
    return [repr(float(grade)) for grade in grades]


def _present(value: object, place: Place) -> object:
    if value is None:
        raise DataError(f"{place} is empty (null); give it a text or leave the row out")
    return value


def _single(value: object, place: Place) -> object:
    if isinstance(_present(value, place), (dict, list)):
        part = next(map(str, value), "0") if isinstance(value, dict) else "0"
        raise DataError(
            f"{place} is a {type(value).__name__}, not a text; name a part of it, such as '{place.column}.{part}'"
        )
    return value


def choices_of(value: object, where: Place | str) -> list[str]:
    """Read the choices of a question; a text is taken for a JSON list, since CSV knows no lists.

    Raises:
        DataError: it is no list of two or more different texts.
    """
    listed = _listed(value)
    if not isinstance(listed, list) or len(listed) < 2:
        raise DataError(f"{where} must be a list of two or more texts (in CSV, a JSON list)")
    choices = [encodable(str(choice), where) for choice in listed]
    if any(not choice.strip() for choice in choices):
        raise DataError(f"{where} holds an empty choice; a model cannot be asked how likely nothing is")
    if len(set(choices)) < len(choices):
        raise DataError(f"{where} holds the same choice twice; leave one of them out")
    return choices


def right_choice(value: object, choices: Sequence[str], where: Place | str) -> str:
    """Find the right choice's text.

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


def answers_of(value: object, where: Place | str) -> list[str]:
    """Read the right answers of a question, none for one that has no answer.

    A text that is a JSON list is that list, since CSV knows no lists.

    Raises:
        DataError: it is neither a text nor a list of texts.
    """
    listed = _listed(value)
    if isinstance(listed, dict):
        raise DataError(
            f"{where} is a dict; name the part that holds the texts, such as 'columns: {{answers: answers.text}}'"
        )
    if not isinstance(listed, list):
        return [encodable(str(value), where)]
    if any(isinstance(answer, (dict, list)) or answer is None for answer in listed):
        raise DataError(f"{where} must be a list of texts")
    return [encodable(str(answer), where) for answer in listed]


def encodable(text: str, where: Place | str) -> str:
    """Check that a text can be written as UTF-8; JSON lets half of a character through, such as "\\ud83d".

    Raises:
        DataError: it cannot, with the place in the text.
    """
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise DataError(
            f"{where} holds half of a character at position {error.start + 1} (a lone surrogate, "
            f"\\u{ord(text[error.start]):04x}); write the character whole, or leave it out"
        ) from error
    return text


def _listed(value: object) -> object:
    if isinstance(value, str) and value.lstrip().startswith("["):
        try:
            parsed: object = json.loads(value)
        except (ValueError, RecursionError):
            return value
        return parsed
    return list(value) if isinstance(value, tuple) else value
