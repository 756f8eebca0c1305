"""The job of one cell: all that a worker needs to run it, and nothing that it must look up.

Planning makes it from the suite, an executor hands it to a worker, the store keeps it as JSON. It is parsed where JSON
comes in (`CellJob.from_json`) and nowhere else.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from bench.suite.load import LoadSpec
from bench.suite.prompting import Shot
from bench.suite.spec import DEFAULT_BATCH_SIZE, BatchSize, MeasureSpec, ModelSpec, TaskSpec, VariantSpec

Provenance = dict[str, Any]
"""What made a fitted checkpoint, as its `provenance.json` says, without the curves."""


class CellJob(BaseModel):
    """One model variant on one task, resolved: paths are absolute, prompts and labels are chosen."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    model: ModelSpec
    """With an absolute checkpoint where it has one."""
    variant: VariantSpec = VariantSpec()
    task: TaskSpec
    measure: MeasureSpec = MeasureSpec()
    template: str = ""
    """The prompt: the model's own, the task's, or the default of the kind."""
    shots: tuple[Shot, ...] = ()
    """Solved examples before each question."""
    scoring: str = ""
    """How an answer is chosen; empty where nothing is chosen, or by a rule."""
    labels: tuple[str, ...] = ()
    data_hash: str = ""
    """Of the scored examples."""
    data_path: str | None = None
    """Where the scored examples lie; None until they are written under the results folder."""
    train_hash: str | None = None
    """Of the training examples, where the model looks its answers up in them."""
    train_path: str | None = None
    """Where these lie; None until they are written under the results folder."""
    seed: int = 42
    batch_size: BatchSize | None = DEFAULT_BATCH_SIZE
    batch_tokens: int | None = None
    device: str = "auto"
    threads: int | None = None
    cpus: str | None = None
    """CPUs that the process is bound to; None for all that the run may use."""
    share_load: bool = False
    """Whether the cell shares one load of its model with other tasks."""
    load: LoadSpec | None = None
    """Of a model that is served, on a task that it writes for; None for no load."""
    timeout_s: float | None = None
    memory_limit_bytes: int | None = None
    suite: str = ""
    """The suite's name."""
    suite_folder: str | None = None
    """Absolute; a factory or a metric may lie there."""
    provenance: Provenance | None = None
    """Of a checkpoint that a fit made."""
    artifact: str | None = None
    """Where the network lies as another runtime reads it; None for torch, which reads the checkpoint itself."""
    stale_checkpoint: bool = False
    """Whether the checkpoint was made by another version of its recipe, from other data, or by none."""
    train_overlap: int | None = None
    """Scored inputs that are in the model's training data; None where it learns nothing of this task."""

    def to_json(self) -> dict[str, object]:
        """Write the job as JSON-able values, as the store keeps it."""
        return self.model_dump(mode="json", warnings=False)

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> CellJob:
        """Read the job that `to_json` wrote, here or in another version of bench.

        It was valid when it was written. Keys that this version does not have are left out, and what this version no
        longer accepts (the family of a plug-in that is gone, say) stays as it was: history opens all the same.
        """
        parts: dict[str, type[BaseModel]] = {
            "model": ModelSpec,
            "variant": VariantSpec,
            "task": TaskSpec,
            "measure": MeasureSpec,
        }
        fields = _known(cls, value) | {name: _known(parts[name], value[name]) for name in parts if name in value}
        try:
            return cls.model_validate(fields, strict=False)
        except ValidationError:
            specs = {name: parts[name].model_construct(**fields[name]) for name in parts if name in fields}
            return cls.model_construct(**(fields | specs | {"labels": tuple(fields.get("labels", ()))}))


def _known(model: type[BaseModel], value: Mapping[str, Any]) -> dict[str, Any]:
    return {name: item for name, item in value.items() if name in model.model_fields}
