"""Claim: the in-house Transformer learns `waybills` translation in minutes, and a SIGKILL changes nothing.

Trains a network of two layers each of width 64 from scratch, twice with one recipe: once undisturbed, once killed with
SIGKILL at about half of the steps and started again. Prints the minutes of the clock and of the processor, BLEU on the
test split beside that of copying the source, and the hashes of both checkpoints, which must be the same: exit code 1
where they are not.

    python benchmarks/learn.py [--steps 1200] [--threads 2] [--examples 200]
"""

from __future__ import annotations

import os
import pickle
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import sacrebleu
from contract import Contract, make_parser

from bench.candidates import FAMILIES
from bench.candidates.checkpoint import files_hash
from bench.candidates.interface import Context, Decoding
from bench.data.base import Example
from bench.fit.job import FitJob, read_provenance
from bench.planning import fit_jobs, open_suite
from bench.planning.data import Data
from bench.suite import ModelSpec, VariantSpec
from bench.tasks.prompts import render

SUITE = """
name: learn
defaults: {{device: cpu, threads: {threads}}}
models:
  - {{name: ours, family: transformer, fit: {{recipe: recipe.yaml}}}}
tasks:
  - name: german
    kind: translation
    data: {{builtin: waybills, columns: {{source: text, target: german}}}}
    max_new_tokens: 140
    prompt: {{transformer: "{{source}}"}}
"""
RECIPE = """
start: scratch
architecture: {{layers: 2, d_model: 64, heads: 4, d_ff: 256, max_length: 256, vocab_size: 1024}}
steps: {steps}
batch_tokens: 3072
learning_rate: 4.0e-3
warmup_steps: {warmup}
evaluate_every: {quarter}
save_every: {quarter}
max_validation_examples: 200
"""
BATCH = 32


def train(job: FitJob, folder: Path, kill_at: int | None) -> bool:
    """Runs a fit in a process of its own; kills it once `kill_at` steps are done. Returns whether it was killed."""
    pickled = folder / "job.pickle"
    pickled.write_bytes(pickle.dumps(job))
    command = [sys.executable, "-m", "bench.fit.session", str(pickled)]
    child = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=dict(os.environ))
    assert child.stderr is not None
    said, killed = [], False
    for line in child.stderr:
        said.append(line)
        words = line.split()
        if words[:1] in (["step"], ["resumed"]):
            print("   ", line.rstrip(), flush=True)
        if kill_at is not None and words[:1] == ["step"] and int(words[1].partition("/")[0]) >= kill_at:
            child.send_signal(signal.SIGKILL)
            killed = True
            break
    child.stderr.close()
    if child.wait() and not killed:
        raise SystemExit("".join(said[-20:]))
    return killed


def translate(job: FitJob, examples: tuple[Example, ...]) -> float:
    """Returns the checkpoint's BLEU (sacrebleu, 0 to 100)."""
    spec = ModelSpec(name="ours", family="transformer", checkpoint=str(job.output))
    model: Any = FAMILIES["transformer"].load(spec, VariantSpec(), Context("cpu", "generate"))
    answers: list[str] = []
    for at in range(0, len(examples), BATCH):
        asked = [render(job.tasks[0].template, example.columns) for example in examples[at : at + BATCH]]
        answers.extend(answer.text for answer in model.generate(asked, Decoding(140)))
    return bleu(answers, examples)


def bleu(answers: list[str], examples: tuple[Example, ...]) -> float:
    """Returns sacrebleu's BLEU, 0 to 100."""
    return float(sacrebleu.corpus_bleu(answers, [[str(e.columns["target"]) for e in examples]]).score)


def _processor_s() -> float:
    """Returns the processor time of all children that have ended, in seconds."""
    found = os.times()
    return found.children_user + found.children_system


def main() -> None:
    parser = make_parser(__doc__)
    parser.add_argument("--steps", type=int, default=1200)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--examples", type=int, default=200, help="of the test split, for BLEU")
    arguments = parser.parse_args()
    quarter = max(arguments.steps // 4, 1)
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        (folder / "suite.yaml").write_text(SUITE.format(threads=arguments.threads))
        recipe = RECIPE.format(steps=arguments.steps, quarter=quarter, warmup=min(100, arguments.steps // 10))
        (folder / "recipe.yaml").write_text(recipe)
        located = open_suite(str(folder / "suite.yaml"))
        whole = fit_jobs(located, folder, output=folder / "whole")[0]
        began, used = time.perf_counter(), _processor_s()
        train(whole, folder, None)
        minutes, used = (time.perf_counter() - began) / 60, (_processor_s() - used) / 60
        test = Data(located).split(located.value.tasks[0], "test", arguments.examples).examples
        copied = bleu([str(example.columns["source"]) for example in test], test)
        print(
            f"undisturbed: {minutes:.1f} min ({used:.1f} min of processor time), BLEU {translate(whole, test):.1f} on "
            f"{len(test)} test notes; copying the source has {copied:.1f}",
            flush=True,
        )
        cut = fit_jobs(located, folder, output=folder / "cut")[0]
        kill_at = arguments.steps // 2 + arguments.steps // 20  # some steps after the state of the half, which are lost
        killed = train(cut, folder, kill_at)
        print(f"killed with SIGKILL after step {kill_at}: {killed}", flush=True)
        train(cut, folder, None)
        hashes = files_hash(whole.output), files_hash(cut.output)
        curves = [(read_provenance(job.output) or {})["loss_curve"] for job in (whole, cut)]
    contract = Contract()
    contract.tell(f"loss curves the same: {curves[0] == curves[1]}")
    contract.require("the training was killed", bool(killed))
    contract.require("the resumed weights are the same", hashes[0] == hashes[1], " and ".join(h[:16] for h in hashes))
    raise SystemExit(contract.close(arguments.json))


if __name__ == "__main__":
    main()
