"""YAML files whose every mistake has a file, a line and a column.

A file is parsed as YAML 1.2 (`off` is a word, `5e-3` a number), checked against a pydantic model, and kept with the
position of each key, so that a later check can still say where. Knows nothing of suites.
"""

from __future__ import annotations

import datetime
import json
import typing
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, TypeVar

from pydantic import BaseModel, ValidationError
from ruamel.yaml import YAML
from ruamel.yaml.constructor import DuplicateKeyError, RoundTripConstructor
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.reader import ReaderError

from bench.errors import SuiteError, nearest
from bench.suite.yaml_bounds import check_events, read_text

M = TypeVar("M", bound=BaseModel)
Loc = Sequence[int | str]

TYPE_WORDS = {
    "string_type": "should be text; put it in quotes",
    "int_type": "should be a whole number",
    "int_from_float": "should be a whole number",
    "float_type": "should be a number",
    "bool_type": "should be true or false",
    "list_type": "should be a list; begin each entry with '- '",
    "dict_type": "should be a mapping of 'key: value' lines",
    "model_type": "should be a mapping of 'key: value' lines",
    "model_attributes_type": "should be a mapping of 'key: value' lines",
    "too_short": "should have more entries",
    "too_long": "has too many entries",
    "string_pattern_mismatch": "has characters that a name cannot have (slashes, control characters, spaces at an end)",
    "string_too_short": "should not be empty",
    "path_type": "should be a path; put it in quotes",
}
"""Pydantic's error types in plain words."""


@dataclass(frozen=True)
class Located(Generic[M]):
    """A checked file and where each part of it stands."""

    value: M
    path: Path
    text: str
    tree: object

    def where(self, *loc: int | str) -> str:
        """Format the place as `suite.yaml:12:5 models[2].dtype`."""
        line, column = _position(self.tree, loc)
        return f"{self.path}:{line}:{column} {dotted(loc)}".rstrip()

    def error(self, loc: Loc, message: str) -> SuiteError:
        """Make an error that points at `loc`."""
        return SuiteError(f"{self.where(*loc)}: {message}")


Further = Callable[[Located[Any]], Sequence[str]]
"""Returns mistakes, each a line that begins with its place."""


def dotted(loc: Loc) -> str:
    """Format a place in a YAML file as people write it.

    >>> dotted(["models", 2, "dtype"])
    'models[2].dtype'
    """
    text = ""
    for part in loc:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else str(part)
    return text


def read(path: Path, model: type[M], further: Further | None = None) -> Located[M]:
    """Read the file at `path`, and check it against `model`.

    Args:
        path: of the file.
        model: what it should hold.
        further: looks for more mistakes in the plain values of a file that does not fit the model, so that all are
            told at once; those at a place that is told already are left out.

    Raises:
        SuiteError: the file is missing, is not YAML, or does not fit the model. Every mistake has a line of its own.
    """
    text = read_text(path)
    tree = _parse(path, text)
    if not isinstance(tree, Mapping):
        raise SuiteError(f"{path}:1:1: the file should be a mapping of 'key: value' lines, and is {_kind(tree)}")
    try:
        value = model.model_validate_json(json.dumps(_plain(tree)))
    except ValidationError as error:
        lines = [_line(path, tree, model, dict(problem)) for problem in error.errors()]
        told = {_place(path, line) for line in lines}
        more = [] if further is None else further(Located(_plain(tree), path, text, tree))
        lines += [line for line in more if _place(path, line) not in told]
        raise SuiteError("\n".join(lines)) from error
    return Located(value, path, text, tree)


def _place(path: Path, line: str) -> str:
    """Take line and column off the beginning of a mistake in this file; a path may hold spaces."""
    return line.removeprefix(f"{path}").partition(" ")[0]


class _PlainDates(RoundTripConstructor):
    """Leaves dates as the text that was written: no key of a suite or recipe is one."""


_PlainDates.add_constructor("tag:yaml.org,2002:timestamp", RoundTripConstructor.construct_yaml_str)


