"""The page: one self-contained HTML file that asks the network for nothing.

The content security policy forbids every request and every script but the page's own, which it names by hash.
Styles are inline by necessity: the charts are SVG with style attributes.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Sequence
from pathlib import Path

from markupsafe import Markup

from bench.catalogue.readings import OFF
from bench.report import method
from bench.report.advice import advice_of
from bench.report.answer import headline
from bench.report.marks import custom_properties, glyph_rules, marks_of
from bench.report.sections import sections
from bench.report.templating import environment
from bench.report.text import short
from bench.report.view import RunView
from bench.report.wording import STATUS_WORDS, plural
from bench.store.files import write_file

_ASSETS = Path(__file__).with_name("assets")


def render(view: RunView) -> str:
    """Render the whole page; the same view gives the same text."""
    advice = advice_of(view.decision)
    marks = marks_of(view.families)
    parts = sections(view, advice, marks)
    explored = any(part.anchor == "explorer" for part in parts)
    codes = [_asset("page.js"), _asset("differences.js"), *([_asset("explorer.js")] if explored else [])]
    allowed = [*codes, *(code for part in parts for code in part.scripts)]
    page = {
        "title": f"bench: {short(view.suite.name)}",
        "headline": headline(view, advice),
        "lede": _lede(view),
        "run_id": view.info.id or "unsaved",
        "when": view.info.started_at[:16].replace("T", " ") + (" UTC" if view.info.started_at else ""),
        "counts": [(STATUS_WORDS[status], count, status) for status, count in view.counts.items()],
        "sections": parts,
        "version": method.version(),
    }
    scripts = Markup("\n").join(script(code) for code in codes)
    template = environment().get_template("report.html.j2")
    return share_styles(template.render(page=page, csp=policy(allowed), css=_css(), scripts=scripts))


def write_html(view: RunView, path: Path) -> Path:
    """Write the page to `path`, making its folder, and return the path."""
    path.parent.mkdir(parents=True, exist_ok=True)
    write_file(path, render(view))
    return path


_CHART = re.compile(r"<svg .*?</svg>", re.S)
_ID = re.compile(r'((?: id="|href="#|url\(#))([\w-]+-\d+)(?=["\)])')
_STYLE = re.compile(r' style="([^"]*)"')


def share_styles(page: str) -> str:
    """Write each style that the page's charts repeat once, as a class, and shorten their ids.

    The styles of matplotlib's SVG are half of its bytes, and the same few dozen in every chart.
    """
    names: dict[str, str] = {}

    def named(match: re.Match[str]) -> str:
        style = re.sub(r"\s*([:;,])\s*", r"\1", match.group(1)).strip("; ")
        name = names.setdefault(style, f"z{len(names)}")
        return f' class="{name}"'

    ids: dict[str, str] = {}

    def renamed(match: re.Match[str]) -> str:
        return f"{match.group(1)}{ids.setdefault(match.group(2), f'q{len(ids)}')}"

    def shared(chart: re.Match[str]) -> str:
        return _ID.sub(renamed, _STYLE.sub(named, chart.group(0)))

    page = _CHART.sub(shared, page)
    rules = "".join(f".{name}{{{style}}}" for style, name in names.items())
    return page.replace("</style></head>", f"{rules}</style></head>", 1)


def _lede(view: RunView) -> str:
    question = view.suite.description or "Which model should ship?"
    tried = f"{plural(len(view.candidates), 'candidate')} on {plural(len(view.tasks), 'task')}"
    how = "scored for quality alone: measuring was off" if view.info.profile == OFF else None
    asides = [
        f"Only a part of the suite was run: {view.partial}." if view.partial else "",
        f"Race: {view.race}" if view.race else "",
    ]
    asides += [f"{view.info.cut_short.capitalize()}." if view.info.cut_short else ""]
    asides += [f"{view.remark}." if view.remark else ""]
    lede = f"{question.rstrip()} {tried}, {how or f'measured with the profile {view.info.profile}'}."
    return " ".join([lede, *filter(None, asides)])


def _css() -> Markup:
    css = (_asset("page.css") + glyph_rules()).replace("@@LIGHT@@", custom_properties(dark=False))
    return Markup(css.replace("@@DARK@@", custom_properties(dark=True)))


def _asset(name: str) -> str:
    return (_ASSETS / name).read_text(encoding="utf-8")


def script(code: str) -> Markup:
    """Put code of the page's own into a script element."""
    return Markup(f"<script>{code}</script>")


def policy(codes: Sequence[str]) -> str:
    """Write the content security policy that runs these scripts and nothing else.

    Source: Content Security Policy Level 3, hash sources.
    """
    hashes = " ".join(f"'sha256-{base64.b64encode(hashlib.sha256(code.encode()).digest()).decode()}'" for code in codes)
    return (
        f"default-src 'none'; script-src {hashes}; style-src 'unsafe-inline'; img-src data:; "
        "base-uri 'none'; form-action 'none'"
    )
