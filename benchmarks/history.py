"""A year of nights: how long `bench history` and the pages take on 365 nights of 50 cells. Each under 5 seconds.

    python benchmarks/history.py [--nights N] [--cells N] [--bare N] [--keep DIR]

The runs, their summaries and canaries are written as the store writes them; raw timings are left out, as they are after
`bench store prune`. `--bare N` measures N runs of two cells of 40 answers, without summaries and with them. Without, as
of an interrupted copy, a reading makes those of the newest runs, tells how many runs it leaves out, and the next one
makes more; `--all` makes all, once. Seconds there are the processor's.
"""

from __future__ import annotations

import resource
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
from contract import Contract, make_parser

from bench.catalogue.readings import READINGS
from bench.history.series import TRACKED
from bench.record import Cell, Record, Sample
from bench.store import CanarySeconds, RunInfo, Store, Summary

SUITE = "year"
LIMIT_S = 5.0
BARE_LIMIT_S = 0.05
"""For making the summaries of a run of two cells: reading two files of rows, and resampling 40 answers of each."""
MODELS_PER_TASK = 10
UNTRACKED = tuple(name for name in READINGS if name not in TRACKED)


def readings_of(cell: Cell, night: int, rng: np.random.Generator) -> list[Summary]:
    """Returns all that is stored of a cell: 2 metrics and every efficiency reading."""
    base = {"accuracy": 0.85, "macro_f1": 0.83} | dict.fromkeys((*TRACKED, *UNTRACKED), 0.01)
    step = 1.08 if night > 200 and cell.model == "m3" else 1.0
    found = []
    for name, value in base.items():
        about = READINGS.get(name)
        seen = value * step * float(np.exp(0.01 * rng.standard_normal()))
        found.append(
            Summary(
                cell.model,
                cell.variant,
                cell.task,
                name,
                about.unit if about else "ratio",
                about.higher_is_better if about else True,
                seen,
                seen * 0.98,
                seen * 1.02,
                500,
                "clock",
                None,
                "ok",
                cell.id,
                "terms",
            )
        )
    return found


def fill(folder: Path, nights: int, cells: int, rng: np.random.Generator) -> None:
    start = datetime(2025, 11, 24, 2, 30, tzinfo=UTC)
    plan = [
        Cell(
            f"m{i % MODELS_PER_TASK}",
            "encoder",
            "float32",
            f"t{i // MODELS_PER_TASK}",
            "classification",
            None,
            {"i": i},
        )
        for i in range(cells)
    ]
    labels = tuple((cell.id, cell.label) for cell in plan)
    with Store.open(folder) as store:
        for night in range(nights):
            at = (start + timedelta(days=night)).isoformat()
            machine = "kernel-a" if night < 150 else "kernel-b"
            environment = {"machine": {"kernel": machine}, "software": {"packages": {"bench": "0.1.0"}}, "taken_at": at}
            info = RunInfo(
                SUITE,
                "",
                "h",
                "bench nightly",
                machine,
                "quick",
                labels,
                environment,
                id=f"n{night:04d}",
                started_at=at,
            )
            run_id = store.begin_run(info)
            store.commit(run_id, Record(plan[0], "ok", None, started_at=at))
            store.keep_summaries(run_id, [one for cell in plan for one in readings_of(cell, night, rng)])
            store.keep_canary(run_id, CanarySeconds(1, 0.004 * float(np.exp(0.006 * rng.standard_normal())), {}))
            store.finish_run(run_id, "complete")


PAGES = """
import sys
from pathlib import Path
from bench.history.series import read_history
from bench.report.nights import NightRow, write_pages
from bench.store import Store
results = Path(sys.argv[1])
with Store.open(results, create=False) as store:
    history = read_history(store, sys.argv[2])
told = {
    night.run_id: NightRow("unchanged", "Unchanged.", f"{night.run_id}/report.html", {"ok": 50}, 50, None)
    for night in history.nights
}
write_pages(history, told, results / "nightly")
"""
"""What a night does for its index page and its trend page, the reading of the history included."""


def fill_bare(folder: Path, runs: int) -> None:
    """Writes runs with answers and without summaries."""
    start = datetime(2025, 11, 24, 2, 30, tzinfo=UTC)
    cells = [Cell(f"m{i}", "encoder", "float32", "t", "classification", None, {"i": i}) for i in range(2)]
    answers = tuple(Sample(i, f"e{i}", "ab"[i % 2], "ab"[i % 3 % 2]) for i in range(40))
    with Store.open(folder) as store:
        for number in range(runs):
            at = (start + timedelta(hours=number)).isoformat()
            labels = tuple((cell.id, cell.label) for cell in cells)
            info = RunInfo(
                SUITE, "", "h", "bench run", "kernel-a", "off", labels, {}, id=f"r{number:05d}", started_at=at
            )
            run_id = store.begin_run(info)
            for cell in cells:
                store.commit(run_id, Record(cell, "ok", None, samples=answers, started_at=at))
            store.finish_run(run_id, "complete")


def processor_seconds(*command: str) -> float:
    """Measures the seconds of the processor that a command takes."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    timed(*command)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def hold_bare(contract: Contract, runs: int) -> None:
    """Holds what runs cost without summaries, while all of them are made, and later."""
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary) / "results"
        fill_bare(folder, runs)
        command = ("-m", "bench", "history", SUITE, "--results", str(folder))
        contract.hold("processor seconds of a reading without summaries", processor_seconds(*command), at_most=LIMIT_S)
        seconds = processor_seconds(*command, "--all")
        contract.hold("processor seconds a run while all are made", seconds / runs, at_most=BARE_LIMIT_S)
        contract.hold("processor seconds of a reading with summaries", processor_seconds(*command), at_most=LIMIT_S)


def timed(*command: str) -> float:
    start = time.perf_counter()
    subprocess.run([sys.executable, *command], check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - start


def main() -> int:
    parser = make_parser(__doc__)
    parser.add_argument("--nights", type=int, default=365)
    parser.add_argument("--cells", type=int, default=50)
    parser.add_argument("--bare", type=int, help="measure so many runs without summaries, and nothing else")
    parser.add_argument("--keep", type=Path, help="results folder to write, and to leave there; used again as it is")
    given = parser.parse_args()
    contract = Contract()
    if given.bare:
        hold_bare(contract, given.bare)
        return contract.close(given.json)
    with tempfile.TemporaryDirectory() as temporary:
        folder = given.keep or Path(temporary) / "results"
        start = time.perf_counter()
        if not (folder / "bench.db").exists():
            fill(folder, given.nights, given.cells, np.random.default_rng(7))
        size = (folder / "bench.db").stat().st_size / 1e6
        spent = time.perf_counter() - start
        print(f"{given.nights} nights × {given.cells} cells: {size:.0f} MB, written in {spent:.0f} s")
        for extra in ((), ("--json",), ("--csv",)):
            seconds = min(timed("-m", "bench", "history", SUITE, "--results", str(folder), *extra) for _ in range(3))
            contract.hold(f"seconds of bench history {' '.join(extra)}".strip(), seconds, at_most=LIMIT_S)
        seconds = min(timed("-c", PAGES, str(folder), SUITE) for _ in range(3))
        contract.hold("seconds of the index and trend pages", seconds, at_most=LIMIT_S)
    return contract.close(given.json)


if __name__ == "__main__":
    sys.exit(main())
