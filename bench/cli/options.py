"""Options that several commands share, and how results are printed."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

import click

from bench.text import json_for_terminal, terminal_text

F = TypeVar("F", bound=Callable[..., Any])

RESULTS_DEFAULT = Path("results")


def results_option(command: F) -> F:
    """Adds `--results DIR`."""
    return click.option(
        "--results",
        type=click.Path(file_okay=False, path_type=Path),
        default=RESULTS_DEFAULT,
        show_default=True,
        help="Folder with the database and everything else that runs leave behind.",
    )(command)


def store_option(command: F) -> F:
    """Adds `--store URL`, passed as `store_url`."""
    return click.option(
        "--store",
        "store_url",
        metavar="URL",
        envvar="BENCH_STORE",
        show_envvar=True,
        help="Database other than the results folder's SQLite, such as postgresql+psycopg://user@host/name.",
    )(command)


def json_option(command: F) -> F:
    """Adds `--json`."""
    return click.option("--json", "as_json", is_flag=True, help="Print JSON instead of a table.")(command)


def echo(text: str, *, err: bool = False, nl: bool = True) -> None:
    """Print a text on stdout or stderr, whatever a terminal would obey in it escaped: names, errors and answers are
    other people's."""
    click.echo(terminal_text(text), err=err, nl=nl)


def print_json(value: Any) -> None:
    """Prints `value` as JSON on stdout; no NaN, since that is not JSON."""
    click.echo(json_for_terminal(json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False)))


def print_table(header: Sequence[str], rows: Sequence[Sequence[str]], right: Sequence[int] = ()) -> None:
    """Prints rows in aligned columns on stdout; the columns in `right` are aligned to the right."""
    shown = [[terminal_text(text, keep="") for text in row] for row in (header, *rows)]
    widths = [max(len(row[i]) for row in shown) for i in range(len(header))]
    for place, row in enumerate(shown):
        cells = [
            text.rjust(width) if i in right else text.ljust(width)
            for i, (text, width) in enumerate(zip(row, widths, strict=True))
        ]
        click.echo("  ".join(cells).rstrip())
        if place == 0:
            click.echo("  ".join("─" * width for width in widths))
