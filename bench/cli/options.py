"""Options that several commands share."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path

import click
from click.decorators import FC


class FiniteRange(click.FloatRange):
    """A number within bounds; neither infinite, nor no number, which would pass them."""

    def convert(self, value: float, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Read a number."""
        number: float = super().convert(value, param, ctx)
        if not math.isfinite(number):
            self.fail(f"{number} is no finite number.", param, ctx)
        return number


def _results(context: click.Context, option: click.Parameter, place: str) -> Path:
    """Find the folder of results; of the address of an object store, the folder of this machine that goes with it."""
    from bench.store.elsewhere import results_folder

    folder = results_folder(place)
    if folder.is_file():
        raise click.BadParameter(f"Directory '{folder}' is a file.", context, option)
    return folder


def results_option(command: FC) -> FC:
    """Add `--results PLACE`."""
    return click.option(
        "--results",
        default="results",
        callback=_results,
        show_default=True,
        metavar="PLACE",
        help="Folder with the database and everything else that runs leave behind; or the address of an object store "
        "for all but the database, such as s3://bucket/path.",
    )(command)


def store_option(command: FC) -> FC:
    """Add `--store URL`, passed as `store_url`."""
    return click.option(
        "--store",
        "store_url",
        metavar="URL",
        envvar="BENCH_STORE",
        show_envvar=True,
        help="Database instead of the results folder's SQLite file, such as postgresql+psycopg://user@host/name.",
    )(command)


def blobs_option(command: FC) -> FC:
    """Add `--blobs URL`, passed as `blobs`."""
    return click.option(
        "--blobs",
        metavar="URL",
        envvar="BENCH_BLOBS",
        show_envvar=True,
        help="Where rows, raw timings and logs go instead of the results folder, such as file:///mnt/rows.",
    )(command)


def on_option(command: FC) -> FC:
    """Add `--on WHERE`, passed as `executor`."""
    return click.option(
        "--on",
        "--executor",
        "executor",
        metavar="WHERE",
        help="Where cells run, over the suite's defaults.executor: local, inline, ray, or ray://HOST:10001.",
    )(command)


def json_option(command: FC) -> FC:
    """Add `--json`, passed as `as_json`."""
    return click.option("--json", "as_json", is_flag=True, help="Print JSON instead of a table.")(command)


def only_option(what: str) -> Callable[[FC], FC]:
    """Add `--only PATTERN`, which may be repeated; a cell is selected when any of the patterns matches it.

    Args:
        what: what the patterns are compared with, for the help.
    """
    return click.option(
        "--only",
        metavar="PATTERN",
        multiple=True,
        help=f"Only matching {what}; * and ? match; repeat it for several patterns.",
    )


def number(example: str) -> Callable[[click.Context, click.Parameter, str | None], float | None]:
    """Make what reads the text of an option as a number.

    Args:
        example: what is suggested where it is none.
    """

    def read(_: click.Context, option: click.Parameter, text: str | None) -> float | None:
        from bench.errors import UsageError

        try:
            return None if text is None else float(text)
        except ValueError as error:
            raise UsageError(f"{option.opts[0]}: '{text}' is not a number; write one such as {example}") from error

    return read


def race_options(command: FC) -> FC:
    """Add the options that change the suite's section `race`, passed as `until`, `budget`, `risk`, `margin` and
    `guarantee`."""
    command = click.option(
        "--guarantee",
        type=click.Choice(["predictive", "anytime"]),
        help="What stands behind the risk of a race (docs/racing.md).",
    )(command)
    command = click.option(
        "--margin",
        callback=number("0.5"),
        metavar="POINTS",
        help="Difference of quality that does not matter to a race.",
    )(command)
    command = click.option(
        "--risk",
        callback=number("0.05"),
        metavar="CHANCE",
        help="Chance of a pick that the full data would not make, for each task.",
    )(command)
    command = click.option("--budget", metavar="TIME", help='Time after which a race ends, such as "10 min".')(command)
    return click.option(
        "--until",
        type=click.Choice(["decided", "front", "all"]),
        help="decided: measure on where the answer is open, and stop when it is decided; front: also until it is "
        "settled who is on the front; all: answer everything.",
    )(command)


def plan_options(command: FC) -> FC:
    """Add the options that change a plan: `--limit`, `--only` and `--profile`."""
    command = click.option("--limit", type=click.IntRange(min=1), help="At most N examples of each task.")(command)
    command = only_option("models, tasks or model/task")(command)
    return click.option(
        "--profile",
        type=click.Choice(["quick", "standard", "rigorous", "off"]),
        help="Measure with this profile; off: score quality alone, measure nothing.",
    )(command)
