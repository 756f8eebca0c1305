"""Two texts that a model is given together, such as a premise and a hypothesis."""

from __future__ import annotations

from typing import Self


class Pair(str):
    """A finished prompt that is made of two texts: a model that reads pairs takes them apart, any other reads the text
    as it is.

    >>> pair = Pair.of("A man sleeps. He rests.", "A man sleeps.", "He rests.")
    >>> parts(pair), parts("one"), pair == "A man sleeps. He rests."
    (('A man sleeps.', 'He rests.'), ('one',), False)
    """

    __slots__ = ("first", "second")
    first: str
    second: str

    @classmethod
    def of(cls, prompt: str, first: str, second: str) -> Self:
        """Make the prompt of two texts."""
        pair = cls(prompt)
        pair.first, pair.second = first, second
        return pair

    def __eq__(self, other: object) -> bool:
        """Tell whether both texts are the same: the same prompt may be made of others."""
        return isinstance(other, Pair) and (self.first, self.second) == (other.first, other.second)

    def __hash__(self) -> int:
        """Hash both texts."""
        return hash((self.first, self.second))


def parts(text: str) -> tuple[str, ...]:
    """Take a prompt apart: both texts of a pair, else the text alone."""
    return (text.first, text.second) if isinstance(text, Pair) else (text,)
