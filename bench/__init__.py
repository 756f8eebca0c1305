"""bench: which model should we ship?

Quality, latency, throughput, memory and energy of the same loaded model, in one run, and the advice that follows. Five
functions, in the order in which data flows; `docs/python.md` shows them at work:

    suite = bench.load_suite("suite.yaml")
    run = bench.run(bench.plan(suite))
    decision = bench.decide(run, where="latency_p95_s <= 50 ms")
    bench.write_report(run, "report.html")

What a function needs is imported when it is called: `import bench` itself loads nothing.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from os import PathLike

    from bench.decision import Decision
    from bench.planning import Plan
    from bench.store import StoredRun
    from bench.suite import Suite
    from bench.suite.yaml_file import Located

    PathOrText = str | PathLike[str]

__all__ = ["__version__", "decide", "load_suite", "plan", "run", "write_report"]


def load_suite(path_or_name: PathOrText) -> Located[Suite]:
    """Read a suite file, or the embedded suite of that name, and check what the file alone can tell.

    Returns:
        The suite (`.value`) with the position of every key (`.where("models", 0, "name")`).

    Raises:
        InputError: there is no such file, and no embedded suite of that name.
        SuiteError: the file has mistakes; the message lists all of them, each with its line and column.
    """
    import os

    from bench.planning import open_suite

    return open_suite(os.fspath(path_or_name))


def plan(
    suite: Located[Suite] | PathOrText,
    *,
    results: PathOrText = "results",
    limit: int | None = None,
    only: str | Iterable[str] = (),
    profile: str | None = None,
) -> Plan:
    """Expand a suite to its cells, one candidate on one task each; run nothing and write nothing.

    Args:
        suite: from `load_suite`, or what it takes.
        results: the results folder, where checkpoints that were trained before are looked for.
        limit: at most so many examples of each task.
        only: patterns of models, tasks or model/task; a cell that matches any of them is kept.
        profile: `quick`, `standard`, `rigorous` or `off`, in place of the suite's.

    Raises:
        InputError: a pattern matches nothing.
        SuiteError: something in the suite stands for nothing: a file, a column, a metric, a label.
    """
    from pathlib import Path

    from bench.planning import Options, make_plan

    located = load_suite(suite) if isinstance(suite, str) or hasattr(suite, "__fspath__") else suite
    return make_plan(located, Path(results), Options(limit, _several(only), profile))


def run(
    plan: Plan,
    *,
    results: PathOrText = "results",
    store: str | None = None,
    rerun: bool = False,
    quiet: bool = False,
) -> StoredRun:
    """Train what is missing, run every cell of a plan that is not finished yet, and read the run back.

    A cell that fails does not stop the others: `record.status` and `record.reason` of `run.records` say how each one
    ended. Models are loaded in processes of their own, so that a script needs no `if __name__ == "__main__"`.

    Args:
        plan: from `plan`, with the same `results`.
        results: the results folder.
        store: address of a database other than the results folder's.
        rerun: run finished cells again.
        quiet: show no progress on stderr.

    Raises:
        KeyboardInterrupt: Ctrl-C; what is finished is stored, and the same call goes on from there.
        StoreError: the results folder cannot be read or written.
    """
    import sys
    from contextlib import closing
    from pathlib import Path

    from bench.history.remember import remember_entries
    from bench.racing.rounds import racing
    from bench.running.executors import executor_of
    from bench.running.launch import launch
    from bench.running.progress import SilentProgress, progress_for
    from bench.store import Store
    from bench.summary import summarise_run

    with (
        Store.open(Path(results), store) as opened,
        closing(executor_of(plan.suite).open(measuring=plan.measures)) as executor,
    ):
        finished = launch(
            plan,
            executor,
            opened,
            command="bench.run(…)",
            rerun=rerun,
            progress=SilentProgress() if quiet else progress_for(sys.stderr),
            echo=(lambda _: None) if quiet else (lambda line: print(line, file=sys.stderr)),  # noqa: T201
            rounds_of=racing,
        )
        if finished.interrupted:
            raise KeyboardInterrupt
        stored = opened.load(finished.run_id)
        remember_entries(opened, stored, summarise_run(stored))
        return stored


def decide(
    run: StoredRun | str = "latest",
    *,
    where: str | Iterable[str] = (),
    prefer: str | None = None,
    rule: str | None = None,
    results: PathOrText = "results",
    store: str | None = None,
) -> Decision:
    """Decide which model to ship, under the suite's limits and further ones.

    Args:
        run: from `run`; or `latest` (the newest run of a whole suite; a newer one of a part is warned of), a run's id,
            or the beginning of one, to be read from `results`.
        where: one limit such as `"latency_p95_s <= 50 ms"`, or several; each replaces the suite's of the same name
            and direction.
        prefer: the objective to optimise, in place of the suite's.
        rule: how to pick, in place of the suite's.
        results: the results folder, for a run that is named.
        store: address of the database, when it is not the results folder's.

    Returns:
        The decision: `.pick` is the model to ship for all tasks, `.tasks["name"].pick` for one; None where no model
        can be named, and the sentences say why.

    Raises:
        StoreError: there is no such results folder.
        UsageError: there is no such run, or a limit cannot be read.
    """
    import json

    from bench.decision import Question
    from bench.decision import decide as decide_entries
    from bench.suite import Suite
    from bench.summary import summarise_run

    stored = _stored(run, results, store)
    suite = Suite.model_validate_json(json.dumps(dict(stored.info.settings)))
    return decide_entries(summarise_run(stored), Question.of(suite).asking(_several(where), prefer, rule))


def write_report(
    run: StoredRun | str,
    path: PathOrText,
    *,
    reference: str | None = None,
    results: PathOrText = "results",
    store: str | None = None,
) -> None:
    """Write the report of a run: one HTML file that opens without a network.

    Args:
        run: as in `decide`.
        path: of the file; its folder is made where it is missing.
        reference: the candidate that paired differences are to; by default the one that the report picks itself.
        results: the results folder, for a run that is named.
        store: address of the database, when it is not the results folder's.

    Raises:
        StoreError: there is no such results folder.
        UsageError: there is no such run, or no such candidate in it.
    """
    from pathlib import Path

    from bench.report import view_of, write_html

    view = view_of(_stored(run, results, store), reference=reference)
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    write_html(view, Path(path))


def _several(texts: str | Iterable[str]) -> tuple[str, ...]:
    return (texts,) if isinstance(texts, str) else tuple(texts)


def _stored(run: StoredRun | str, results: PathOrText, store: str | None) -> StoredRun:
    if not isinstance(run, str):
        return run
    import warnings
    from pathlib import Path

    from bench.store import Store

    with Store.open(Path(results), store, create=False) as opened:
        choice = opened.choose(run)
        if choice.remark is not None:
            warnings.warn(choice.remark, stacklevel=3)
        return opened.load(choice.info.id)


def __getattr__(name: str) -> str:
    """Look up `__version__` when it is asked for: reading a package's metadata takes a while."""
    if name != "__version__":
        hint = "; it is called 'decide' here" if name == "recommend" else ""
        raise AttributeError(f"module 'bench' has no attribute '{name}'{hint}")
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version("bench")
    except PackageNotFoundError:  # a checkout that was never installed
        return "0+unknown"
