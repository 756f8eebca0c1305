"""Twelve nights of a small suite in a row, then one with a slower model and one with a worse one: what the gate says.

    python benchmarks/nights.py [--nights 12] [--folder DIR] [--most N]

With `--folder` and `--most N` a call runs N nights at most, and the same command goes on where the last one stopped.

Every night is a real `bench nightly` in a process of its own. The nights are the same model and data, so that a
regression among them is a false alarm. Then `worked` does 10 % more equal work a request, and, in another night,
`ours` has noise on its weights. Both are compared with the last of the quiet nights, by its tag. Ends with code 0 when
no quiet night fails and both changes are caught and named.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

import torch
from contract import Contract, make_parser
from safetensors.torch import load_file, save_file

QUICKSTART = Path(__file__).parents[1] / "suites" / "quickstart"
WORK, MORE_WORK = 100, 110
"""Matrix products a request: 10 % more of the same."""
NOISE = 0.5
"""Standard deviations of each tensor that are added to it."""
MODULE = '''
"""A model whose cost is known: so many equal matrix products a request."""
import torch


class Worked(torch.nn.Module):
    def __init__(self, work):
        super().__init__()
        self.work = work
        self.weight = torch.nn.Parameter(torch.eye(192))

    def classify(self, texts, labels):
        state = torch.ones(32, 192)
        for _ in range(self.work * len(texts)):
            state = state @ self.weight
        return [[float(label.split("_")[0] in text) for label in labels] for text in texts]


def build(work):
    return Worked(work)
'''
SUITE = """\
name: nights
description: Does the gate pass nights that are the same, and catch a slower and a worse model?
defaults: {{device: cpu, threads: 1, batch_size: 32, max_examples: 200, timeout_s: 60}}
models:
  - {{name: bert, family: encoder, checkpoint: {bert}}}
  - {{name: ours, family: transformer, checkpoint: {ours}}}
  - {{name: worked, family: torch-module, factory: "worked:build", options: {{work: {work}}}}}
tasks:
  - name: status
    kind: classification
    data: {{builtin: waybills, columns: {{label: status}}}}
    metrics: [accuracy, macro_f1]
    labels: [on_time, early, delayed, damaged, lost, customs_hold]
measure: {{profile: quick, energy: "off"}}
objectives: [quality, latency_p50_s, peak_memory_bytes]
"""


def main() -> int:
    parser = make_parser(__doc__)
    parser.add_argument("--nights", type=int, default=12)
    parser.add_argument("--folder", type=Path, help="Keep suite, results and pages here.")
    parser.add_argument("--most", type=int, default=1000, help="Nights of this call; needs --folder to go on.")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = (arguments.folder or Path(temporary)).resolve()
        prepare(folder)
        todo = Todo(folder, arguments.most)
        quiet = [todo.night("quiet.yaml", f"quiet {number + 1}") for number in range(arguments.nights)]
        subprocess.run([*BENCH, "tag", quiet[-1]["run_id"], "good"], cwd=folder, check=True, stdout=subprocess.DEVNULL)
        changed = {
            "worked": todo.night("slower.yaml", "slower", "--baseline", "tag:good"),
            "ours": todo.night("worse.yaml", "worse", "--baseline", "tag:good"),
        }
        contract = Contract()
        conclude(contract, quiet, changed, todo.wall_s, folder if arguments.folder else None)
        return contract.close(arguments.json)


BENCH = [sys.executable, "-m", "bench"]


def prepare(folder: Path) -> None:
    """Writes the module, the weights with and without noise, and the three suites."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "worked.py").write_text(MODULE)
    ours = QUICKSTART / "ours-small"
    noisy = folder / "ours-noisy"
    shutil.copytree(ours, noisy, dirs_exist_ok=True)
    torch.manual_seed(0)
    weights = load_file(ours / "model.safetensors")
    noised = {k: v + NOISE * v.std() * torch.randn_like(v) if v.dim() > 1 else v for k, v in weights.items()}
    save_file(noised, noisy / "model.safetensors", metadata={"format": "pt"})
    bert = QUICKSTART / "bert-small"
    suites = {"quiet": (ours, WORK), "slower": (ours, MORE_WORK), "worse": (noisy, WORK)}
    for name, (weights_of_ours, work) in suites.items():
        (folder / f"{name}.yaml").write_text(SUITE.format(bert=bert, ours=weights_of_ours, work=work))


class Todo:
    """The nights in their order: those of earlier calls are read, the others are run, so many as a call may."""

    def __init__(self, folder: Path, most: int) -> None:
        self.folder, self.left, self.wall_s = folder, most, 0.0
        self.kept = folder / "nights.json"
        self.done: dict[str, Any] = json.loads(self.kept.read_text()) if self.kept.exists() else {}

    def night(self, suite: str, name: str, *arguments: str) -> dict[str, Any]:
        """Returns a night's JSON."""
        if name not in self.done:
            if self.left == 0:
                raise SystemExit(f"{len(self.done)} nights are done; the same command goes on with '{name}'")
            self.left -= 1
            started = time.perf_counter()
            found = night(self.folder, suite, name, *arguments)
            self.done[name] = found | {"wall_s": time.perf_counter() - started}
            self.kept.write_text(json.dumps(self.done))
        self.wall_s += float(self.done[name]["wall_s"])
        return dict(self.done[name])


def night(folder: Path, suite: str, name: str, *arguments: str) -> dict[str, Any]:
    """Runs a night and returns its JSON."""
    started = time.perf_counter()
    command = [*BENCH, "nightly", suite, "--json", *arguments]
    path = os.pathsep.join(filter(None, (str(folder), os.environ.get("PYTHONPATH"))))
    ran = subprocess.run(
        command, cwd=folder, capture_output=True, text=True, check=False, env=os.environ | {"PYTHONPATH": path}
    )
    if not ran.stdout.startswith("{"):
        raise SystemExit(f"{' '.join(command)} ended with {ran.returncode}:\n{ran.stderr}")
    found: dict[str, Any] = json.loads(ran.stdout)
    print(f"{name:10} exit {ran.returncode}  {time.perf_counter() - started:5.1f} s  {found['sentence']}", flush=True)
    return found


def regressed(found: dict[str, Any]) -> list[tuple[str, str]]:
    """Returns model and reading of what the gate failed."""
    lines = (found["gate"] or {"lines": []})["lines"]
    return [(line["model"], line["reading"]) for line in lines if line["verdict"] == "regressed"]


def conclude(
    contract: Contract,
    quiet: list[dict[str, Any]],
    changed: dict[str, dict[str, Any]],
    wall_s: float,
    kept: Path | None,
) -> None:
    failed = [one for one in quiet if one["exit_code"]]
    verdicts = Counter(one["verdict"] for one in quiet)
    told = ", ".join(f"{count} {verdict}" for verdict, count in verdicts.items())
    contract.hold("quiet nights that failed", len(failed), at_most=0, shown=f"{len(failed)} of {len(quiet)}; {told}")
    for model, found in changed.items():
        named = regressed(found)
        hit = any(name == model for name, _ in named)
        wrong = sorted({name for name, _ in named} - {model})
        readings = ", ".join(reading for name, reading in named if name == model)
        shown = (f"caught: {readings}" if hit else "missed") + (f"; wrongly named: {', '.join(wrong)}" if wrong else "")
        contract.require(model, hit and not wrong, shown)
    print(
        f"{wall_s:.0f} s for {len(quiet) + len(changed)} nights" + (f"; pages: {kept}/results/nightly" if kept else "")
    )


if __name__ == "__main__":
    sys.exit(main())
