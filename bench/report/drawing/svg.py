"""The style of every chart, and its way from a matplotlib figure to SVG, PNG and PDF.

Colours are drawn in fixed sentinels; inlined in the page they become custom properties, so that one drawing follows
light and dark. Where text stays text, the page's own font is used.
"""

from __future__ import annotations

import io
import re
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import replace
from types import MappingProxyType
from typing import TYPE_CHECKING

from markupsafe import Markup, escape
from matplotlib import rc_context
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from bench.report.chart import Chart
from bench.report.marks import colour_properties

if TYPE_CHECKING:
    from matplotlib.typing import RcKeyType

INK, MUTED, GRID, ALARM, PAPER = "#1a1a1b", "#5c6066", "#dcdee2", "#b3261e", "#fdfdfe"
"""Sentinels of the page's colours; no mark has one of them."""

_PROPERTIES = {
    INK: "--ink",
    MUTED: "--muted",
    GRID: "--grid",
    ALARM: "--alarm",
    PAPER: "--paper",
} | colour_properties()

NARROW_IN = 5.0
"""Width of a chart that a phone shows."""
WIDTH_IN = 8.0
"""Inches at 72 units each: 576 units wide, as wide as a column of the page."""
DPI = 72
TEXT, SMALL = 11.0, 9.5
"""Points."""

_STYLE: dict[RcKeyType, object] = {
    "font.size": TEXT,
    "font.family": ["DejaVu Sans"],
    "text.color": INK,
    "text.parse_math": False,
    "axes.edgecolor": MUTED,
    "axes.labelcolor": MUTED,
    "axes.labelsize": TEXT,
    "axes.linewidth": 0.8,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "axes.unicode_minus": False,
    "axes.grid": False,
    "grid.color": GRID,
    "grid.linewidth": 0.7,
    "xtick.color": MUTED,
    "ytick.color": MUTED,
    "xtick.labelsize": SMALL,
    "ytick.labelsize": SMALL,
    "xtick.major.width": 0.8,
    "ytick.major.width": 0.8,
    "xtick.major.size": 3,
    "ytick.major.size": 3,
    "xtick.minor.visible": False,
    "ytick.minor.visible": False,
    "lines.linewidth": 1.6,
    "figure.dpi": DPI,
    "savefig.dpi": DPI,
    "legend.frameon": False,
    "legend.fontsize": SMALL,
    "axes.facecolor": "none",
    "figure.facecolor": "none",
    "savefig.facecolor": "none",
    "path.simplify": True,
}


@contextmanager
def style(extra: Mapping[RcKeyType, object] = MappingProxyType({})) -> Iterator[None]:
    """Draw in the report's style and `extra`, silent about glyphs that the font lacks (the reader's browser has its
    own)."""
    with rc_context({**_STYLE, **extra}), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing from font")
        yield


_width: ContextVar[float] = ContextVar("width", default=WIDTH_IN)
"""Inches of the charts that are being drawn."""


def new_figure(height_in: float) -> Figure:
    """Make an empty figure with a canvas that can measure text, as wide as the reader's column."""
    figure = Figure(figsize=(_width.get(), height_in), dpi=DPI, layout=None)
    FigureCanvasAgg(figure)
    return figure


def inline_svg(chart: Chart) -> Markup:
    """Draw the chart as an SVG element for the page: titled, described, small, its colours custom
    properties."""
    with style({"svg.hashsalt": chart.name, "svg.fonttype": "none"}):
        text = _drawn(chart, "svg").decode()
    body = text[text.index("<svg") : text.rindex("</svg>")]
    view_box = re.search(r'viewBox="([^"]+)"', body)
    assert view_box is not None
    inner = _compact(body[body.index(">") + 1 :], chart.name)
    return Markup(
        f'<svg viewBox="{view_box.group(1)}" role="img" aria-labelledby="{chart.name}-t {chart.name}-d">'
        f'<title id="{chart.name}-t">{escape(chart.title)}</title>'
        f'<desc id="{chart.name}-d">{escape(chart.takeaway)} {escape(chart.description)}</desc>{inner}</svg>'
    )


def narrow_svg(chart: Chart) -> Markup | None:
    """Draw the chart as a phone shows it; None where the wide one serves there too."""
    if not (chart.narrow or chart.slim):
        return None
    before = _width.set(NARROW_IN)
    try:
        return inline_svg(replace(chart, name=f"{chart.name}-narrow"))
    finally:
        _width.reset(before)


