"""How commands print: text, tables and JSON, with nothing in them that a terminal would obey.

Results go to stdout; what is said beside them goes to stderr. Every command prints through this module.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence

import click

from bench.text import json_for_terminal, terminal_text

NO_TERMINAL = (100, 24)
"""Columns and lines that are assumed where stdout is no terminal."""
GAP = "  "
"""Stands between two columns of a table."""
LEAST_CHARACTERS = 24
"""A last column is not cut below this, also where the others fill the terminal."""


def say(text: str, *, newline: bool = True) -> None:
    """Print a line of a result on stdout."""
    click.echo(terminal_text(text), nl=newline)


def remark(text: str) -> None:
    """Print a line about the work itself on stderr: progress, warnings, errors."""
    click.echo(terminal_text(text), err=True)


def print_json(value: object) -> None:
    """Print a value as JSON on stdout; NaN is refused, since JSON has none."""
    click.echo(json_for_terminal(json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False)))


def print_table(
    header: Sequence[str], rows: Sequence[Sequence[str]], right: Sequence[int] = (), *, fit: bool = False
) -> None:
    """Print rows in aligned columns on stdout.

    Args:
        header: the titles of the columns.
        rows: the texts of every row, as many as there are titles.
        right: positions of the columns that are aligned to the right.
        fit: whether to cut the last column to the width of the terminal.
    """
    table = [[terminal_text(text, keep="") for text in row] for row in (header, *rows)]
    if fit:
        _cut_last_column(table)
    widths = [max(len(row[column]) for row in table) for column in range(len(header))]
    table.insert(1, ["─" * width for width in widths])
    for row in table:
        cells = [
            text.rjust(width) if column in right else text.ljust(width)
            for column, (text, width) in enumerate(zip(row, widths, strict=True))
        ]
        click.echo(GAP.join(cells).rstrip())


def _cut_last_column(table: list[list[str]]) -> None:
    columns, _ = shutil.get_terminal_size(NO_TERMINAL)
    others = [max(len(row[column]) for row in table) + len(GAP) for column in range(len(table[0]) - 1)]
    room = max(LEAST_CHARACTERS, columns - sum(others))
    for row in table:
        if len(row[-1]) > room:
            row[-1] = row[-1][: room - 1].rstrip() + "…"
