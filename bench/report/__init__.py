"""The report: from stored records to the page on which the decision is made.

from bench.report import view_of, write_html
write_html(view_of(store.load("latest")), Path("report.html"))
"""

from bench.report.exports import as_csv, as_json, as_markdown
from bench.report.figures import write_figures
from bench.report.html import render, write_html
from bench.report.view import RunView, view_of

__all__ = ["RunView", "as_csv", "as_json", "as_markdown", "render", "view_of", "write_figures", "write_html"]