def file_bytes(chart: Chart, form: str) -> bytes:
    """Draw the chart as a file in `svg`, `png` or `pdf`, on white, text as outlines in SVG."""
    with style({"svg.hashsalt": chart.name, "svg.fonttype": "path", "pdf.fonttype": 42}):
        return _drawn(chart, form)


_METADATA: dict[str, dict[str, None]] = {
    "svg": {"Date": None, "Creator": None},
    "pdf": {"CreationDate": None, "Creator": None, "Producer": None},
    "png": {"Software": None},
}
PNG_DPI = 200


def _drawn(chart: Chart, form: str) -> bytes:
    figure = chart.draw()
    out = io.BytesIO()
    figure.savefig(
        out,
        format=form,
        metadata=_METADATA[form],
        dpi=PNG_DPI if form == "png" else "figure",
        facecolor="none" if form == "svg" else "white",
    )
    return out.getvalue()


def _compact(svg: str, name: str) -> str:
    """Strip matplotlib's SVG of metadata and global style, shorten its numbers, and give it ids of its own."""
    svg = re.sub(r"<metadata>.*?</metadata>", "", svg, flags=re.S)
    svg = re.sub(r"<defs>\s*<style type=\"text/css\">.*?</style>\s*</defs>", "", svg, flags=re.S)
    svg = re.sub(r"<!--.*?-->", "", svg, flags=re.S)
    svg = _own_ids(svg, name)
    svg = re.sub(r'="[^"]*"', _short_numbers, svg)
    svg = re.sub(r' transform="rotate\(-?0 [^)]*\)"', "", svg)
    svg = re.sub(r"font-family: [^;\"]*;? ?", "", svg)
    svg = re.sub(r"; stroke-linecap: (?:butt|square)|; stroke-linejoin: \w+", "", svg)
    svg = re.sub(r"font: ((?:\w+ )*)([\d.]+)px [^;\"]*", _font, svg)
    for colour, prop in _PROPERTIES.items():
        svg = svg.replace(colour, f"var({prop})")
    svg = re.sub(r'd="([^"]*)"', _path, svg)
    svg = re.sub(r'(d="M[^MLCz"]*L[^MLCz"]*")([^>]*?) clip-path="[^"]*"', r"\1\2", svg)
    svg = re.sub(r"\s*\n\s*", " ", re.sub(r">\s+<", "><", svg)).strip()
    return _without_empty_groups(svg)


def _short_numbers(match: re.Match[str]) -> str:
    """Cut an attribute's numbers to a tenth of a unit; texts keep theirs."""
    return re.sub(r"\.0(?![\d.])", "", re.sub(r"(-?\d+\.\d)\d+", r"\1", match.group(0)))


def _path(match: re.Match[str]) -> str:
    """Drop needless spaces from path data."""
    return 'd="' + re.sub(r"\s*([A-Za-z])\s*", r"\1", match.group(1).strip()) + '"'


def _without_empty_groups(svg: str) -> str:
    """Drop the groups of an SVG that hold nothing, and those that hold only one group."""
    before = ""
    while before != svg:
        before = svg
        svg = re.sub(r"<g/>|<g></g>|<defs></defs>|<defs/>", "", svg)
        svg = re.sub(r"<g>(<(?:text|path|use)[^>]*/>|<text[^>]*>[^<]*</text>)</g>", r"\1", svg)
    return svg


def _font(match: re.Match[str]) -> str:
    weight = "; font-weight: 700" if "bold" in match.group(1) or "700" in match.group(1) else ""
    return f"font-size: {match.group(2)}px{weight}"


def _own_ids(svg: str, name: str) -> str:
    """Remove ids that nothing refers to, and rename the others so that no two charts share one."""
    used = set(re.findall(r"#([\w-]+)", " ".join(re.findall(r'(?:href="|url\()#[\w-]+', svg))))
    short = {old: f"{name}-{i}" for i, old in enumerate(sorted(used, key=svg.index))}

    def rename(match: re.Match[str]) -> str:
        return f' id="{short[match.group(1)]}"' if match.group(1) in short else ""

    svg = re.sub(r' id="([^"]*)"', rename, svg)
    return re.sub(r'(href="|url\()#([\w-]+)', lambda m: f"{m.group(1)}#{short[m.group(2)]}", svg)
