"""Claim: MiniLM fine-tuned on `pydocs` beats the majority baseline by a wide margin and a linear probe by some.

The task is the embedded suite `pretrained`'s: which package of Python's standard library a docstring is from. The
probe is scikit-learn's logistic regression on MiniLM's frozen embeddings (mean over real tokens), its strength of
regularisation chosen on the validation split; the fine-tuned model is the suite's own recipe, which keeps the step with
the best validation loss. Both learn from the same rows and are scored on all test rows. Needs the package of
`make pretrained`.

    python benchmarks/probe.py [--results results] [--steps N] [--rate R] [--threads 2]

A checkpoint that `bench run pretrained` fitted by the same recipe in the results folder is taken as it is; else, or
with other steps or another rate, it is trained now. It prints the three accuracies with Wilson intervals, and the
paired difference of fine-tuning and probe.
"""

from __future__ import annotations

import tempfile
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from contract import make_parser
from sklearn.linear_model import LogisticRegression
from transformers import AutoModel, AutoTokenizer

from bench.candidates import FAMILIES
from bench.candidates.checkpoint import locate
from bench.candidates.interface import Context
from bench.data.base import Example
from bench.fit.job import FitJob, read_provenance
from bench.fit.session import fit
from bench.planning import open_suite
from bench.planning.data import Data
from bench.planning.fits import make_job
from bench.stats.proportion import wilson
from bench.suite import ModelSpec, VariantSpec

STRENGTHS = (0.1, 1.0, 10.0, 100.0)
"""Of scikit-learn's C."""
BATCH = 32
REPLICATES = 5000


@torch.inference_mode()
def embed(examples: tuple[Example, ...], folder: Path, tokens: int) -> np.ndarray:
    """Returns the mean of the last hidden states over real tokens, shape (examples, width)."""
    tokenizer, net = AutoTokenizer.from_pretrained(folder), AutoModel.from_pretrained(folder).eval()
    texts = [str(example.columns["text"]) for example in examples]
    rows: list[np.ndarray] = [np.empty(0)] * len(texts)
    order = sorted(range(len(texts)), key=lambda place: len(texts[place]))
    for at in range(0, len(order), BATCH):
        part = order[at : at + BATCH]
        asked = [texts[place] for place in part]
        read = tokenizer(asked, padding=True, truncation=True, max_length=tokens, return_tensors="pt")
        mask = read["attention_mask"].unsqueeze(-1)
        means = (net(**read).last_hidden_state * mask).sum(1) / mask.sum(1)
        for place, row in zip(part, means.numpy(), strict=True):
            rows[place] = row
    return np.stack(rows)


def probe(job: FitJob, folder: Path, test: tuple[Example, ...]) -> tuple[np.ndarray, float]:
    """Returns what the probe gets right of the test split, and the strength that was chosen."""
    task, tokens = job.tasks[0], job.recipe.max_source_tokens
    splits = (task.train.examples, task.validation.examples, test)
    train, held, scored = (embed(part, folder, tokens) for part in splits)
    labels = [[example.columns["label"] for example in part] for part in splits]
    tried = [LogisticRegression(C=strength, max_iter=2000).fit(train, labels[0]) for strength in STRENGTHS]
    best = max(tried, key=lambda one: one.score(held, labels[1]))
    return (best.predict(scored) == np.array(labels[2])).astype(float), float(best.C)


def tuned(job: FitJob, test: tuple[Example, ...]) -> np.ndarray:
    """Returns what the fine-tuned model gets right of the test split."""
    labels, tokens = job.tasks[0].labels, job.recipe.max_source_tokens
    spec = ModelSpec(name="tuned", family="encoder", checkpoint=str(job.output))
    context = Context("cpu", "classify", labels, labels, max_input_tokens=tokens)
    model: Any = FAMILIES["encoder"].load(spec, VariantSpec(), context)
    right = []
    for at in range(0, len(test), BATCH):
        part = test[at : at + BATCH]
        for example, answer in zip(part, model.classify([str(e.columns["text"]) for e in part]), strict=True):
            right.append(labels[max(range(len(labels)), key=answer.scores.__getitem__)] == example.columns["label"])
    return np.array(right, float)


def fitted(job: FitJob) -> Mapping[str, Any] | None:
    """Returns the provenance of the checkpoint where the job would put it, if it is that of this very job."""
    found = read_provenance(job.output)
    return found if found is not None and found.get("fit_id") == job.id else None


def show(name: str, right: np.ndarray) -> None:
    """Prints an accuracy with its interval."""
    low, high = wilson(int(right.sum()), len(right)) or (float("nan"), float("nan"))
    print(f"{name:<12} {right.mean():.4f}  95 % [{low:.4f}, {high:.4f}]", flush=True)


def main() -> None:
    parser = make_parser(__doc__)
    parser.add_argument("--results", type=Path, help="results folder whose fitted checkpoint is taken")
    parser.add_argument("--steps", type=int, help="of the fine-tuning, if not the recipe's")
    parser.add_argument("--rate", type=float, help="its highest learning rate, if not the recipe's")
    parser.add_argument("--threads", type=int, default=2)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    began = time.perf_counter()
    located = open_suite("pretrained")
    model = next(one for one in located.value.models if one.name == "minilm")
    task = next(one for one in located.value.tasks if one.name == "package")
    data = Data(located)
    with tempfile.TemporaryDirectory() as scratch:
        asked = {"steps": arguments.steps, "learning_rate": arguments.rate}
        changes = {name: value for name, value in asked.items() if value is not None}
        place = Path(scratch) if changes or arguments.results is None else arguments.results
        job = replace(make_job(located, model, data, place), threads=arguments.threads, device="cpu")
        job = replace(job, recipe=job.recipe.model_copy(update=changes))
        test = data.split(task, "test", None).examples
        train = Counter(str(example.columns["label"]) for example in job.tasks[0].train.examples)
        most = train.most_common(1)[0][0]
        print(f"{train.total()} training rows, {len(test)} test rows, {len(train)} labels")
        show("majority", np.array([float(example.columns["label"] == most) for example in test]))
        folder = locate(str(job.model.checkpoint), located.path.parent).folder
        assert folder is not None
        linear, strength = probe(job, folder, test)
        show("linear probe", linear)
        provenance = fitted(job) or fit(
            job, lambda line: print("   ", line, flush=True) if "validation" in line else None
        )
        whole = tuned(job, test)
        show("fine-tuned", whole)
    apart = whole - linear
    drawn = apart[np.random.default_rng(0).integers(0, len(apart), (REPLICATES, len(apart)))].mean(1)
    low, high = np.percentile(drawn, [2.5, 97.5])
    print(f"fine-tuned - probe (C = {strength:g}): {apart.mean():+.4f}, paired 95 % [{low:+.4f}, {high:+.4f}]")
    print(f"fine-tuning took {provenance['cost']['wall_s']:.0f} s; this script {time.perf_counter() - began:.0f} s")


if __name__ == "__main__":
    main()
