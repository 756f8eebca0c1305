"""Doubts that only the worker can see: of the data, cut inputs, an old checkpoint, answers and loads taken over."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from bench.catalogue.readings import DEFAULT_METRICS
from bench.data.base import Dataset
from bench.data.doubts import data_doubts
from bench.record import Cell, Doubt, Sample

MANY = 0.01
"""Share of answers at the limit from which it is said: fewer move a metric by less than it varies."""


def own_doubts(cell: Cell, data: Dataset, samples: list[Sample], process: int, notes: Mapping[str, Any]) -> list[Doubt]:
    """Returns doubts that only this module can see: of the data, cut inputs and answers, prompts, a checkpoint older
    than its recipe; `notes` are those of the loaded model."""
    job = cell.to_run()
    metrics = tuple(job.task.metrics or DEFAULT_METRICS[cell.kind])
    doubts = data_doubts(data.notes, job.train_overlap, len(data.examples), metrics) if samples else []
    doubts += _cut_inputs(samples, metrics, process)
    doubts += _at_the_limit(job.task.max_new_tokens, samples, notes.get("max_new_tokens"), metrics, process)
    doubts += unasked_prompts(notes, process)
    if "@None" in str(cell.identity.get("weights")):
        doubts.append(
            Doubt(
                "unpinned_revision",
                "the suite names no 'revision' of the Hub's model, so that one changed there is taken for the same",
                "give the commit as 'revision' (the record's notes hold the one that was loaded)",
                (),
                process,
            )
        )
    if job.stale_checkpoint:
        doubts.append(
            Doubt(
                "stale_checkpoint",
                "the checkpoint was made by another version of its recipe, from other training data, or by none",
                "run 'bench fit' for this model to make it again",
                (),
                process,
            )
        )
    return doubts


def _cut_inputs(samples: Sequence[Sample], metrics: tuple[str, ...], process: int) -> list[Doubt]:
    cut = sum(sample.truncated for sample in samples)
    if not cut:
        return []
    message = f"{cut} of {len(samples)} inputs are longer than the model reads, and were cut"
    remedy = "take a model with a longer context, or shorten the inputs; compare with care"
    return [Doubt("truncated_inputs", message, remedy, metrics, process)]


def _at_the_limit(
    asked: int, samples: Sequence[Sample], most_new: int | None, metrics: tuple[str, ...], process: int
) -> list[Doubt]:
    """Returns the doubt that answers stopped because they may not be longer, and not because they were complete."""
    limit = min(asked, most_new or asked)
    full = sum(0 < limit <= sample.output_tokens for sample in samples)
    if full < max(1.0, MANY * len(samples)):
        return []
    allows = f"'max_new_tokens: {limit}' allows" if limit == asked else f"the model writes, {limit} tokens"
    message = f"{full} of {len(samples)} answers are as long as {allows}, and may be cut short"
    raised = "raise 'max_new_tokens'" if limit == asked else "take a model that writes more"
    remedy = f"{raised}, or give what ends an answer as 'stop'"
    return [Doubt("outputs_at_limit", message, remedy, metrics, process)]


def unasked_prompts(notes: Mapping[str, Any], process: int) -> list[Doubt]:
    """Returns the doubt that the suite asks for a chat template and the model's tokenizer has none."""
    if process or notes.get("chat_template", True):
        return []
    message = "the suite asks for a chat template and the tokenizer has none, so that prompts were given as they are"
    remedy = "take the model's chat version, or leave 'chat_template' out"
    return [Doubt("no_chat_template", message, remedy, (), process)]


def taken_over(samples: Sequence[Sample], run: str | None, process: int, *, measures: bool) -> list[Doubt]:
    """Returns the doubt about answers of an earlier run."""
    if run is None or not samples:
        return []
    if not measures:
        message = f"the answers are those of run {run}, whose cell was measured too; nothing was scored again"
        return [Doubt("answers_reused", message, "run with --rerun to score again", (), process)]
    message = f"the answers are those of run {run}, scored here without measuring; the peak leaves scoring out"
    remedy = "run with --rerun to score again in the measured process"
    return [Doubt("answers_reused", message, remedy, ("peak_", "added_rss"), process)]
