"""Where the networks lie that other runtimes execute: one folder each, by the identity of all that it is made from."""

from __future__ import annotations

from pathlib import Path

from bench.candidates.runtime import Wanted
from bench.candidates.runtimes import RUNTIMES
from bench.digest import content_hash
from bench.planning.forms import SEPARATOR
from bench.suite import CellJob

CONVERSIONS_FOLDER = "conversions"
"""Under the results folder, beside the fitted checkpoints."""
CONVERSION_VERSION = 1
"""Raised when bench converts otherwise than before."""


def artifact_of(job: CellJob, wanted: Wanted, weights: str, results: Path) -> str | None:
    """Choose the folder of a candidate's converted network; None where torch reads the checkpoint itself.

    Args:
        job: of one of its cells.
        wanted: what it needs.
        weights: what identifies the weights.
        results: the results folder.
    """
    runtime = RUNTIMES[job.variant.runtime]
    if not runtime.converts or not wanted.family.executable:
        return None
    made_from = {
        "version": CONVERSION_VERSION,
        "weights": weights,
        "family": job.model.family,
        "head_labels": job.model.head_labels,
        "role": wanted.role,
        "variant": job.variant.model_dump(mode="json", exclude_defaults=True),
        "release": runtime.release,
    }
    model = job.model.name.partition(SEPARATOR)[0]  # prompts share one network
    name = f"{model}-{job.variant.label}-{content_hash(made_from)[:12]}"
    return str(results.resolve() / CONVERSIONS_FOLDER / name)
