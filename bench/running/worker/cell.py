"""The child's work: load one model, score it, measure the very same instance, return one Record of raw facts.

Exceptions leave this module as they are; `bench.running.executors.outcome` turns them into the cell's status.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

from bench.admission.admit import Admission, admit, check_scored, is_plain, on_working_path, settle
from bench.admission.earlier import proof_key
from bench.admission.values import (
    GivesLogProbabilities,
    check_answers,
    check_facts,
    check_timings,
    refuse_ties_alone,
)
from bench.candidates import FAMILIES, is_floor, without_torch
from bench.candidates.interface import Model, ModelFacts, StatesTraining, Taught, engine_of, reads_turns
from bench.candidates.kept import Keep, Kept
from bench.candidates.runtimes import RUNTIMES
from bench.data import stored
from bench.data.base import Dataset
from bench.errors import AdmissionError, EnvironmentLackError, UnsupportedError
from bench.fit.cost import facts_of
from bench.host.secrets import put
from bench.measure.doubts import unaudited
from bench.measure.elsewhere import told_elsewhere
from bench.measure.measured import Loaded, Measured, unmeasured
from bench.measure.phases import watch
from bench.measure.placement import place
from bench.measure.profiles import Profile
from bench.measure.profiles import resolve as resolve_profile
from bench.meters.bundle import Meters, open_meters
from bench.meters.clock import on_cuda, split_devices
from bench.plugins import look_beside
from bench.record import ASKED, Asked, Cell, Doubt, Fact, Part, Proved, Record, Sample, Status
from bench.running.worker.doubts import answer_doubts, own_doubts, taken_over, with_examined
from bench.running.worker.executed import context_of, conversion_facts, engine_for
from bench.running.worker.load import loaded, sharing_doubts, without_cold_start
from bench.running.worker.paths import paths_of
from bench.suite import CellJob, MeasureSpec
from bench.tasks import KINDS
from bench.tasks.base import Bound, Workload
from bench.tasks.batching import Batching
from bench.tasks.choosing import why_unable
from bench.tasks.prompts import preamble
from bench.tasks.scoring import fitting, lengths_of, remembering, score, score_part

State = dict[str, object] | None
"""What a process keeps between the cells of one model variant."""
NOTHING = Asked()
PROCESS_S = 0.5
"""Seconds that another process takes besides its own start: the fork, the record, and the look that comes before."""
SHOWN_INPUTS = 50
"""Inputs kept with the record; the report shows fewer."""


def run_cell(
    cell: Cell,
    process: int,
    notify: Callable[[str], None],
    state: State = None,
    scored: Sequence[Sample] = (),
    scored_by: str | None = None,
    proved: Sequence[Proved] = (),
    asked: Asked | None = None,
    keep: Keep | None = None,
    secrets: Mapping[str, str] | None = None,
    part: Part | None = None,
) -> Record:
    """Run one process of one cell, and return its record; unless asked otherwise, quality is scored in process 0 alone.

    Args:
        cell: what to run.
        process: which of the cell's processes this is.
        notify: called with the name of each phase as it begins.
        state: where this process keeps the model for the next cell of the variant; None where it runs one cell.
        scored: answers that are there already: a later process compares what it timed with them, the first takes them,
            and each takes those of an earlier run that it is asked for.
        scored_by: the earlier run that those which are taken are from, where it is not this one.
        proved: what admission noted of the model before.
        asked: which examples to answer and whether to measure; None for the usual. The record then holds the answers
            of this process alone, and its doubts about answers are of these and of `scored`.
        keep: where answers are kept one by one until the record is there.
        secrets: environment variables that the model needs.
        part: which part of the batches to score, of a cell that is not measured. What can only be said of all answers
            is left to whoever joins the parts (`bench.running.parts`).

    Raises:
        UnsupportedError: the loaded model cannot do the task.
        Exception: whatever loading, scoring or measuring raised.
    """
    put(secrets or {})
    started_at, begin, job = datetime.now(UTC).isoformat(), time.perf_counter(), cell.to_run()
    measures = asked is None or asked.measures
    profile, placed, data, meters = _prepared(job, measures=measures, briefly=asked is not None and asked.briefly)
    notify("load")
    model, facts, shared = loaded(
        lambda kept: load_model(job, data, meters.device, kept, keep), cell, meters, process, state
    )
    start_s, workload = time.perf_counter() - begin, bind_task(job, model, data)
    limits = Batching.of(job.batch_size, job.batch_tokens, meters.device)
    likely = KINDS[cell.kind].chances and isinstance(model, GivesLogProbabilities) and model.log_probabilities
    to_answer = _examples(asked, process, scored, len(data.examples))
    own = _taken(asked, process, scored, scored_by)
    watched = _Watched(
        meters, process, notify, job.seed, job.model.name, likely, tuple(scored), to_answer, start_s, own, part
    )
    gate = partial(_admitted, cell, model, workload, data, proved, limits)
    samples, limits, seen, measured, admission = _answers(model, workload, profile, limits, facts, watched, gate)
    loaded_levels = _under_load(job, model, workload, limits, process, notify) if measures else Loaded()
    check_timings(job.model.name, measured.timings)
    check_facts(job.model.name, [*facts, *seen, *measured.facts])
    if admission is not None:
        if part is None:
            refuse_ties_alone(job.model.name, samples)
        check_scored(job.model.name, admission, samples, model.facts().dtype)
    known = _with_overlap(model.facts(), model, cell, data)
    so_far = _together(scored, samples) if samples and part is None else []
    of_answers = answer_doubts(cell, data, so_far, process, known.notes)
    doubts = [*of_answers, *own_doubts(cell, process)]
    doubts += _of_the_run(profile, samples or scored, shared, process)
    if asked is None or measures:
        doubts += taken_over(own, scored_by, process, measures=profile.measures)
    notes = _notes(cell, data, known, samples) | measured.notes
    notes["paths"] = paths_of(
        RUNTIMES[job.variant.runtime], FAMILIES[cell.family], workload, measured.notes.get("audit")
    )
    status, reason = _ending(asked, process, scored, samples)
    notes["abilities"] = sorted(model.abilities)
    notes |= loaded_levels.notes
    notes |= {"batching": limits.note(lengths_of(workload)), "load_shared_with": shared}
    notes |= {"shots": [shot.id for shot in job.shots]} if job.shots else {}
    notes |= {} if admission is None else {"admission": admission.note()}
    notes |= {} if asked is None else {ASKED: asked.note(len(own))}
    record = Record(
        cell=cell,
        status=status,
        reason=reason,
        process=process,
        samples=tuple(samples),
        timings=(*measured.timings, *loaded_levels.timings),
        started_at=started_at,
        wall_s=time.perf_counter() - begin,
        doubts=(*measured.doubts, *loaded_levels.doubts, *doubts),
        facts=(
            *told_elsewhere(
                [*(facts if profile.measures else ()), *seen, *without_cold_start(measured.facts, shared)],
                known.elsewhere,
            ),
            *(() if admission is None else (Fact("admission_s", admission.seconds, "s", "clock", process=process),)),
            *loaded_levels.facts,
            *facts_of(job.provenance, process),
            *conversion_facts(engine_of(model), process),
        ),
        environment=_environment(meters.device, placed, known),
        notes=notes,
    )
    if keep is not None and (asked is not None or not process):
        keep.answers.unlink(missing_ok=True)
    if part is not None:
        return record
    return with_examined(record, so_far, None if asked is None else [doubt.code for doubt in of_answers])


def _examples(asked: Asked | None, process: int, scored: Sequence[Sample], rows: int) -> Asked:
    """Find which examples are to be answered: those that have no answer yet."""
    answered = {sample.index for sample in scored}
    if asked is None:
        every = () if process else tuple(index for index in range(rows) if index not in answered)
        return Asked(every, total=rows)
    return replace(
        asked,
        examples=tuple(index for index in asked.examples if index not in answered),
        at_hand=tuple(index for index in asked.at_hand if index not in answered),
    )


def _taken(asked: Asked | None, process: int, scored: Sequence[Sample], scored_by: str | None) -> tuple[Sample, ...]:
    """Choose which of the answers that are there already become this process's own.

    Those of its own run stay with the processes that gave them; of an earlier run the first process has all, and where
    certain ones are asked for, each has those of them.
    """
    if asked is None:
        return () if process else tuple(scored)
    wanted = {*asked.examples, *asked.at_hand} if scored_by is not None else ()
    return tuple(sample for sample in scored if sample.index in wanted)


def _together(scored: Sequence[Sample], samples: Sequence[Sample]) -> list[Sample]:
    """Join the answers of earlier processes and this one's, in the data's order."""
    by_index = {sample.index: sample for sample in (*scored, *samples)}
    return [by_index[index] for index in sorted(by_index)]


def _ending(
    asked: Asked | None, process: int, scored: Sequence[Sample], samples: Sequence[Sample]
) -> tuple[Status, str | None]:
    """Tell how the process ended: settled, where a part of the examples has answers with it."""
    if asked is None:
        return "ok", None
    answered = len({sample.index for sample in (*scored, *samples)})
    if answered >= asked.total and process == 0 and asked.measures and not asked.briefly:
        return "ok", None
    how = ", measured briefly" if asked.briefly else ""
    return "settled", f"{answered} of {asked.total} examples answered{how}"


def _under_load(
    job: CellJob, model: Model, workload: Workload, limits: Batching, process: int, notify: Callable[[str], None]
) -> Loaded:
    """Load a model that is served, or that is to be put behind a server, where the suite asks for it."""
    if job.load is None:
        return Loaded()
    from bench.measure.load.served import load_in_process, load_pass  # scipy, which all others are spared

    notify("level")
    if job.model.serve:
        return load_in_process(workload, limits, job.load, job.seed, process)
    return load_pass(model, workload, job.load, job.seed, process)


def _of_the_run(profile: Profile, rows: Sequence[Sample], shared: str | None, process: int) -> list[Doubt]:
    """Collect the doubts about a load that was shared, and about what was not audited."""
    return [*sharing_doubts(shared, process), *unaudited(process, rows)] if profile.measures else []


def _prepared(job: CellJob, *, measures: bool, briefly: bool) -> tuple[Profile, Mapping[str, object], Dataset, Meters]:
    """Prepare the process: set the seed, and return how to measure, the binding, the rows, and the instruments."""
    profile = resolve_profile(job.measure if measures else MeasureSpec(profile="off"))
    if briefly or is_floor(job.model.family):
        profile = profile.brief
    light, on_cpu = without_torch(job), RUNTIMES.find(job.variant.runtime).cpu_only
    device = "cpu" if light else _device("cpu" if on_cpu and job.device == "auto" else job.device)
    placed = place(job.threads, job.cpus, with_torch=not light)
    if not light:
        import torch

        torch.manual_seed(job.seed)
    data = stored.read(Path(str(job.data_path)))
    return profile, placed, data, open_meters(device, profile.energy, job.measure.tdp_w)


@dataclass(frozen=True, slots=True)
class _Watched:
    """With what, in which process, for whom and from which seed passes are run."""

    meters: Meters
    process: int
    notify: Callable[[str], None]
    seed: int
    model: str
    """Its name in the suite, for messages."""
    log_probabilities: bool
    """Whether its scores are log-probabilities."""
    scored: tuple[Sample, ...] = ()
    """Answers that are there already."""
    asked: Asked = NOTHING
    """Examples that have none yet and are to be answered."""
    start_s: float = 0.0
    """Seconds until the model was loaded."""
    own: tuple[Sample, ...] = ()
    """Those of them that become this process's own."""
    part: Part | None = None
    """Which part of the batches to score; None for all."""


