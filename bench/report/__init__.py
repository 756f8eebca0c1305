"""The report: from stored records to the page on which the decision is made.

from bench.report import view_of, write_html
write_html(view_of(store.load("latest")), Path("report.html"))

A name is imported when it is first asked for: the pages of nights need no charts, and importing those takes a second.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bench.report.exports import as_csv, as_json, as_markdown
    from bench.report.figures import write_figures
    from bench.report.page import render, write_html
    from bench.report.view import RunView, view_of

__all__ = ["RunView", "as_csv", "as_json", "as_markdown", "render", "view_of", "write_figures", "write_html"]

_HOMES = {
    "exports": ("as_csv", "as_json", "as_markdown"),
    "figures": ("write_figures",),
    "page": ("render", "write_html"),
    "view": ("RunView", "view_of"),
}


def __getattr__(name: str) -> object:
    for home, names in _HOMES.items():
        if name in names:
            return getattr(import_module(f"bench.report.{home}"), name)
    raise AttributeError(f"module 'bench.report' has no attribute '{name}'")
