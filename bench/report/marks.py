"""One colour and one shape per model family, the same in every chart, table and legend of a report.

A family declares its look; one that declares none takes the first that is free. Colours are Okabe and Ito's, which
people with the usual colour deficiencies tell apart; the shape says the same again.

Source: Okabe and Ito, Color Universal Design (2008), https://jfly.uni-koeln.de/color/.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from bench.candidates import FAMILIES
from bench.candidates.family import Look


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

PALETTE = (
    Look(BLUE, "#4FA8DC", "o", "circle"),
    Look(VERMILION, "#F08A3C", "s", "square"),
    Look(GREEN, "#2FC79B", "^", "triangle-up"),
    Look(PURPLE, "#E09CC4", "D", "diamond"),
    Look(SKY, "#7CCBF5", "v", "triangle-down"),
    Look(ORANGE, "#F2B632", "P", "cross"),
)
"""The page's own colours `--m-0` to `--m-5`, and the looks that a family takes first."""

GLYPHS = {"o": "●", "s": "■", "^": "▲", "D": "◆", "v": "▼", "P": "✚", "X": "✖"}
"""A mark's shape as text; any other is shown as a disc."""


def looks() -> tuple[Look, ...]:
    """List every look: the palette, the palette's colours with each other's shapes, and what families declare besides.

    The place of a look is the number of its custom property.
    """
    turned = [
        Look(look.colour, look.dark, other.shape, other.vega)
        for look, other in zip(PALETTE, (*PALETTE[1:], PALETTE[0]), strict=True)
    ]
    declared = [family.look for family in FAMILIES.values() if family.look is not None]
    return tuple(dict.fromkeys([*PALETTE, *turned, *declared]))


def marks_of(families: Iterable[str]) -> dict[str, Mark]:
    """Give each family its mark: the one that it declares, else the first that is free, in the order of the
    families."""
    every = looks()
    declared = {family.look for family in FAMILIES.values() if family.look is not None}
    free = [look for look in every if look not in declared]
    marks: dict[str, Mark] = {}
    extra = 0
    for name in families:
        family = FAMILIES.get(name)
        look = None if family is None else family.look
        if look is None:
            look = free[extra % len(free)]
            extra += 1
        label = name if family is None else family.title or name
        marks[name] = Mark(label, look.colour, look.dark, look.shape, look.vega, f"--m-{every.index(look)}")
    return marks


def colour_properties() -> dict[str, str]:
    """Name the custom property of each colour, written in lower case as matplotlib writes it."""
    properties: dict[str, str] = {}
    for place, look in enumerate(looks()):
        properties.setdefault(look.colour.lower(), f"--m-{place}")
    return properties


def glyph_rules() -> str:
    """Write the CSS that shows `<i class="m-0">` as a mark, silent to screen readers.

    Source: CSS Generated Content Module Level 3, alternative text after a slash.
    """
    return "".join(
        f'.m-{place}::before{{content:"{GLYPHS.get(look.shape, "●")}"/"";color:var(--m-{place})}}'
        for place, look in enumerate(looks())
    )


def custom_properties(*, dark: bool) -> str:
    """Write the CSS declarations of every mark's colour."""
    return ";".join(f"--m-{place}:{look.dark if dark else look.colour}" for place, look in enumerate(looks()))