Answers = tuple[list[Sample], Batching, list[Fact], Measured, Admission | None]


def _answers(
    model: Model,
    workload: Workload,
    profile: Profile,
    limits: Batching,
    load: Sequence[Fact],
    how: _Watched,
    gate: Callable[[], Admission | None],
) -> Answers:
    """Admit the model, score it and measure it.

    The first request comes before the admission where it is timed: it is a cold start only once.

    Returns:
        The rows, the limits that fit, the facts of scoring, what measuring found, and what admission found.
    """
    if not profile.measures:
        samples, limits, seen, admission = _scored_as_admitted(model, workload, limits, how, gate())
        return samples, limits, seen, unmeasured(model, how.process), admission
    from bench.measure.session import cold_start, measure  # half a second, which scoring alone is spared

    asked: dict[str, Any] = {name: getattr(how, name) for name in ("meters", "process", "notify", "seed")}
    begun = on_working_path(model, lambda: cold_start(workload, **asked))
    samples, limits, seen, admission = _scored_as_admitted(model, workload, limits, how, gate())
    asked |= {"scored": samples or how.scored, "prior": [*load, *seen], "batching": limits, "begun": begun}
    measured = measure(model, workload, profile, **asked)
    return samples, limits, seen, measured, admission


def _inputs(cell: Cell, data: Dataset) -> list[str]:
    """List the inputs of a task as texts: tokens with spaces between them."""
    inputs = (example.columns[KINDS[cell.kind].columns.input] for example in data.examples)
    return [" ".join(value) if isinstance(value, (list, tuple)) else str(value) for value in inputs]


