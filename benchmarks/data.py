"""A data set of a million rows: how long it is validated, and how much memory that takes. At most 10 seconds each.

    python benchmarks/data.py [--rows N] [--limit N]

JSONL and CSV of N rows (some 100 bytes each) are validated by the command, without a limit and with one, and beside
them the same suite with 100 rows: what a large file costs in memory is the difference.
"""

from __future__ import annotations

import csv
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from contract import Contract, make_parser

LIMIT_S = 10.0
LIMIT_BYTES = 64 * 2**20
"""Of memory beyond that of a file of 100 rows: sixteen bytes of each row are kept, to count duplicates."""
SUITE = """\
name: large
defaults: {{max_examples: {limit}}}
models: [{{name: floor, family: baseline, strategy: majority}}]
tasks: [{{name: t, kind: classification, data: {{path: {name}}}, metrics: [accuracy]}}]
measure: off
"""
RUN = "import sys; from bench.__main__ import main; sys.exit(main(sys.argv[1:]))"


def rows_of(count: int) -> Iterator[dict[str, str]]:
    """Make rows."""
    for number in range(count):
        text = f"parcel number {number} was left at the door of house {number % 977} by a driver"
        yield {"text": text, "label": "abc"[number % 3]}


def write(path: Path, count: int) -> None:
    """Write a file of rows, as its suffix says."""
    with path.open("w", encoding="utf-8", newline="") as stream:
        if path.suffix == ".csv":
            writer = csv.DictWriter(stream, ["text", "label"])
            writer.writeheader()
            writer.writerows(rows_of(count))
        else:
            stream.writelines(f"{json.dumps(row)}\n" for row in rows_of(count))


def validate(folder: Path, name: str, limit: int | None) -> tuple[float, float, int]:
    """Validate a suite over a file; return wall time and time of the processor in seconds, and the peak of the RSS."""
    suite = folder / f"{name}.yaml"
    suite.write_text(SUITE.format(name=name, limit="null" if limit is None else limit), encoding="utf-8")
    start = time.perf_counter()
    with subprocess.Popen([sys.executable, "-c", RUN, "validate", str(suite)], stdout=subprocess.DEVNULL) as process:
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"bench validate ended with {process.returncode}")
    peak = usage.ru_maxrss * (1 if sys.platform == "darwin" else 1024)
    return time.perf_counter() - start, usage.ru_utime + usage.ru_stime, peak


def main() -> int:
    """Run the benchmark."""
    parser = make_parser(__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--limit", type=int, default=1000)
    given = parser.parse_args()
    contract = Contract()
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        write(folder / "small.jsonl", 100)
        _, _, base = validate(folder, "small.jsonl", None)
        for suffix in (".jsonl", ".csv"):
            name = f"large{suffix}"
            write(folder / name, given.rows)
            for limit in (None, given.limit):
                wall_s, processor_s, peak = validate(folder, name, limit)
                what = f"{given.rows:,} rows of {suffix}" + (f", max_examples {limit:,}" if limit else "")
                contract.tell(f"{what}: {wall_s:.1f} s by the clock, {peak / 2**20:.0f} MiB at most")
                contract.hold(f"{what}: seconds of the processor", processor_s, at_most=LIMIT_S)
                contract.hold(f"{what}: bytes beyond 100 rows", peak - base, at_most=LIMIT_BYTES)
    return contract.close(given.json)


if __name__ == "__main__":
    sys.exit(main())
