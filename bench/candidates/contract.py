"""What the methods of a user's own model must give, checked on every answer; a breach is one sentence with the line.

A wrong sign, a row too few or a None would else become a number: a log-likelihood that is not negated is a model
better than any.
"""

from __future__ import annotations

import inspect
import math
import numbers
import traceback
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from types import CodeType
from typing import SupportsFloat, SupportsIndex

from bench.catalogue.readings import COUNT
from bench.errors import AdmissionError, BenchError, is_out_of_memory

ROUNDING_NATS = 1e-3
"""By how much rounding may take a negative log-likelihood below zero."""
VARIANT_HINT = (
    "which changes the module's layers or the type of its numbers: call the layers instead of reading what is inside "
    "them, or leave the variant out"
)
SPECIAL_TOKENS = 4
"""Tokens that a text may count beyond those that were asked for: those that begin and end it, and two more for the
replacement of a character in whose middle it was cut."""
SHOWN = 60
"""Characters of a wrong value that a message shows."""


@dataclass(frozen=True, slots=True)
class Contract:
    """The checks of one method of one model."""

    model: str
    """Its name in the suite."""
    method: str
    place: str
    """` (file:line)`, or nothing where the source is not known."""

    @classmethod
    def of(cls, model: str, method: object, name: str = "") -> Contract:
        """Make the checks of a method, or of an attribute by its name."""
        return cls(model, name or getattr(method, "__name__", type(method).__name__), _place(method))

    def breach(self, what: str) -> AdmissionError:
        """Make the error that a method broke its contract."""
        return AdmissionError(f"model '{self.model}': {self.method}{self.place} {what}")

    def call(self, method: Callable[..., object], *arguments: object, form: str = "") -> object:
        """Call a method of the user's; what it raises is a breach that names the line, and the variant.

        Args:
            method: to call.
            arguments: of it.
            form: label of the variant, where it is not the plain one.

        Raises:
            AdmissionError: the method raised something.
            BenchError: memory ran out, or bench's own functions within the method raised it.
        """
        try:
            return method(*arguments)
        except Exception as error:
            if isinstance(error, BenchError) or is_out_of_memory(error):
                raise
            at = replace(self, place=_line_of(error, method) or self.place)
            said = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
            because = f" in the variant '{form}', {VARIANT_HINT}" if form else ""
            raise at.breach(f"raised {said}{because}") from error

    def rows(self, answers: object, texts: int) -> list[object]:
        """Check that there is one answer for each text, in a list, a tuple, an array or a tensor."""
        listed = answers.tolist() if hasattr(answers, "tolist") else answers
        if isinstance(listed, (str, bytes, Mapping)) or not hasattr(listed, "__iter__"):
            raise self.breach(f"gave {_short(answers)} instead of a list with one answer for each text")
        rows = list(listed)
        if len(rows) != texts:
            raise self.breach(f"gave {len(rows)} answers to {texts} texts; give one for each, in their order")
        return rows

    def scores(self, row: object, count: int, of: str) -> tuple[float, ...]:
        """Check one row of scores: a finite number for each label or choice."""
        listed = row.tolist() if hasattr(row, "tolist") else row
        if isinstance(listed, (str, bytes, Mapping)) or not hasattr(listed, "__iter__"):
            raise self.breach(f"gave {_short(row)} for a text instead of a row with a score for each {of}")
        scores = tuple(self._number(score, "a score") for score in listed)
        if len(scores) != count:
            raise self.breach(f"gave {len(scores)} scores for {count} {of}s; give one for each, in their order")
        return scores

    def text(self, answer: object) -> str:
        """Check one written answer."""
        if not isinstance(answer, str):
            raise self.breach(f"gave {_short(answer)} ({type(answer).__name__}) instead of a text (str)")
        return answer

    def within(self, tokens: int, most: int, place: int) -> None:
        """Check that a written answer is not longer than was asked for, by the model's own count."""
        if tokens > most + SPECIAL_TOKENS:
            raise self.breach(
                f"gave {tokens:,} tokens for text {place + 1}, by count_tokens, where max_new_tokens is {most:,}; stop "
                "there, or raise the task's max_new_tokens"
            )

    def likelihood(self, row: object, place: int) -> tuple[float, int]:
        """Check the pair of nats and tokens of one text."""
        listed = row.tolist() if hasattr(row, "tolist") else row
        if not isinstance(listed, (tuple, list)) or len(listed) != 2:
            raise self.breach(f"gave {_short(row)} for a text instead of a pair: nats, and how many tokens were scored")
        nats, tokens = self._number(listed[0], "the nats"), self.count(listed[1])
        if nats < -ROUNDING_NATS:
            raise self.breach(
                f"gave {nats:,.4g} nats for text {place + 1}; bench wants the negative log-likelihood, a positive "
                "number: is the sign turned?"
            )
        return nats, tokens

    def texts(self, value: object) -> list[str]:
        """Check some texts: a list or another iterable of str, and no single one."""
        texts = list(value) if isinstance(value, Iterable) and not isinstance(value, (str, bytes)) else [value]
        if isinstance(value, str) or not all(isinstance(text, str) for text in texts):
            raise self.breach(f"gave {_short(value)} as texts; give a list of str")
        return [text for text in texts if isinstance(text, str)]

    def count(self, value: object) -> int:
        """Check a count: a whole number from 0."""
        value = value.item() if hasattr(value, "item") else value
        if isinstance(value, float) and value.is_integer():
            value = int(value)
        if isinstance(value, bool) or not isinstance(value, numbers.Integral) or value < 0:
            raise self.breach(f"gave {_short(value)} as a count; give a whole number from 0")
        if int(value) > COUNT.high:
            raise self.breach("gave a count of 2⁶³ or more, which no text, file or memory has; look how it is counted")
        return int(value)

    def _number(self, value: object, what: str) -> float:
        if isinstance(value, (str, bytes)) or not isinstance(value, (SupportsFloat, SupportsIndex)):
            raise self.breach(f"gave {_short(value)} as {what}; give a number")
        try:
            number = float(value)
        except (TypeError, ValueError, RuntimeError) as error:
            raise self.breach(f"gave {_short(value)} as {what}; give a number") from error
        if not math.isfinite(number):
            raise self.breach(
                f"gave {number} as {what}; look for a division by zero, a logarithm of zero, an overflow or damaged "
                "weights"
            )
        return number


def _line_of(error: BaseException, method: object) -> str:
    """Tell in which line of the file of a method an error arose, as ` (file:line)`; nothing where that is not known."""
    code = _code(method)
    frames = traceback.extract_tb(error.__traceback__)
    lines = [frame.lineno for frame in frames if code is not None and frame.filename == code.co_filename]
    return f" ({code.co_filename}:{lines[-1]})" if code is not None and lines else ""


def _place(method: object) -> str:
    """Tell where a method is written, as ` (file:line)`."""
    code = _code(method)
    return "" if code is None else f" ({code.co_filename}:{code.co_firstlineno})"


def _code(method: object) -> CodeType | None:
    function = inspect.unwrap(method) if callable(method) else method
    code: CodeType | None = getattr(getattr(function, "__func__", function), "__code__", None)
    return code


def _short(value: object) -> str:
    text = " ".join(repr(value).split())
    return text if len(text) <= SHOWN else f"{text[: SHOWN - 1]}…"