def _with_overlap(facts: ModelFacts, model: Model, cell: Cell, data: Dataset) -> ModelFacts:
    """Note how many inputs a model of the user's says that it was trained on, or that it does not say."""
    if not isinstance(model, StatesTraining):
        return facts
    overlap = model.learnt_of(_inputs(cell, data))
    stated = {"trained_on": "not stated"} if overlap is None else {"trained_on": "stated", "train_overlap": overlap}
    return replace(facts, notes={**facts.notes, **stated})


def _admitted(
    cell: Cell, model: Model, workload: Workload, data: Dataset, proved: Sequence[Proved], limits: Batching
) -> Admission | None:
    """Admit a loaded model to its task; None for a rule that has nothing to prove."""
    if is_floor(cell.family):
        return None
    texts, facts = _inputs(cell, data), model.facts()
    key = proof_key(cell, facts, _device_name(model.device))
    costly = FAMILIES[cell.family].keeps_answers
    with remembering(workload, "admission") if costly else nullcontext():
        return admit(
            cell.model, model, workload, facts.dtype, texts, key, proved, lambda: limits.split(lengths_of(workload))
        )


Scored = tuple[list[Sample], Batching, list[Fact]]


def _scored_as_admitted(
    model: Model, workload: Workload, limits: Batching, how: _Watched, admission: Admission | None
) -> tuple[list[Sample], Batching, list[Fact], Admission | None]:
    """Score the examples; where that is what proves the model, and its fast path is wrong, once more on the plain one.

    Raises:
        AdmissionError: an answer cannot be.
    """
    if admission is None or not admission.waits:
        return *_scored(workload, limits, how), admission
    dtype, refused = model.facts().dtype, None
    scored: Scored = ([], limits, [])
    try:
        scored = on_working_path(model, lambda: _scored(workload, limits, how))
    except AdmissionError as error:
        refused = error
    was_plain = is_plain(model)
    settled = settle(admission, model, scored[0] or ([] if refused else how.scored), dtype)
    if refused is not None and settled.left is None:
        raise refused
    again = settled.left is not None and (refused is not None or not was_plain)
    return *(_scored(workload, limits, how) if again else scored), settled