def _parse(path: Path, text: str) -> object:
    parser = YAML(typ="rt")
    parser.Constructor = _PlainDates
    try:
        check_events(path, YAML(typ="rt").parse(text))
        return parser.load(text)
    except DuplicateKeyError as error:
        mark = error.problem_mark  # where the second one begins
        key = text.splitlines()[mark.line][mark.column :].partition(":")[0].strip()
        raise SuiteError(
            f"{path}:{mark.line + 1}:{mark.column + 1}: not valid YAML: the key {key} is there a second time; keep "
            "one of the two"
        ) from error
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = f":{mark.line + 1}:{mark.column + 1}" if mark is not None else ":1:1"
        problem = (error.problem or str(error)).splitlines()[0]
        raise SuiteError(
            f"{path}{place}: not valid YAML: {problem}; check indentation, colons and quotes here"
        ) from error
    except ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        column = error.position - text.rfind("\n", 0, error.position)
        character = _code_point(text, error.position)
        raise SuiteError(f"{path}:{line}:{column}: YAML allows no control character {character}; delete it") from error
    except (YAMLError, ValueError, TypeError, AttributeError, LookupError) as error:
        # ruamel raises these bare for some malformed merges and numbers; the file is at fault, wherever in it
        raise SuiteError(f"{path}:1:1: not valid YAML: {type(error).__name__}: {str(error).splitlines()[0]}") from error


def _code_point(text: str, position: int) -> str:
    return f"U+{ord(text[position]):04X}" if position < len(text) else "at the end"


def _kind(value: object) -> str:
    return "empty" if value is None else f"a {type(value).__name__}"


def _plain(value: object) -> object:
    """Convert ruamel's round-trip types to plain ones."""
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    if isinstance(value, bool) or value is None:
        return value
    for plain in (int, float, str):
        if isinstance(value, plain):
            return plain(value)
    return value.isoformat() if isinstance(value, (datetime.date, datetime.datetime)) else str(value)


def _position(tree: Any, loc: Loc) -> tuple[int, int]:
    """Find line and column (1 first) of the deepest part of `loc` that is in the file."""
    line, column = 0, 0
    node = tree
    for part in loc:
        marks = getattr(node, "lc", None)
        if isinstance(node, Mapping) and part in node and marks is not None:
            line, column = marks.key(part)
        elif isinstance(node, list) and isinstance(part, int) and part < len(node) and marks is not None:
            line, column = marks.item(part)
        else:
            break
        node = node[part]
    return line + 1, column + 1


def _line(path: Path, tree: object, model: type[BaseModel], problem: Mapping[str, Any]) -> str:
    loc = list(problem["loc"])
    kind, given = str(problem["type"]), problem.get("input")
    if kind == "missing":
        key = loc.pop()
        message = f"the key '{key}' is missing"
    elif kind == "extra_forbidden":
        message = f"unknown key '{loc[-1]}'; {nearest(str(loc[-1]), _keys(model, loc[:-1]))}"
    elif kind == "literal_error":
        valid = [word.strip(" '") for word in str(problem["ctx"]["expected"]).replace(" or ", ",").split(",")]
        message = f"{_shown(given)} is not one of the choices; {nearest(str(given), filter(None, valid))}"
    elif kind == "value_error":
        message = str(problem["ctx"]["error"])
    elif kind in TYPE_WORDS:
        several = kind == "string_type" and isinstance(given, (list, dict))
        message = f"{_shown(given)} {'should be a single text' if several else TYPE_WORDS[kind]}"
    else:
        message = f"{_shown(given)}: {str(problem['msg'])[:1].lower()}{str(problem['msg'])[1:]}"
    line, column = _position(tree, loc)
    return f"{path}:{line}:{column} {dotted(loc)}".rstrip() + f": {message}"


def _shown(value: object) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 60 else text[:57] + "…"


def _keys(model: object, loc: Loc) -> list[str]:
    """List the valid keys of the model at `loc`."""
    current = model
    for part in loc:
        current = _unwrapped(current)
        if isinstance(part, int):
            current = typing.get_args(current)[0]
        elif isinstance(current, type) and issubclass(current, BaseModel):
            current = current.model_fields[part].annotation
    current = _unwrapped(current)
    return list(current.model_fields) if isinstance(current, type) and issubclass(current, BaseModel) else []


def _unwrapped(annotation: object) -> object:
    """Unwrap X from `Annotated[X, …]` and `X | None`."""
    while True:
        origin = typing.get_origin(annotation)
        arguments = [argument for argument in typing.get_args(annotation) if argument is not type(None)]
        if origin is typing.Annotated or (origin is not None and "Union" in str(origin)):
            annotation = arguments[0]
        else:
            return annotation
