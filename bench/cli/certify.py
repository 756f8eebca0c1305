"""`bench certify`: the certificate of a race, from which anybody can judge it again."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from bench.cli.options import json_option, results_option, store_option
from bench.cli.output import print_json, say

if TYPE_CHECKING:
    from bench.racing.certificate import Certificate


@click.command()
@click.argument("run", default="latest")
@click.option(
    "-o",
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Where the certificate goes.",
)
@click.option(
    "--check",
    "checked",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Judge this certificate again instead; no run is needed.",
)
@store_option
@results_option
@json_option
def certify(
    run: str, output: Path | None, checked: Path | None, store_url: str | None, results: Path, as_json: bool
) -> None:
    """Write the certificate of the race of RUN to a file, or judge a certificate again.

    With --check the exit code is 0 where the same answer comes out of an unchanged file, and 4 where not.
    """
    from bench.errors import UsageError

    if checked is not None and output is None:
        _check(checked, as_json)
    elif output is not None and checked is None:
        _write(run, output, results, store_url, as_json)
    else:
        raise UsageError(
            "give either '-o FILE' to write the certificate of a run, or '--check FILE' to judge one again"
        )


def _write(run: str, output: Path, results: Path, store_url: str | None, as_json: bool) -> None:
    """Write the certificate of a run."""
    from bench.cli.results import named
    from bench.decision import Question
    from bench.racing.certify import certify as of_run
    from bench.report.view import suite_of
    from bench.store import Store
    from bench.store.files import write_file

    with Store.open(results, store_url, create=False) as store:
        stored = store.load(named(store, run))
    certificate = of_run(stored, Question.of(suite_of(stored.info)))
    write_file(output, certificate.model_dump_json() + "\n")
    if as_json:
        print_json({"certificate": str(output), **_summary(certificate)})
    else:
        tasks, again = ", ".join(certificate.tasks), f"bench certify --check {output}"
        say(f"{output}: the race of run {certificate.run} on {tasks}; judge it again with '{again}'")


def _check(path: Path, as_json: bool) -> None:
    """Judge a certificate again, and tell whether the same answer comes out.

    Raises:
        StoreError: it does not, or the file was changed.
    """
    from bench.errors import StoreError
    from bench.racing.certificate import read
    from bench.racing.certify import check
    from bench.words.certificate import difference_document, holds, sentence

    certificate = read(path)
    differences = check(certificate)
    if as_json:
        print_json({**_summary(certificate), "differences": [difference_document(own) for own in differences]})
    elif not differences:
        say(holds(certificate))
    for own in differences[1:] if not as_json else ():
        say(sentence(own))
    if differences:
        raise StoreError(f"{path} does not hold: {sentence(differences[0])}")


def _summary(certificate: Certificate) -> dict[str, object]:
    """Describe a certificate, as JSON-able values."""
    return {
        "run": certificate.run,
        "suite": certificate.suite,
        "hash": certificate.hash,
        "tasks": {name: {"pick": task.pick, "ending": task.ending} for name, task in certificate.tasks.items()},
    }
