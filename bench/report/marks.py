"""One colour and one shape per model family, the same in every chart, table and legend of a report.

Colours are Okabe and Ito's, which people with the usual colour deficiencies tell apart; the shape says the
same again. The order is fixed for the built-in families, so that two reports agree.

Source: Okabe and Ito, Color Universal Design (2008), https://jfly.uni-koeln.de/color/.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Mark:
    """How a family is drawn."""

    label: str
    """The family in words."""
    colour: str
    """On white."""
    dark: str
    """On a dark page: the same hue, lighter where it needs to be."""
    shape: str
    """matplotlib's marker."""
    vega: str
    """Vega's shape."""
    css: str
    """Name of its custom property."""


ORANGE, SKY, GREEN, BLUE = "#E69F00", "#56B4E9", "#009E73", "#0072B2"
VERMILION, PURPLE, GREY = "#D55E00", "#CC79A7", "#767676"

_LOOKS = (
    (BLUE, "#4FA8DC", "o", "circle"),
    (VERMILION, "#F08A3C", "s", "square"),
    (GREEN, "#2FC79B", "^", "triangle-up"),
    (PURPLE, "#E09CC4", "D", "diamond"),
    (SKY, "#7CCBF5", "v", "triangle-down"),
    (ORANGE, "#F2B632", "P", "cross"),
)
_BASELINE = (GREY, "#A3A3A3", "X", "cross")

BUILT_IN = {
    "transformer": ("in-house Transformer", 0),
    "causal-lm": ("causal LM", 1),
    "encoder": ("encoder", 2),
    "seq2seq": ("sequence to sequence", 3),
    "torch-module": ("own module", 4),
}


def marks_of(families: Iterable[str]) -> dict[str, Mark]:
    """Returns the mark of each family; families of plug-ins take what is left, in the order given."""
    found: dict[str, Mark] = {}
    extra = len(BUILT_IN)
    for family in families:
        if family == "baseline":
            found[family] = Mark("baseline", *_BASELINE, css="--m-baseline")
            continue
        label, place = BUILT_IN.get(family, (family, extra))
        extra += family not in BUILT_IN
        found[family] = Mark(label, *_LOOKS[place % len(_LOOKS)], css=f"--m-{place % len(_LOOKS)}")
    return found


GLYPHS = {"o": "●", "s": "■", "^": "▲", "D": "◆", "v": "▼", "P": "✚", "X": "✖"}
"""A mark's shape as text."""


def glyph_rules() -> str:
    """Returns the CSS that shows `<i class="m-0">` as a mark, silent to screen readers.

    Source: CSS Generated Content Module Level 3, alternative text after a slash.
    """
    looks = [*((f"m-{i}", look[2]) for i, look in enumerate(_LOOKS)), ("m-baseline", _BASELINE[2])]
    return "".join(f'.{name}::before{{content:"{GLYPHS[shape]}"/"";color:var(--{name})}}' for name, shape in looks)


def custom_properties(*, dark: bool) -> str:
    """Returns the CSS declarations of every mark's colour."""
    looks = [*((f"--m-{i}", look) for i, look in enumerate(_LOOKS)), ("--m-baseline", _BASELINE)]
    return ";".join(f"{name}:{look[1] if dark else look[0]}" for name, look in looks)
