"""Model memory against known allocations: what a candidate takes, what bench reads, and what other counts would say.

python benchmarks/memory.py [--mib 256]

Four candidates of known size go through `bench run`: an array, a tensor that is freed again in every request, weights
that are mapped from their file, and one that takes twice its size while it loads. Wanted: `model_memory_bytes` within
2 % and 4 MiB of what was allocated (the small change is bench's own timings and answers). Beside it stand what the
resident set says: its growth, which has the code of libraries in it, and its peak, which has all of torch in it.
"""

from __future__ import annotations

import csv
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from contract import Contract, make_parser

MIB = 1024**2
SHARE, SLACK_MIB = 0.02, 4.0
"""2 % for what allocators round up, and 4 MiB for what bench itself keeps of each request."""
CLASSES = {"empty": (0, 0), "array": (1, 1), "freed": (1, 0), "mapped": (1, 1), "twice": (1, 2)}
"""How many times the size each takes while it serves, and while it loads."""
MODULE = '''
import mmap
import os
from pathlib import Path

import numpy as np
import torch

MIB = 1024**2


class Known:
    """Takes so much memory, in its own way."""

    def __init__(self, how, mib):
        self.how, self.mib = how, mib
        if how == "array":
            self.weights = np.ones(mib * MIB, dtype=np.uint8)
        elif how == "twice":
            checkpoint = np.ones(mib * MIB, dtype=np.uint8)
            self.weights = checkpoint.copy()
        elif how == "mapped":
            self.file = Path(__file__).with_name("weights.bin").open("rb")
            self.weights = mmap.mmap(self.file.fileno(), 0, prot=mmap.PROT_READ)
            sum(self.weights[::4096])

    def classify(self, texts, labels):
        if self.how == "freed":
            torch.ones(self.mib * MIB, dtype=torch.uint8)
        return [[float(label in text) for label in labels] for text in texts]


def build(how, mib):
    return Known(how, mib)
'''
SUITE = """\
name: memory
defaults: {{device: cpu, threads: 1}}
models:
{models}
tasks:
  - {{name: topic, kind: classification, data: {{path: topic.jsonl}}}}
measure: {{profile: quick, window_s: 0.3, energy: "off"}}
objectives: [quality, latency_p50_s, model_memory_bytes]
"""


def write_suite(folder: Path, mib: int) -> None:
    (folder / "known.py").write_text(MODULE)
    (folder / "weights.bin").write_bytes(bytes(mib * MIB))
    models = [
        f'  - {{name: {how}, family: torch-module, factory: "known:build", options: {{how: {how}, mib: {mib}}}}}'
        for how in CLASSES
    ]
    (folder / "suite.yaml").write_text(SUITE.format(models="\n".join(models)))
    rows = [{"text": f"{label} {index}", "label": label} for index in range(10) for label in ("red", "green")]
    (folder / "topic.jsonl").write_text("\n".join(map(json.dumps, rows)))


def facts_of(folder: Path) -> dict[tuple[str, str], float]:
    """Run the suite, and return its facts in MiB by candidate and name."""
    bench, environment = [sys.executable, "-m", "bench"], dict(os.environ) | {"OMP_NUM_THREADS": "1"}
    for command in (["run", "suite.yaml"], ["export", "latest", "-o", "out"]):
        subprocess.run([*bench, *command], cwd=folder, check=True, stdout=subprocess.DEVNULL, env=environment)
    with (folder / "out" / "facts.csv").open(newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["unit"] == "bytes" and row["value"]]
    return {(row["model"], row["name"]): float(row["value"]) / MIB for row in rows}


def main() -> int:
    parser = make_parser(__doc__)
    parser.add_argument("--mib", type=int, default=256, help="size of the known allocations; default: %(default)s")
    arguments = parser.parse_args()
    contract = Contract()
    with tempfile.TemporaryDirectory() as place:
        write_suite(Path(place), arguments.mib)
        facts = facts_of(Path(place))
    contract.tell(f"{'MiB':8} {'serving':>8} {'loading':>8} {'added RSS':>10} {'peak RSS':>9}")
    names = ("model_memory_bytes", "model_load_memory_bytes", "added_rss_bytes", "peak_rss_bytes")
    for how in CLASSES:
        contract.tell(
            f"{how:8} " + " ".join(f"{facts[how, name]:{w}.1f}" for name, w in zip(names, (8, 8, 10, 9), strict=True))
        )
    for how, times in CLASSES.items():
        for name, factor in zip(names[:2], times, strict=True):
            known = factor * arguments.mib
            off = abs(facts[how, name] - known)
            contract.hold(f"{how}, {name}: off by MiB of {known}", off, at_most=SHARE * known + SLACK_MIB)
    return contract.close(arguments.json)


if __name__ == "__main__":
    sys.exit(main())
