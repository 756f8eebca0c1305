"""Claim: a small encoder that learns freight notes from a teacher's scores beats the same encoder without a teacher.

The student is a one-layer BERT of width 32, from scratch; the teacher the quickstart's bert-large, trained on all of
`waybills`' training split. Three arms, the same seed, steps and batch size in each:

    alone    a thousand notes with their labels
    taught   the very same notes, with the teacher's scores for labels (`--alpha` mixes both)
    texts    the teacher's scores alone, on more notes whose labels the student never sees: what a team has that owns
             many texts and few labels

    python benchmarks/distil.py [--seeds 3] [--steps 1200] [--examples 1000] [--texts 4000]

Scored on the test split, which neither the arms nor these settings have seen. It prints each seed's accuracies, and
for `taught` and `texts` the mean difference from `alone` with two intervals: of the examples (bootstrap, the seeds
averaged) and of the seeds (Student's t; three seeds make it wide). It says so where an arm does not win.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path

import numpy as np
from contract import make_parser
from scipy.stats import t as student_t

from bench.candidates import FAMILIES
from bench.candidates.interface import Context
from bench.fit.session import fit
from bench.host.package import embedded_folder
from bench.planning import fit_jobs, open_suite
from bench.planning.data import Data
from bench.suite import ModelSpec, VariantSpec
from bench.tasks.prompts import render

SUITE = """
name: distil
defaults: {{device: cpu, threads: {threads}}}
models:
  - {{name: teacher, family: encoder, checkpoint: "{teacher}"}}
  - {{name: alone, family: encoder, fit: {{recipe: recipe.yaml}}}}
  - {{name: taught, family: encoder, fit: {{recipe: recipe.yaml, teacher: teacher}}}}
  - {{name: texts, family: encoder, fit: {{recipe: texts.yaml, teacher: teacher}}}}
tasks:
  - name: status
    kind: classification
    data: {{builtin: waybills, columns: {{label: status}}}}
    labels: [on_time, early, delayed, damaged, lost, customs_hold]
"""
RECIPE = """
start: scratch
architecture: {{layers: 1, d_model: 32, heads: 2, d_ff: 64, max_length: 256, vocab_size: 1024}}
max_train_examples: {examples}
steps: {steps}
batch_tokens: 4096
learning_rate: {rate}
warmup_steps: 20
evaluate_every: 50
save_every: 100000
max_validation_examples: 300
temperature: {temperature}
alpha: {alpha}
seed: {seed}
"""
REPLICATES = 5000


def score(folder: Path, split: str) -> np.ndarray:
    """Returns for each example of the split whether the checkpoint's label is right."""
    located = open_suite(str(folder.parent / "suite.yaml"))
    data = Data(located)
    task = located.value.tasks[0]
    examples, labels = data.split(task, split, None).examples, data.labels(task)
    spec = ModelSpec(name="scored", family="encoder", checkpoint=str(folder))
    model = FAMILIES["encoder"].load(spec, VariantSpec(), Context("cpu", "classify", labels, labels))
    right = []
    for at in range(0, len(examples), 32):
        part = examples[at : at + 32]
        for example, answer in zip(part, model.classify([render("{text}", e.columns) for e in part]), strict=True):
            best = max(range(len(labels)), key=answer.scores.__getitem__)
            right.append(labels[best] == example.columns["label"])
    return np.array(right, float)


def arms(options: argparse.Namespace, seed: int, folder: Path) -> dict[str, np.ndarray]:
    """Trains the three arms with one seed; returns what each gets right."""
    teacher = embedded_folder() / "quickstart" / "bert-large"
    folder.mkdir()
    (folder / "suite.yaml").write_text(SUITE.format(threads=options.threads, teacher=teacher))
    said = vars(options) | {"seed": seed}
    (folder / "recipe.yaml").write_text(RECIPE.format(**said))
    (folder / "texts.yaml").write_text(RECIPE.format(**said | {"examples": options.texts, "alpha": 1.0}))
    found = {}
    for job in fit_jobs(open_suite(str(folder / "suite.yaml")), folder, output=folder):
        fit(job, lambda _: None)
        found[job.model.name] = score(job.output, options.split)
    return found


def main() -> None:
    parser = make_parser(__doc__)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--first-seed", type=int, default=1)
    parser.add_argument("--steps", type=int, default=1200)
    parser.add_argument("--examples", type=int, default=1000)
    parser.add_argument("--texts", type=int, default=4000)
    parser.add_argument("--rate", type=float, default=2e-3)
    parser.add_argument("--temperature", type=float, default=2.0)
    parser.add_argument("--alpha", type=float, default=1.0)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--split", default="test", help="the scored split; settings: seed 101 on 'validation'")
    arguments = parser.parse_args()
    began, seeds = time.perf_counter(), range(arguments.first_seed, arguments.first_seed + arguments.seeds)
    differences: dict[str, list[np.ndarray]] = {"taught": [], "texts": []}
    with tempfile.TemporaryDirectory() as scratch:
        for seed in seeds:
            found = arms(arguments, seed, Path(scratch) / str(seed))
            for name, rows in differences.items():
                rows.append(found[name] - found["alone"])
            shown = ", ".join(f"{name} {right.mean():.4f}" for name, right in found.items())
            print(f"seed {seed}: {shown}  ({len(found['alone'])} examples)", flush=True)
    for name, rows in differences.items():
        report(name, np.array(rows))
    print(f"{time.perf_counter() - began:.0f} s")


def report(name: str, differences: np.ndarray) -> None:
    """Prints the mean difference and both intervals; `differences` has the shape (seeds, examples)."""
    mean, per_seed = float(differences.mean()), differences.mean(1)
    averaged = differences.mean(0)
    drawn = averaged[np.random.default_rng(0).integers(0, len(averaged), (REPLICATES, len(averaged)))].mean(1)
    low, high = np.percentile(drawn, [2.5, 97.5])
    print(f"{name} - alone: mean {mean:+.4f}; over examples 95 % [{low:+.4f}, {high:+.4f}]")
    sure = True
    if len(per_seed) > 1:
        half = float(student_t.ppf(0.975, len(per_seed) - 1)) * per_seed.std(ddof=1) / len(per_seed) ** 0.5
        print(f"    over {len(per_seed)} seeds 95 % [{mean - half:+.4f}, {mean + half:+.4f}]")
        sure = mean - half > 0
    if not (low > 0 and bool((per_seed > 0).all())):
        print("    NOT shown to be better")
    else:
        print(
            "    better with every seed" + ("" if sure else "; these are too few to bound what another seed would give")
        )


if __name__ == "__main__":
    main()
