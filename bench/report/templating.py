"""Jinja2 as all pages use it: everything is escaped, and what a filter lets through is markup of our own."""

from __future__ import annotations

import re

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape

from bench.report.text import TITLE_LIMIT, cut, name_markup, short
from bench.text import visible


def environment() -> Environment:
    """Set up Jinja2 with autoescape on for everything, and the page's filters."""
    env = Environment(
        loader=PackageLoader("bench.report", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    env.filters["seen"] = _seen
    env.filters["name"] = name_markup
    env.filters["ticked"] = _ticked
    env.filters["long"] = lambda text: cut(str(text), TITLE_LIMIT)
    env.filters["code"] = lambda text: visible(str(text), keep="\n\t")
    env.filters["sortkey"] = _sort_key
    return env


def _seen(text: object) -> str:
    return text if isinstance(text, Markup) else cut(str(text), TITLE_LIMIT)


_TICKS = re.compile(r"`([^`\n]{1,80})`")


def _ticked(text: str) -> Markup:
    """Write a sentence as HTML, what stands between backticks as code."""
    shown = str(escape(cut(text, TITLE_LIMIT)))
    return Markup(_TICKS.sub(r"<code>\1</code>", shown))


def _sort_key(value: float | str) -> str:
    return Markup('"{}"').format(short(value)) if isinstance(value, str) else f"{value:.6g}"
