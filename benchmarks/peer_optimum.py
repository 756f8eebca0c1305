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
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from random_models import load, make_checkpoint, workload

from bench.measure.passes import latency, subject, warm_up
from bench.measure.profiles import PROFILES
from bench.meters.bundle import open_meters

PROMPT_TOKENS, NEW_TOKENS = 32, 16
SCRIPT = Path(__file__).with_name("optimum_script.py")
REASON = """
Why they differ: with `launcher=process` the peer's parent waits for its child in
`while isolated_process.is_alive() and not parent_connection.poll(): pass` (launchers/process/launcher.py),
which keeps one core busy for the whole measurement; on a machine of few cores the child's threads wait for
each other. bench's parent blocks. Against `inline` what is left is tokenising and decoding text, which bench
times and the peer does not, and the different versions of transformers."""


def main() -> int:
    """Prints the table and the reason; returns 1 when the peer could not be run."""
    options = _options()
    torch.set_num_threads(options.threads)
    print(f"GPT-2 ({options.size}), {PROMPT_TOKENS} prompt tokens, {NEW_TOKENS} new tokens, {options.threads} threads")
    with tempfile.TemporaryDirectory() as folder:
        checkpoint = make_checkpoint(Path(folder), "causal-lm", options.size)
        rows = [("bench, before", by_bench(checkpoint, options.seconds))]
        for launcher in ("inline", "process"):
            rows.append((f"optimum-benchmark, {launcher}", by_peer(options, launcher, checkpoint, Path(folder))))
        rows.append(("bench, after", by_bench(checkpoint, options.seconds)))
    base = rows[0][1][0]
    print(f"{'':30s}{'median':>10s}{'n':>6s}{'ratio':>8s}")
    for name, (median_s, count) in rows:
        print(f"{name:30s}{median_s * 1e3:7.1f} ms{count:6d}{median_s / base:8.2f}")
    print(REASON)
    return 0


def by_bench(checkpoint: Path, seconds: float) -> tuple[float, int]:
    """Returns bench's median latency in seconds and the number of requests."""
    made = workload(load(checkpoint, "causal-lm"), "causal-lm", ["x" * PROMPT_TOKENS], NEW_TOKENS)
    profile = replace(PROFILES["standard"], window_s=seconds, min_window_s=seconds)
    given = subject(made, profile, open_meters("cpu", "off"), 0, 1, 0)
    warm_up(given, 0.0)
    timings = latency(given).timings
    written = {timing.output_tokens for timing in timings}
    assert written == {NEW_TOKENS}, f"the model wrote {written} tokens; another seed of random weights is needed"
    return float(np.median([timing.duration_ns for timing in timings])) / 1e9, len(timings)


def by_peer(options: argparse.Namespace, launcher: str, checkpoint: Path, folder: Path) -> tuple[float, int]:
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


def _whole(phases: dict[str, list[object]]) -> tuple[float, int]:
    """Returns median and count of prefill and decode together where they are timed apart, else of the
    generation."""
    if "generate" in phases:
        values = np.array(phases["generate"][2], dtype=float)
    else:
        prefill, decode = (np.array(phases[name][2], dtype=float) for name in ("prefill", "decode"))
        count = min(len(prefill), len(decode))
        values = prefill[:count] + decode[:count]
    return float(np.median(values)), len(values)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--peer", type=Path, required=True)
    parser.add_argument("--size", choices=("small", "base"), default="base")
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
