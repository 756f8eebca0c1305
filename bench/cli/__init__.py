"""The commands. Each lives in a module that is imported when it is called, so that `bench --help` stays fast."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module

import click

COMMANDS: Mapping[str, tuple[str, str]] = {
    "run": ("bench.cli.run:run", "Run a suite: score and measure every model, then write the report."),
    "fit": ("bench.cli.fit:fit", "Train the models of a suite that have a recipe."),
    "validate": ("bench.cli.suite:validate", "Check a suite, its data and its checkpoints; run nothing."),
    "plan": ("bench.cli.suite:plan", "Show the cells that a suite stands for; run nothing."),
    "ls": ("bench.cli.listing:ls", "List models, tasks, metrics and everything else a suite can name, and the runs."),
    "show": ("bench.cli.results:show", "Show the results of a run."),
    "report": ("bench.cli.results:report", "Write the report of a run again."),
    "recommend": ("bench.cli.advice:recommend", "Say which model to ship, under limits of your own."),
    "compare": ("bench.cli.advice:compare", "Compare two models of a run, or two runs, by paired tests."),
    "certify": ("bench.cli.certify:certify", "Write the certificate of a race, or judge one again."),
    "history": ("bench.cli.history:history", "Show the nights of a suite: every reading as a sparkline."),
    "gate": ("bench.cli.gate:gate", "Say whether a run is worse than its baseline; exit code 6 when it is."),
    "nightly": ("bench.cli.nightly:nightly", "Run a suite as a night: lock, run, gate, pages, retention, alert."),
    "tag": ("bench.cli.gate:tag", "Give a run a name, for `bench gate --baseline tag:NAME`."),
    "serve": ("bench.cli.serve:serve", "Serve the reports of a results folder on this machine."),
    "load": ("bench.cli.load:load", "Offer load to a server: capacity, latency and goodput at each rate."),
    "doctor": ("bench.cli.advice:doctor", "Say what this machine can measure, and how to make it quieter."),
    "store": ("bench.cli.store:store", "Check, repair, migrate, import and prune what is stored."),
    "schedule": ("bench.cli.schedule:schedule", "Make cron, systemd or a CI service run a nightly."),
    "export": ("bench.cli.results:export", "Write a run as CSV, JSON or Parquet."),
    "schema": ("bench.cli.suite:schema", "Print the JSON Schema of the suite file, or of a recipe."),
}
"""Command → where it is, and its line in the help."""


class CommandInterruptedError(Exception):
    """Ctrl-C reached a command; click would print an empty line of its own for it."""


class LazyGroup(click.Group):
    """A group that imports a command when it is called, and knows its help line without that."""

    def invoke(self, ctx: click.Context) -> object:
        """Run the command that was asked for.

        Raises:
            CommandInterruptedError: the user pressed Ctrl-C.
        """
        try:
            result: object = super().invoke(ctx)
        except KeyboardInterrupt as error:
            raise CommandInterruptedError from error
        return result

    def list_commands(self, ctx: click.Context) -> list[str]:
        """List the commands in the order of the table."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import a command; None when there is none of that name."""
        if cmd_name not in COMMANDS:
            return None
        module, _, attribute = COMMANDS[cmd_name][0].partition(":")
        command: click.Command = getattr(import_module(module), attribute)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command that the arguments name; tell the nearest name of a misspelt one."""
        from bench.errors import nearest

        if args and args[0] not in COMMANDS and not args[0].startswith("-"):
            raise click.UsageError(f"no command is named '{args[0]}'; {nearest(args[0], COMMANDS)}", ctx)
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the table of commands without importing any."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, line) for name, (_, line) in COMMANDS.items()])


def _print_version(context: click.Context, _: click.Parameter, wanted: bool) -> None:
    if wanted:
        import bench as package
        from bench.cli.output import say

        say(f"bench, version {package.__version__}")
        context.exit()


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.option(
    "--version", is_flag=True, expose_value=False, is_eager=True, callback=_print_version, help="Show the version."
)
def bench() -> None:
    """Which model should we ship?

    Scores candidate models on your tasks while it measures latency, throughput, memory and energy of the same
    loaded model, and turns that into a Pareto front and a report.

    \b
    Exit codes: 0 ok · 1 unexpected error, or a training failed · 2 wrong input · 3 this machine lacks something
    4 storage · 5 a cell failed · 6 a gate found a regression · 7 another night runs · 8 a night's deadline came
    first · 130 interrupted
    """
