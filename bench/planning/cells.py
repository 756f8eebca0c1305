"""Expands a suite to cells: one model variant on one task each, with all that the worker needs and a content
hash."""

from __future__ import annotations

import fnmatch
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

from pydantic import ValidationError

from bench.candidates import FAMILIES, is_floor
from bench.candidates.checkpoint import files_hash
from bench.candidates.runtime import Wanted
from bench.candidates.runtimes import RUNTIMES
from bench.data import stored
from bench.data.base import Dataset
from bench.data.doubts import data_doubts
from bench.errors import InputError, SuiteError, nearest
from bench.fit.job import FitJob, read_provenance
from bench.measure.profiles import resolve as resolve_profile
from bench.planning.checks import fit_paths, name_checks, resolved_model
from bench.planning.conversions import artifact_of
from bench.planning.data import Data
from bench.planning.fits import (
    check_teachers,
    fitted_spec,
    in_order,
    made_from_these,
    make_job,
    read_recipe,
    train_overlaps,
)
from bench.planning.forms import entry_of, forms, on_task
from bench.planning.identity import cell_identity, loaded_identity
from bench.planning.loadable import why_no_form, why_not_converted, why_not_loaded
from bench.planning.mistakes import Mistakes
from bench.planning.sharing import Sharing, share_loads
from bench.planning.shots import draw_shots
from bench.record import Cell, Doubt
from bench.suite import (
    DEFAULT_BATCH_SIZE,
    CellJob,
    LoadSpec,
    MeasureSpec,
    ModelSpec,
    RaceSpec,
    Shot,
    Suite,
    TaskSpec,
    VariantSpec,
)
from bench.suite.job import Provenance
from bench.suite.spec import BatchSize
from bench.suite.yaml_file import Located
from bench.tasks import KINDS
from bench.tasks.choosing import ability_of, scoring_of, why_not_done, why_not_scored
from bench.tasks.metrics import overlooked
from bench.tasks.prompts import template_for


@dataclass(frozen=True, slots=True)
class Options:
    """What the command line changes of a suite."""

    limit: int | None = None
    only: tuple[str, ...] = ()
    """Patterns of models, tasks or model/task; a cell is kept when any of them matches it."""
    profile: str | None = None
    race: Mapping[str, object] = field(default_factory=dict)
    """Keys of the suite's section `race`, over what it says."""
    run_code: bool = True
    """Whether metrics of one's own are imported, which runs them; else their modules are only looked for."""


@dataclass(frozen=True)
class Plan:
    """What will run."""

    suite: Located[Suite]
    cells: tuple[Cell, ...]
    fits: tuple[FitJob, ...]
    """Fits whose checkpoints are missing; they run before the cells."""
    datasets: Mapping[str, Dataset]
    """Scored data by its hash, and the training data that a rule looks its answers up in."""
    measure: MeasureSpec
    options: Options
    sharing: Sharing
    """Which cells share one load of their model."""

    @property
    def processes(self) -> int:
        """Fresh processes per cell."""
        return resolve_profile(self.measure).processes

    @property
    def race(self) -> RaceSpec | None:
        """How the run is raced; None where everything is answered and measured."""
        race = self.suite.value.race
        return race if race is not None and race.until != "all" else None

    @property
    def measures(self) -> bool:
        """Tell whether efficiency is measured; else quality is scored alone."""
        return resolve_profile(self.measure).measures

    @property
    def spared_s(self) -> float:
        """Seconds by which measuring a cell briefly is shorter, at most: of the latency and the throughput pass."""
        profile = resolve_profile(self.measure)
        return 2 * (profile.timed_s - profile.brief.timed_s)

    def written(self, results: Path) -> list[Cell]:
        """Write the cells' data under `results`, and return the cells, each pointing to its rows."""
        paths = {key: str(stored.write(data, results)) for key, data in self.datasets.items()}
        jobs = [(cell, cell.to_run()) for cell in self.cells]
        return [replace(cell, job=job.model_copy(update=_lying(job, paths))) for cell, job in jobs]

    @property
    def doubts(self) -> list[tuple[str, Doubt]]:
        """Collect the doubts about the data, each with the cell's or the task's name, known before anything runs."""
        doubts: dict[tuple[str, str], tuple[str, Doubt]] = {}
        unread: dict[str, list[dict[str, object]]] = {}
        for cell in self.cells:
            job = cell.to_run()
            data = self.datasets[job.data_hash]
            if cell.task not in unread:
                unread[cell.task] = overlooked(job.task, data.examples)
            for doubt in data_doubts(data.notes, job.train_overlap, len(data.examples), (), unread[cell.task]):
                place = cell.label if doubt.code == "train_overlap" else cell.task
                doubts.setdefault((place, doubt.code), (place, doubt))
        return list(doubts.values())

    def work(self, cell: Cell) -> dict[str, object]:
        """Estimate a cell's work: examples to score, most tokens to write, seconds of measuring."""
        job = cell.to_run()
        data = self.datasets.get(job.data_hash)
        examples = 0 if data is None or cell.unsupported else len(data.examples)
        generates = ability_of(cell.kind, job.scoring) == "generate" and not is_floor(cell.family)
        profile = resolve_profile(self.measure)
        return {
            "examples": examples,
            "max_output_tokens": examples * job.task.max_new_tokens if generates else 0,
            "measured_s": 0.0 if cell.unsupported else profile.window_s * 2 * profile.processes,
        }