def _scored(workload: Workload, limits: Batching, how: _Watched) -> Scored:
    """Score the examples, or take the answers that are there already.

    Where nothing is to be scored, the limits are only tried if `auto`.

    Returns:
        The rows, the limits with which the batches fit, and the memory of the pass.

    Raises:
        AdmissionError: an answer cannot be.
    """
    kept = list(how.own)
    if not how.asked.examples and not limits.auto:
        return kept, limits, []
    how.notify("evaluate")
    with watch("evaluate", how.meters, how.process) as seen:
        limits = fitting(workload, limits)
        rows, limits = _answered(workload, limits, how)
    check_answers(how.model, rows, log_probabilities=how.log_probabilities)
    return _together(kept, rows), limits, list(seen)


def _answered(workload: Workload, limits: Batching, how: _Watched) -> tuple[list[Sample], Batching]:
    """Answer the examples that are asked for, and those at hand where another process for them would take longer."""
    if not how.asked.examples:
        return [], limits
    if how.part is not None:
        return score_part(workload, limits, how.part), limits
    begin = time.perf_counter()
    first = score(workload, limits, how.asked.examples)
    rows, each_s = first.samples, (time.perf_counter() - begin) / len(how.asked.examples)
    if how.asked.at_hand and each_s * len(how.asked.at_hand) <= how.start_s + PROCESS_S:
        rest = score(workload, first.batching, how.asked.at_hand)
        return _together(rows, rest.samples), rest.batching
    return rows, first.batching


