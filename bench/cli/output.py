"""How commands print: text, tables and JSON, with nothing in them that a terminal would obey.

Results go to stdout; what is said beside them goes to stderr. Every command prints through this module.
"""

from __future__ import annotations

import json
from collections.abc import Sequence

import click

from bench.text import json_for_terminal, terminal_text


def say(text: str, *, newline: bool = True) -> None:
    """Print a line of a result on stdout."""
    click.echo(terminal_text(text), nl=newline)


def remark(text: str) -> None:
    """Print a line about the work itself on stderr: progress, warnings, errors."""
    click.echo(terminal_text(text), err=True)


def print_json(value: object) -> None:
    """Print a value as JSON on stdout; NaN is refused, since JSON has none."""
    click.echo(json_for_terminal(json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False)))


def print_table(header: Sequence[str], rows: Sequence[Sequence[str]], right: Sequence[int] = ()) -> None:
    """Print rows in aligned columns on stdout.

    Args:
        header: the titles of the columns.
        rows: the texts of every row, as many as there are titles.
        right: positions of the columns that are aligned to the right.
    """
    table = [[terminal_text(text, keep="") for text in row] for row in (header, *rows)]
    widths = [max(len(row[column]) for row in table) for column in range(len(header))]
    table.insert(1, ["─" * width for width in widths])
    for row in table:
        cells = [
            text.rjust(width) if column in right else text.ljust(width)
            for column, (text, width) in enumerate(zip(row, widths, strict=True))
        ]
        click.echo("  ".join(cells).rstrip())