def _lying(job: CellJob, paths: Mapping[str, str]) -> dict[str, str]:
    """Say where the rows of a job lie."""
    train = {} if job.train_hash is None else {"train_path": paths[job.train_hash]}
    return {"data_path": paths[job.data_hash], **train}


@dataclass(frozen=True, slots=True)
class _Weights:
    """What identifies a model's weights, and where they are."""

    spec: ModelSpec
    identity: str
    provenance: Mapping[str, object] | None = None
    stale: bool = False
    overlaps: Mapping[str, int] = field(default_factory=dict)
    """Per task that the model learns: scored inputs that are in its training data."""


def make_plan(suite: Located[Suite], results: Path, options: Options | None = None) -> Plan:
    """Plan a suite: every name resolved, every file read, nothing run and nothing written.

    Raises:
        SuiteError: something in the suite stands for nothing, with its line and column.
        InputError: `--only` matches nothing.
    """
    options = options or Options()
    suite = raced(suite, options.race)
    measure = suite.value.measure
    if options.profile is not None:
        kept = {} if "off" in (options.profile, measure.profile) else measure.model_dump()
        measure = MeasureSpec.model_validate(kept | {"profile": options.profile})
    data = Data(suite, options.limit)
    fits: list[FitJob] = []
    every_weights = _checked(suite, data, results, fits, run_code=options.run_code)
    datasets = {scored.hash: scored for scored in map(data.scored, suite.value.tasks)}
    cells = [
        _cell(suite, replace(weights, spec=form), variant, task, data, measure, results, datasets)
        for model, weights in zip(suite.value.models, every_weights, strict=True)
        for form in forms(weights.spec, suite.value.tasks)
        for variant in model.candidates
        for task in suite.value.tasks
    ]
    cells, sharing = share_loads(suite.value, cells, measured=resolve_profile(measure).measures)
    chosen = _chosen(cells, options.only)
    candidates = {cell.model for cell in chosen}
    names = {suite.value.models[entry_of(suite.value, name)].name for name in candidates}
    return Plan(suite, tuple(chosen), tuple(in_order(fits, names)), datasets, measure, options, sharing)


def raced(suite: Located[Suite], changes: Mapping[str, object]) -> Located[Suite]:
    """Change the suite's section `race`.

    Raises:
        InputError: the section does not take a value.
    """
    if not changes:
        return suite
    before = suite.value.race or RaceSpec()
    try:
        race = RaceSpec.model_validate(before.model_dump() | dict(changes))
    except ValidationError as error:
        first = error.errors()[0]
        raise InputError(f"--{first['loc'][0]}: {first['msg'].removeprefix('Value error, ')}") from error
    return replace(suite, value=suite.value.model_copy(update={"race": race}))


def _checked(suite: Located[Suite], data: Data, results: Path, fits: list[FitJob], *, run_code: bool) -> list[_Weights]:
    """Check names, recipes, data and trainings, and identify the weights of every model in the suite's order.

    Raises:
        SuiteError: all mistakes at once, a line for each.
    """
    mistakes = Mistakes()
    names_are_right = mistakes.gather(name_checks(suite, run_code=run_code))
    fitted = [model for model in suite.value.models if model.fit is not None and model.family in FAMILIES]
    mistakes.gather(partial(read_recipe, suite, model) for model in fitted)
    mistakes.gather(partial(data.check, task) for task in suite.value.tasks if task.kind in KINDS)
    weights: list[_Weights] = []
    if names_are_right:
        mistakes.gather([partial(check_teachers, suite)])
        mistakes.gather(
            partial(lambda model: weights.append(_weights(suite, model, data, results, fits)), model)
            for model in suite.value.models
        )
        mistakes.gather(partial(_check_shots, suite, model, data) for model in suite.value.models)
    mistakes.tell()
    return weights


