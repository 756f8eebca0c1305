"""bench against optimum-benchmark on one GPT-2 generation, each in its own Python, and why they differ.

    python benchmarks/peer_optimum.py --peer /path/to/its/venv/bin/python [--size base] [--seconds 10]
    [--threads N]

The peer needs transformers < 5 and so its own virtual environment: `python -m venv peer && peer/bin/pip
install optimum-benchmark 'transformers<5' torch`. Both load the same random weights, read a prompt of the
same number of tokens and write the same number of new ones, with the same number of threads. The peer runs
with `launcher=inline` and with `launcher=process`; bench runs once before and once after, so that a change of
the machine shows.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from contract import make_parser
from random_models import load, make_checkpoint, workload

from bench.measure.machine_doubts import interference_doubts
from bench.measure.passes import latency, subject, warm_up
from bench.measure.profiles import PROFILES
from bench.meters.bundle import open_meters

PROMPT_TOKENS, NEW_TOKENS = 32, 16
SCRIPT = Path(__file__).with_name("optimum_script.py")
SPIN = "while True: pass"
"""What the peer's parent does while it waits for its child."""
SPIN_COST = 1.1
"""Ratio from which the table shows a spinning neighbour: three times the scatter between bench's own rows."""
LOOP = "`while isolated_process.is_alive() and not parent_connection.poll(): pass`"


def main() -> int:
    """Prints the table and the reason; returns 1 when the peer could not be run."""
    options = _options()
    torch.set_num_threads(options.threads)
    print(f"GPT-2 ({options.size}), {PROMPT_TOKENS} prompt tokens, {NEW_TOKENS} new tokens, {options.threads} threads")
    with tempfile.TemporaryDirectory() as folder:
        checkpoint = make_checkpoint(Path(folder), "causal-lm", options.size)
        rows = {"bench": by_bench(checkpoint, options.seconds)}
        for launcher in ("inline", "process"):
            rows[f"optimum-benchmark, {launcher}"] = by_peer(options, launcher, checkpoint, Path(folder))
        with spinning():
            rows["bench beside a spinning process"] = by_bench(checkpoint, options.seconds)
        rows["bench again"] = by_bench(checkpoint, options.seconds)
    base = rows["bench"].median_s
    print(f"{'':34s}{'median':>10s}{'n':>6s}{'ratio':>8s}")
    for name, row in rows.items():
        print(f"{name:34s}{row.median_s * 1e3:7.1f} ms{row.count:6d}{row.median_s / base:8.2f}  {row.doubts}")
    print(reason({name: row.median_s for name, row in rows.items()}))
    return 0


@dataclass(frozen=True, slots=True)
class Row:
    """One measurement of the table."""

    median_s: float
    count: int
    doubts: str = ""
    """What bench says against its own figure."""


@contextmanager
def spinning() -> Iterator[None]:
    """Keeps one core busy."""
    process = subprocess.Popen([sys.executable, "-c", SPIN])
    try:
        yield
    finally:
        process.kill()
        process.wait()


def reason(medians: dict[str, float]) -> str:
    """Returns why the rows differ, as far as this run shows it."""
    inline, process = (medians[f"optimum-benchmark, {launcher}"] for launcher in ("inline", "process"))
    spun = medians["bench beside a spinning process"] / medians["bench"]
    lines = [
        f"With `launcher=process` the peer's parent waits in {LOOP}",
        "(launchers/process/launcher.py) and so keeps a core busy for the whole measurement; bench's parent blocks.",
        f"In this run process ÷ inline is {process / inline:.2f}, and a process that spins beside bench costs it "
        f"{spun:.2f}.",
    ]
    if process / inline > SPIN_COST:
        lines.append("So the peer's own parent slows what it measures: its threads wait for the core that it spins on.")
    elif spun > SPIN_COST:
        lines.append(
            "So a spinning neighbour costs bench; the peer's own loop did not slow it in this run, for no known reason."
        )
    else:
        lines.append("So the spin costs nothing that shows on this machine with this number of threads, today.")
    lines.append(
        "Against `inline` are left: text that bench makes tokens of and back within the timed request and the peer "
        "does not,\nand the two versions of transformers, whose generation loops differ."
    )
    return "\n".join(lines)


def by_bench(checkpoint: Path, seconds: float) -> Row:
    """Returns bench's median latency and what it says against it."""
    made = workload(load(checkpoint, "causal-lm"), "causal-lm", ["x" * PROMPT_TOKENS], NEW_TOKENS)
    profile = replace(PROFILES["standard"], window_s=seconds, min_window_s=seconds)
    meters = open_meters("cpu", "off")
    given = subject(made, profile, meters, 0, 1, 0)
    warm_up(given, 0.0)
    before = meters.interference.snapshot()
    timings = latency(given).timings
    doubts = interference_doubts(meters.interference.since(before), 0)
    written = {timing.output_tokens for timing in timings}
    assert written == {NEW_TOKENS}, f"the model wrote {written} tokens; another seed of random weights is needed"
    median_s = float(np.median([timing.duration_ns for timing in timings])) / 1e9
    return Row(median_s, len(timings), "; ".join(f"[{doubt.code}]" for doubt in doubts))


def by_peer(options: argparse.Namespace, launcher: str, checkpoint: Path, folder: Path) -> Row:
    """Returns the peer's median time of a whole generation in seconds and the number of requests."""
    arguments = [launcher, checkpoint, options.seconds, PROMPT_TOKENS, NEW_TOKENS, options.threads]
    settings = os.environ | {"LOG_LEVEL": "ERROR", "LOG_TO_FILE": "0", "HF_HUB_OFFLINE": "1"}
    settings.pop("PYTHONPATH", None)
    command = [str(options.peer), str(SCRIPT), *map(str, arguments)]
    done = subprocess.run(command, cwd=folder, env=settings, capture_output=True, text=True, check=False)
    lines = [line for line in done.stdout.splitlines() if line.startswith("RESULT ")]
    if not lines:
        sys.exit(f"the peer failed:\n{done.stderr[-3000:]}")
    phases = json.loads(lines[0].removeprefix("RESULT "))
    return _whole(phases)


def _whole(phases: dict[str, list[object]]) -> Row:
    """Returns median and count of prefill and decode together where they are timed apart, else of the
    generation."""
    if "generate" in phases:
        values = np.array(phases["generate"][2], dtype=float)
    else:
        prefill, decode = (np.array(phases[name][2], dtype=float) for name in ("prefill", "decode"))
        count = min(len(prefill), len(decode))
        values = prefill[:count] + decode[:count]
    return Row(float(np.median(values)), len(values))


def _options() -> argparse.Namespace:
    parser = make_parser(__doc__)
    parser.add_argument("--peer", type=Path, required=True)
    parser.add_argument("--size", choices=("small", "base"), default="base")
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
