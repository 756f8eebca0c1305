"""The child's work: load one model, score it, measure the very same instance, return one Record of raw facts.

Any exception leaves this module as it is; `bench.running.executors.outcome` turns it into the cell's status.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import torch

from bench.candidates import FAMILIES
from bench.candidates.interface import Context, Model, ModelFacts
from bench.candidates.kept import Kept
from bench.data import stored
from bench.data.base import Dataset
from bench.errors import EnvironmentLackError, UnsupportedError
from bench.measure.doubts import unaudited
from bench.measure.measured import Measured, unmeasured
from bench.measure.phases import watch
from bench.measure.placement import place
from bench.measure.profiles import Profile
from bench.measure.profiles import resolve as resolve_profile
from bench.meters.bundle import Meters, open_meters
from bench.meters.clock import split_devices
from bench.plugins import look_beside
from bench.record import Cell, Doubt, Fact, Record, Sample
from bench.running.worker.doubts import own_doubts, taken_over
from bench.running.worker.load import loaded, sharing_doubts, without_cold_start
from bench.running.worker.paths import paths_of
from bench.suite import MeasureSpec, ModelSpec, TaskSpec, VariantSpec
from bench.tasks import KINDS
from bench.tasks.base import Bound, Workload
from bench.tasks.batching import Batching
from bench.tasks.choosing import ability_of
from bench.tasks.scoring import fitting, lengths_of, score

State = dict[str, Any] | None
"""What a process keeps between the cells of one model variant."""
SHOWN_INPUTS = 50
"""Inputs kept with the record; the report shows fewer."""


def run_cell(
    cell: Cell,
    process: int,
    notify: Callable[[str], None],
    state: State = None,
    scored: Sequence[Sample] = (),
    scored_by: str | None = None,
) -> Record:
    """Returns the record of one process of one cell; quality is scored in process 0 alone.

    Args:
        cell: what to run.
        process: which of the cell's processes this is.
        notify: called with the name of each phase as it begins.
        state: where this process keeps the model for the next cell of the variant; None where it runs one cell.
        scored: answers that are there already: a later process compares what it timed with them, the first takes them.
        scored_by: the earlier run that they are from, where it is not this one.

    Raises:
        UnsupportedError: the loaded model cannot do the task.
        Exception: whatever loading, scoring or measuring raised.
    """
    started_at, begin, payload = datetime.now(UTC).isoformat(), time.perf_counter(), cell.payload
    task = TaskSpec.model_validate_json(_json(payload["task"]))
    profile, placed, data, meters = _prepared(payload)
    notify("load")
    model, facts, shared = loaded(lambda it: _load(cell, task, data, meters.device, it), cell, meters, process, state)
    workload = _workload(cell, task, model, data)
    watched = _Watched(meters, process, notify, int(payload["seed"]), tuple(scored))
    samples, limits, seen, measured = _answers(model, workload, profile, _limits(payload, meters), facts, watched)
    known = model.facts()
    paths = paths_of(FAMILIES[cell.family], workload, measured.notes.get("audit"))
    about = own_doubts(cell, data, samples, process, known.notes)
    about += _of_the_run(profile, samples or scored, scored_by if samples else None, shared, process)
    return Record(
        cell=cell, status="ok", reason=None, process=process, samples=tuple(samples), timings=measured.timings,
        started_at=started_at, wall_s=time.perf_counter() - begin, doubts=(*measured.doubts, *about),
        facts=(*_found(facts, seen, measured, shared, profile), *_fit_facts(payload, process)),
        environment=_environment(meters.device, placed, known),
        notes={"paths": paths, **_notes(cell, data, known, samples), **measured.notes,
               **_load_and_batches(limits, workload, shared)},
    )  # fmt: skip


def _of_the_run(
    profile: Profile, rows: Sequence[Sample], scored_by: str | None, shared: str | None, process: int
) -> list[Doubt]:
    """Returns the doubts about answers that were taken over, a load that was shared, and what was not audited."""
    found = taken_over(rows, scored_by, process, measures=profile.measures)
    if profile.measures:
        found += [*sharing_doubts(shared, process), *unaudited(process, rows)]
    return found


def _found(
    load: Sequence[Fact], seen: Sequence[Fact], measured: Measured, shared: str | None, profile: Profile
) -> list[Fact]:
    """Returns the facts of the load, where it was measured, of scoring, and of the passes."""
    return [*(load if profile.measures else ()), *seen, *without_cold_start(measured.facts, shared)]


def _prepared(payload: Mapping[str, Any]) -> tuple[Profile, dict[str, Any], Dataset, Meters]:
    """Returns how to measure, where this process is bound to, the rows, and the instruments; the seed is set."""
    spec = MeasureSpec.model_validate_json(_json(payload["measure"]))
    profile = resolve_profile(spec)
    device, placed = _device(str(payload["device"])), place(payload.get("threads"), payload.get("cpus"))
    torch.manual_seed(int(payload["seed"]))
    data = stored.read(Path(str(payload["data_path"])))
    return profile, placed, data, open_meters(device, profile.energy, spec.tdp_w)


def _limits(payload: Mapping[str, Any], meters: Meters) -> Batching:
    return Batching.of(payload.get("batch_size"), payload.get("batch_tokens"), meters.device)


def _load_and_batches(limits: Batching, workload: Workload, shared: str | None) -> dict[str, Any]:
    return {"batching": limits.note(lengths_of(workload)), "load_shared_with": shared}


@dataclass(frozen=True, slots=True)
class _Watched:
    """With what, in which process, for whom and from which seed passes are run."""

    meters: Meters
    process: int
    notify: Callable[[str], None]
    seed: int
    scored: tuple[Sample, ...] = ()
    """Answers that are there already."""


def _answers(
    model: Model, workload: Workload, profile: Profile, limits: Batching, load: Sequence[Fact], how: _Watched
) -> tuple[list[Sample], Batching, list[Fact], Measured]:
    """Returns the rows, the limits that fit, the facts of scoring, and what measuring found."""
    if not profile.measures:
        return *_scored(workload, limits, how), unmeasured(model, how.process)
    from bench.measure.session import cold_start, measure  # half a second, which scoring alone is spared

    asked: dict[str, Any] = {name: getattr(how, name) for name in ("meters", "process", "notify", "seed")}
    begun = cold_start(workload, **asked)
    samples, limits, seen = _scored(workload, limits, how)
    asked |= {"scored": samples or how.scored, "prior": [*load, *seen], "batching": limits, "begun": begun}
    measured = measure(model, workload, profile, **asked)
    return samples, limits, seen, measured


def _scored(workload: Workload, limits: Batching, how: _Watched) -> tuple[list[Sample], Batching, list[Fact]]:
    """Returns the rows of the quality pass, the limits with which its batches fit, and its memory.

    There are rows in the first process alone. Where nothing is to be scored, the limits are only tried if `auto`.
    """
    rows = [] if how.process else list(how.scored)
    if (how.process or rows) and not limits.auto:
        return rows, limits, []
    how.notify("evaluate")
    with watch("evaluate", how.meters, how.process) as seen:
        limits = fitting(workload, limits)
        scoring = None if how.process or rows else score(workload, limits)
    return (scoring.samples, scoring.batching, list(seen)) if scoring else (rows, limits, list(seen))


def _json(value: Any) -> str:
    return json.dumps(value)


def _device(asked: str) -> str:
    """Returns `cpu`, `cuda:N`, or several GPUs joined by commas.

    Raises:
        EnvironmentLackError: a GPU is asked for, and torch sees none.
    """
    if asked == "auto":
        return "cuda:0" if torch.cuda.is_available() else "cpu"
    if asked.startswith("cuda"):
        if not torch.cuda.is_available():
            raise EnvironmentLackError(
                f"the suite asks for the device '{asked}', and torch sees no GPU; set 'device: cpu' or 'auto', or "
                "install a CUDA build of torch (see the README)"
            )
        return ",".join(part if ":" in part else f"{part}:0" for part in split_devices(asked))
    return asked


def _load(cell: Cell, task: TaskSpec, data: Dataset, device: str, kept: Kept | None = None) -> Model:
    payload = cell.payload
    spec = ModelSpec.model_validate_json(_json(payload["model"]))
    variant = VariantSpec.model_validate_json(_json(payload["variant"]))
    labels = tuple(payload["labels"])
    devices = split_devices(device)
    family, kind = FAMILIES.find(cell.family), KINDS.find(cell.kind)
    if len(devices) > 1 and not family.spreads:
        raise UnsupportedError(
            f"a model of the family '{cell.family}' is not spread over several GPUs; set 'device' to one of them "
            f"({', '.join(name for name, other in FAMILIES.items() if other.spreads)} can be)"
        )
    context = Context(
        device=devices[0],
        devices=devices if len(devices) > 1 else (),
        ability=ability_of(cell.kind, str(payload["scoring"])),
        labels=labels,
        label_texts=tuple(task.label_names.get(label, label) for label in labels),
        label_counts=kind.right_places(data.examples, labels),
        answer_counts=kind.right_texts(data.examples),
        scoring=str(payload["scoring"]),
        seed=int(payload["seed"]),
        max_input_tokens=task.max_input_tokens,
        kept=kept,
    )
    if spec.factory is not None:
        look_beside(Path(str(payload.get("suite_folder", ""))))  # a factory may lie beside the suite
    model = family.load(spec, variant, context)
    if context.ability not in model.abilities:
        raise UnsupportedError(f"'{spec.name}' has no '{context.ability}', which a task of kind '{cell.kind}' needs")
    return model


def _workload(cell: Cell, task: TaskSpec, model: Model, data: Dataset) -> Workload:
    labels, scoring = tuple(cell.payload["labels"]), str(cell.payload["scoring"])
    texts = tuple(task.label_names.get(label, label) for label in labels)
    bound = Bound(model, data.examples, labels, str(cell.payload["template"]), scoring, texts)
    return KINDS.find(cell.kind).workload(task, bound)


def _fit_facts(payload: Mapping[str, Any], process: int) -> list[Fact]:
    """Returns what the training of the checkpoint cost, where it is known."""
    provenance = payload.get("provenance")
    return [Fact("fit_s", provenance["wall_s"], "s", "provenance", process=process)] if provenance else []


def _environment(device: str, placed: Mapping[str, Any], known: ModelFacts) -> dict[str, Any]:
    gpus = split_devices(device) if device.startswith("cuda") else ()
    name = ", ".join(torch.cuda.get_device_name(gpu) for gpu in gpus) or "cpu"
    return {"device": device, "device_name": name, "dtype": known.dtype, "attention": known.attention, **placed}


def _notes(cell: Cell, data: Dataset, known: ModelFacts, samples: list[Sample]) -> dict[str, Any]:
    return {
        "labels": list(cell.payload["labels"]),
        "data": {"hash": data.hash, "origin": data.origin, "rows": len(data.examples), **data.notes},
        "truncated": sum(sample.truncated for sample in samples),
        "provenance": cell.payload.get("provenance"),
        "weights_hash": cell.identity.get("weights"),
        "batch_size": cell.payload.get("batch_size"),
        "inputs": _shown_inputs(cell, data) if samples else {},
        **known.notes,
    }


def _shown_inputs(cell: Cell, data: Dataset) -> dict[str, str]:
    """Returns the first inputs as they are in the data, for the report's samples."""
    columns = KINDS.find(cell.kind).columns
    return {str(example.index): columns.shown(example) for example in data.examples[:SHOWN_INPUTS]}