def _check_shots(suite: Located[Suite], model: ModelSpec, data: Data) -> None:
    """Draw the shots of a model's candidates for each of its tasks.

    Raises:
        SuiteError: the first that cannot be drawn; the others are as wrong.
    """
    for form in forms(model, suite.value.tasks) if model.shots is not None else ():
        for task in suite.value.tasks:
            if why_not_done(form, task) is None:
                _shots(suite, form, task, data)


def _shots(suite: Located[Suite], form: ModelSpec, task: TaskSpec, data: Data) -> tuple[Shot, ...]:
    """Draw the shots of a candidate of the suite."""
    spec = on_task(form, task)[0]
    if spec.shots is None:
        return ()
    place = ("models", entry_of(suite.value, form.name), "shots")
    return draw_shots(suite, place, spec, task, data)


def _chosen(cells: list[Cell], patterns: Sequence[str]) -> list[Cell]:
    """Keep the cells that match any of the patterns; all where there is none.

    Raises:
        InputError: one of the patterns matches nothing.
    """
    if not patterns:
        return cells
    names = {id(cell): (cell.model, cell.task, f"{cell.model}/{cell.task}") for cell in cells}
    for pattern in patterns:
        if not any(fnmatch.filter(names[id(cell)], pattern) for cell in cells):
            valid = {name for cell in cells for name in (cell.model, cell.task)}
            raise InputError(f"--only '{pattern}' matches no model, task or model/task; {nearest(pattern, valid)}")
    return [cell for cell in cells if any(fnmatch.filter(names[id(cell)], pattern) for pattern in patterns)]


def _weights(suite: Located[Suite], model: ModelSpec, data: Data, results: Path, fits: list[FitJob]) -> _Weights:
    """Identify the weights; a missing checkpoint adds its fit to `fits`."""
    spec = resolved_model(suite, model)
    if model.fit is None:
        return _Weights(spec, loaded_identity(spec, suite.path.parent))
    recipe = read_recipe(suite, model)
    output = fit_paths(suite, model)[1]
    if output is not None and output.is_dir():
        provenance = read_provenance(output)
        fitted = fitted_spec(spec, recipe, output)
        stale = not made_from_these(suite, model, recipe, data, provenance)
        identity = loaded_identity(fitted, suite.path.parent) if recipe.learns_adapter else files_hash(output)
        return _Weights(fitted, identity, provenance, stale, train_overlaps(suite, model, recipe, data))
    job = make_job(suite, model, data, results)
    fitted = fitted_spec(spec, recipe, job.output)
    if job.tasks and not job.output.is_dir():
        fits.append(job)
    overlaps = train_overlaps(suite, model, recipe, data)
    return _Weights(fitted, job.id, read_provenance(job.output), overlaps=overlaps)


def _why_not(spec: ModelSpec, task: TaskSpec, labels: tuple[str, ...], device: str, fitted: bool) -> str | None:
    """Explain why a model does not do a task, from its entry, its family and its checkpoint's configuration alone."""
    reason = why_not_done(spec, task) or why_not_scored(spec.family, task) or why_not_loaded(spec, task, device)
    if reason is not None or fitted or scoring_of(spec.family, task) != "head":
        return reason
    return FAMILIES[spec.family].why_no_head(spec, labels)


def _why_no_variant(spec: ModelSpec, variant: VariantSpec, device: str) -> str | None:
    """Explain that a family, or a checkpoint, has no weights that could be in another form."""
    if FAMILIES[spec.family].takes_variants or variant == VariantSpec():
        if RUNTIMES[variant.runtime].converts:
            return why_not_converted(spec, variant)
        return why_no_form(spec, variant, device)
    return f"a model of the family '{spec.family}' has no variants; leave '{variant.label}' out"