def _device(asked: str) -> str:
    """Choose the device: `cpu`, `cuda:N`, or several GPUs joined by commas.

    Raises:
        EnvironmentLackError: a GPU is asked for, and torch sees none.
    """
    import torch

    if asked == "auto":
        return "cuda:0" if torch.cuda.is_available() else "cpu"
    if on_cuda(asked):
        if not torch.cuda.is_available():
            raise EnvironmentLackError(
                f"the suite asks for the device '{asked}', and torch sees no GPU; set 'device: cpu' or 'auto', or "
                "install a CUDA build of torch (see the README)"
            )
        return ",".join(part if ":" in part else f"{part}:0" for part in split_devices(asked))
    return asked


def load_model(job: CellJob, data: Dataset, device: str, kept: Kept | None = None, keep: Keep | None = None) -> Model:
    """Load the model of a job for its task.

    Args:
        job: what is run.
        data: the scored examples, whose answers a baseline counts.
        device: `cpu`, `cuda:N`, or several GPUs joined by commas.
        kept: where the process keeps the weights for the next task of the model.
        keep: where answers are kept one by one.

    Raises:
        UnsupportedError: the model cannot lie there, or cannot do the task.
    """
    spec, task, devices = job.model, job.task, split_devices(device)
    family, kind = FAMILIES.find(spec.family), KINDS.find(task.kind)
    if len(devices) > 1 and not family.spreads:
        raise UnsupportedError(
            f"a model of the family '{spec.family}' is not spread over several GPUs; set 'device' to one of them "
            f"({', '.join(name for name, other in FAMILIES.items() if other.spreads)} can be)"
        )
    context = replace(
        context_of(job),
        device=devices[0],
        devices=devices if len(devices) > 1 else (),
        label_counts=kind.right_places(data.examples, job.labels),
        answer_counts=kind.right_texts(data.examples),
        examples=len(data.examples),
        mean=kind.mean(data.examples),
        taught=_taught(job),
        kept=kept,
        keep=keep,
        engine=engine_for(job),
    )
    if spec.factory is not None and job.suite_folder:
        look_beside(Path(job.suite_folder))  # a factory may lie beside the suite
    if (spec.factory is not None or spec.server is not None) and job.suite_folder:
        spec = spec.with_paths_from(Path(job.suite_folder))
    model = family.load(spec, job.variant, context)
    reason = why_unable(spec.name, task.kind, job.scoring, model.abilities)
    if reason is not None:
        raise UnsupportedError(reason, model.abilities)
    return model


def _taught(job: CellJob) -> tuple[Taught, ...]:
    """Read the training examples, where the model looks its answers up in them."""
    if job.train_path is None:
        return ()
    kind, examples = KINDS.find(job.task.kind), stored.read(Path(job.train_path)).examples
    rows = zip(kind.texts(job.template, examples), examples, strict=True)
    return tuple(Taught(text, kind.answer(example)) for text, example in rows)


def bind_task(job: CellJob, model: Model, data: Dataset) -> Workload:
    """Bind the task of a job to its loaded model."""
    texts = tuple(job.task.label_names.get(label, label) for label in job.labels)
    before = "" if reads_turns(model) else preamble(job.model.system, job.shots, FAMILIES[job.model.family].lead)
    bound = Bound(model, tuple(data.examples), job.labels, job.template, job.scoring, texts, before)
    return KINDS.find(job.task.kind).workload(job.task, bound)


def _environment(device: str, placed: Mapping[str, object], known: ModelFacts) -> dict[str, object]:
    return {
        "device": device,
        "device_name": _device_name(device),
        "dtype": known.dtype,
        "attention": known.attention,
        **placed,
    }


def _device_name(device: str) -> str:
    if not on_cuda(device):
        return "cpu"
    import torch

    return ", ".join(torch.cuda.get_device_name(gpu) for gpu in split_devices(device))


def _notes(cell: Cell, data: Dataset, known: ModelFacts, samples: Sequence[Sample]) -> dict[str, object]:
    job = cell.to_run()
    shown, columns = data.examples[:SHOWN_INPUTS] if samples else (), KINDS.find(cell.kind).columns
    return {
        "labels": list(job.labels),
        "data": {"hash": data.hash, "origin": data.origin, "rows": len(data.examples), **data.notes},
        "truncated": sum(sample.truncated for sample in samples),
        "provenance": job.provenance,
        "weights_hash": cell.identity.get("weights"),
        "batch_size": job.batch_size,
        "inputs": {str(example.index): columns.shown(example) for example in shown},
        **known.notes,
    }
