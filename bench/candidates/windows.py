"""What is told of a token in its sentence to a model that reads features, and not sequences."""

from __future__ import annotations

from collections.abc import Sequence

OUTSIDE = "∅"
"""Stands for the token before the first and after the last."""
ENDS = (1, 2, 3, 4)
"""Characters of the beginnings and ends of a token that are told. Source: Ratnaparkhi 1996."""


def shape(token: str) -> str:
    """Write a token's shape: capitals, small letters and digits, runs shortened.

    >>> shape("McDonald's"), shape("3,200")
    ("XxXx'x", 'd,d')
    """
    written = ""
    for character in token:
        kind = "X" if character.isupper() else "x" if character.islower() else "d" if character.isdigit() else character
        written += kind if not written.endswith(kind) else ""
    return written


def windows(sentence: Sequence[str]) -> list[str]:
    """Write what is told of each token, one feature a line.

    >>> windows(["Tea"])[0].splitlines()[:4]
    ['0=Tea', 'l=tea', 's=Xx', '-1=∅']
    """
    lowered = [token.lower().replace("\n", " ") for token in sentence]
    return [_told(sentence, lowered, place) for place in range(len(sentence))]


def _told(sentence: Sequence[str], lowered: Sequence[str], place: int) -> str:
    token, small = sentence[place].replace("\n", " "), lowered[place]
    around = {distance: _at(lowered, place + distance) for distance in (-2, -1, 1, 2)}
    features = [f"0={token}", f"l={small}", f"s={shape(token)}", f"-1={around[-1]}", f"1={around[1]}"]
    features += [f"-2={around[-2]}", f"2={around[2]}", f"-1,0={around[-1]} {small}", f"0,1={small} {around[1]}"]
    features += [f"{side}{size}={small[:size] if side == 'b' else small[-size:]}" for side in "be" for size in ENDS]
    if place > 0:
        features.append(f"s-1={shape(sentence[place - 1])}")
    return "\n".join(features)


def _at(tokens: Sequence[str], place: int) -> str:
    return tokens[place] if 0 <= place < len(tokens) else OUTSIDE