def _cell(
    suite: Located[Suite],
    weights: _Weights,
    variant: VariantSpec,
    task: TaskSpec,
    data: Data,
    measure: MeasureSpec,
    results: Path,
    datasets: dict[str, Dataset],
) -> Cell:
    defaults, labels = suite.value.defaults, data.labels(task)
    batch_size, batch_tokens = batch_limits(suite.value, task)
    spec, writing = on_task(weights.spec, task)
    training = _training(spec, task, data)
    if isinstance(training, Dataset):
        datasets[training.hash] = training
    reason = training if isinstance(training, str) else None
    reason = (
        reason
        or _why_no_variant(spec, variant, defaults.device)
        or _why_not(spec, task, labels, defaults.device, fitted=spec.fit is not None)
    )
    job = CellJob(
        model=spec,
        variant=variant,
        task=writing,
        measure=measure,
        template=template_for(spec, task),
        shots=() if reason is not None else _shots(suite, weights.spec, task, data),
        scoring=scoring_of(spec.family, task),
        labels=labels,
        data_hash=data.scored(task).hash,
        train_hash=training.hash if isinstance(training, Dataset) else None,
        seed=defaults.seed,
        batch_size=batch_size,
        batch_tokens=batch_tokens,
        device=defaults.device,
        threads=defaults.threads,
        cpus=defaults.cpus,
        load=_load_of(suite.value, spec, task, measure),
        timeout_s=defaults.timeout_s,
        memory_limit_bytes=defaults.memory_limit_bytes,
        suite=suite.value.name,
        suite_folder=str(suite.path.parent.resolve()),
        provenance=_short(weights.provenance),
        stale_checkpoint=weights.stale,
        train_overlap=_overlap(weights, task, data, training),
    )
    wanted = Wanted(
        FAMILIES[spec.family],
        spec,
        variant,
        ability_of(task.kind, job.scoring),
        job.scoring,
        job.device,
    )
    job = job.model_copy(update={"artifact": artifact_of(job, wanted, weights.identity, results)})
    reason = reason or RUNTIMES[variant.runtime].why_not(wanted)
    identity = cell_identity(job, weights.identity)
    return Cell(spec.name, spec.family, variant.label, task.name, task.kind, job, identity, reason)


TRAIN_SPLIT = "train"
"""Where a rule looks its answers up."""


def _training(spec: ModelSpec, task: TaskSpec, data: Data) -> Dataset | str | None:
    """Load the training split for a rule that looks its answers up there.

    Returns:
        None for a model that does not, and why it cannot where there is none.
    """
    if not FAMILIES[spec.family].reads_training(spec) or why_not_done(spec, task) is not None:
        return None
    if task.data.split == TRAIN_SPLIT:
        return (
            f"it looks its answers up in the split '{TRAIN_SPLIT}', which this task scores; set another 'split' in the "
            "task's 'data'"
        )
    try:
        return data.split(task, TRAIN_SPLIT, None)
    except SuiteError as error:
        return f"it needs a split '{TRAIN_SPLIT}' beside the scored one: {error}"


def _overlap(weights: _Weights, task: TaskSpec, data: Data, training: Dataset | str | None) -> int | None:
    """Count the scored inputs that the model has seen, as far as that is known."""
    if isinstance(training, Dataset):
        return data.overlap(task, TRAIN_SPLIT, None)
    return weights.overlaps.get(task.name)


def _load_of(suite: Suite, spec: ModelSpec, task: TaskSpec, measure: MeasureSpec) -> LoadSpec | None:
    """Say how a model is loaded on a task, where anything is measured: a server, where it writes the answers; a model
    of the cell's own process, where it is to be served."""
    writes = ability_of(task.kind, scoring_of(spec.family, task)) == "generate"
    loaded = spec.serve or (FAMILIES[spec.family].takes_load and writes)
    return suite.load if loaded and resolve_profile(measure).measures else None


def batch_limits(suite: Suite, task: TaskSpec) -> tuple[BatchSize | None, int | None]:
    """Choose how many examples and tokens a task's batches hold: its own limit, else the suite's; one of them is
    None."""
    for limits in (task, suite.defaults):
        if limits.batch_tokens is not None:
            return None, limits.batch_tokens
        if limits.batch_size is not None:
            return limits.batch_size, None
    return DEFAULT_BATCH_SIZE, None


def _short(provenance: Mapping[str, object] | None) -> Provenance | None:
    """Drop a provenance's curves, which the report does not need per cell."""
    if provenance is None:
        return None
    return {key: value for key, value in provenance.items() if not key.endswith("_curve")}
