"""The doubt that a checkpoint asks for more on a task like this one than was done."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import ClassVar

from bench.doubts.base import DoubtKind, Evidence, Stage


@dataclass(frozen=True, kw_only=True)
class TaskSettingsLeftOut(DoubtKind):
    """`task_specific_params` of the checkpoint's `config.json` were not followed."""

    code: ClassVar[str] = "task_settings_left_out"
    title: ClassVar[str] = "Settings for this task left out"
    advice: ClassVar[str] = (
        "write the prefix into the task's prompt or into 'options: {prefix: …}', and the others into the model's "
        "'generation'; `generation: {checkpoint: false}` says that none are wanted"
    )
    stage: ClassVar[Stage | None] = "scored"
    told: ClassVar[bool] = True

    task: str
    settings: tuple[str, ...]

    @property
    def message(self) -> str:
        """Name them."""
        return (
            f"for '{self.task}' the checkpoint's config.json asks for {', '.join(self.settings)} "
            "('task_specific_params'), which this task did not follow"
        )

    @classmethod
    def examine(cls, evidence: Evidence) -> Iterable[DoubtKind]:
        """Compare the settings for tasks of this kind with the prompt and the options."""
        job = None if evidence.cell is None else evidence.cell.job
        noted = evidence.notes.get("task_settings")
        if job is None or not isinstance(noted, Mapping):
            return
        kind = job.task.kind.replace("isation", "ization")  # as `summarization` and `translation_en_to_de` are spelt
        own = {task: settings for task, settings in noted.items() if str(task).startswith(kind)}
        before = f"{job.model.options.get('prefix', '')}{job.template}"
        left = {
            task: tuple(
                f"{name} {value!r}"
                for name, value in settings.items()
                if name != "prefix" or not before.startswith(str(value).rstrip())
            )
            for task, settings in own.items()
        }
        if own and all(left.values()):
            task = min(left, key=lambda name: len(left[name]))
            yield cls(task=task, settings=left[task], readings=evidence.metrics)
