"""Every doubt of the catalogue is produced by a real path: a run, a measuring on virtual time, or a real reader.

A kind of doubt without a scenario in `SCENARIOS` fails, and so does one whose scenario does not raise it.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from importlib.metadata import EntryPoint
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bench import plugins
from bench.candidates.checkpoint import weights_identity
from bench.candidates.served.exchange import Exchange
from bench.doubts import DOUBTS, DoubtKind, Evidence, examined
from bench.measure.load.capacity import Capacity, Rung
from bench.measure.load.level import Level, Offered
from bench.measure.load.run import Load
from bench.measure.load.served import loaded_of
from bench.measure.machine_doubts import interference_doubts
from bench.meters.energy import Energy
from bench.meters.interference import InterferenceMeter
from bench.planning import Options, make_plan, open_suite
from bench.record import Doubt, Record
from bench.running.executors.inline import InlineExecutor
from bench.running.runner import run
from bench.running.worker.cell import run_cell
from bench.running.worker.conversion import convert
from bench.running.worker.doubts import own_doubts
from bench.store import RunInfo, Store
from bench.suite import LoadSpec
from bench.summary import summarise
from benchmarks.fake_server import Behaviour, Fault, running
from tests.admission.scenes import SCENES
from tests.checkpoints import LABELS, TEXTS, make_checkpoint
from tests.data.test_doubts import suite as suite_of_learnt_rows
from tests.factories import Sketch, Task, make_cell, make_record, make_run
from tests.measure import test_session as session
from tests.measure.fakes import MS, FakeClock, FakeEnergy, FakeWorkload, profile, steady
from tests.meters import nvml_scenes
from tests.meters.nvml_library import compile_library, in_child
from tests.planning.test_cells import RECIPE, plan_of, suite_file
from tests.running.worker.test_audit import records_of as audited
from tests.running.worker.test_load import records_of as loaded_once
from tests.served.conftest import suite_of as served_suite
from tests.store.nights import store_run

Codes = set[str]
LENGTHS = session.LENGTHS


def codes(doubts: Iterable[Doubt]) -> Codes:
    return {doubt.code for doubt in doubts}


def of(records: Iterable[Record]) -> Codes:
    return {doubt.code for record in records for doubt in record.doubts}


def cells_run(folder: Path, suite: str, **options: Any) -> list[Record]:
    """The records of a suite whose cells are run one after the other in this process."""
    (folder / "suite.yaml").write_text(suite)
    plan = make_plan(open_suite(str(folder / "suite.yaml")), folder / "results", Options(**options))
    return [run_cell(cell, 0, lambda _: None) for cell in plan.written(folder / "results")]


def bad_rows(folder: Path) -> Codes:
    rows = [("1", "a", "a"), ("1", "a", "a"), ("2", "b c", "")]
    lines = [json.dumps({"id": id_, "document": text, "summary": summary}) for id_, text, summary in rows]
    (folder / "rows.jsonl").write_text("\n".join(lines))
    return of(
        cells_run(
            folder,
            """\
name: bad rows
models: [{name: floor, family: baseline, strategy: lead}]
tasks: [{name: short, kind: summarisation, data: {path: rows.jsonl}}]
measure: off
""",
        )
    )


def two_spellings(folder: Path) -> Codes:
    lines = [
        json.dumps({"text": f"text {place}", "label": label}) for place, label in enumerate(("pos", "pos ", "neg"))
    ]
    (folder / "rows.jsonl").write_text("\n".join(lines))
    suite = """\
name: two spellings
models: [{name: floor, family: baseline, strategy: majority}]
tasks: [{name: t, kind: classification, data: {path: rows.jsonl}}]
measure: off
"""
    return of(cells_run(folder, suite))


def learnt_rows(folder: Path) -> Codes:
    plan = make_plan(open_suite(str(suite_of_learnt_rows(folder))), folder / "results")
    return {doubt.code for _, doubt in plan.doubts}


def stale(folder: Path) -> Codes:
    path = suite_file(folder, "  - {name: bert, family: encoder, fit: {recipe: recipe.yaml, output: made}}")
    assert (folder / "recipe.yaml").read_text() == RECIPE
    (folder / "made").mkdir()
    (folder / "made" / "provenance.json").write_text('{"recipe_hash": "other", "wall_s": 1.0}')
    return codes(own_doubts(plan_of(path).cells[0], 0))


def of_the_hub(folder: Path) -> Codes:
    cell = make_cell(Sketch("theirs"), Task("topic"))
    identity = dict(cell.identity) | {"weights": weights_identity("acme/tiny", None, None)}
    return codes(own_doubts(replace(cell, identity=identity), 0))


def writer(folder: Path) -> Codes:
    make_checkpoint("causal-lm", folder)
    rows = [json.dumps({"document": f"{text} {text}", "summary": text}) for text in TEXTS]
    (folder / "rows.jsonl").write_text("\n".join(rows))
    return of(
        cells_run(
            folder,
            """\
name: written
defaults: {device: cpu, threads: 1}
models: [{name: m, family: causal-lm, checkpoint: ./causal-lm, chat_template: true}]
tasks:
  - {name: short, kind: summarisation, data: {path: rows.jsonl}, max_new_tokens: 3, max_input_tokens: 8}
measure: off
""",
        )
    )


def answers_taken_over(folder: Path) -> Codes:
    from tests.test_quality_only import QUICK, suite_in

    make_checkpoint("causal-lm", folder)
    doubts: Codes = set()
    for measure in ("off", QUICK):
        plan = make_plan(open_suite(suite_in(folder, measure)), folder / "results", Options(only=("m/one",)))
        with Store.open(folder / "results") as store:
            info = RunInfo("alone", "", measure, "bench run", "machine", plan.measure.profile)
            run(plan.written(folder / "results"), InlineExecutor(), store, info)
            doubts = of(store.load("latest").records)
    return doubts


def shared_load(folder: Path) -> Codes:
    make_checkpoint("encoder", folder)
    return of(loaded_once(folder, "encoder", True).values())


def other_runtime(folder: Path) -> Codes:
    """One answer of a network under CTranslate2 is another one than torch's."""
    make_checkpoint("encoder", folder)
    rows = [json.dumps({"text": text, "label": label}) for text, label in zip(TEXTS, (*LABELS, *LABELS), strict=False)]
    (folder / "rows.jsonl").write_text("\n".join(rows))
    (folder / "suite.yaml").write_text(
        """\
name: two runtimes
defaults: {device: cpu, threads: 1}
models: [{name: m, family: encoder, checkpoint: ./encoder, runtime: [torch, ctranslate2]}]
tasks: [{name: colour, kind: classification, data: {path: rows.jsonl}}]
measure: off
"""
    )
    plan = make_plan(open_suite(str(folder / "suite.yaml")), folder / "results")
    parent, child = plan.written(folder / "results")
    convert(child.to_run(), lambda _: None)
    theirs, ours = run_cell(parent, 0, lambda _: None), run_cell(child, 0, lambda _: None)
    assert codes(summarise([theirs, ours])[1].doubts) == codes(ours.doubts), "equal answers are no doubt"
    changed = replace(ours.samples[0], scores=tuple(reversed(ours.samples[0].scores or ())))
    entries = summarise([theirs, replace(ours, samples=(changed, *ours.samples[1:]))])
    return codes(entries[1].doubts)


def other_precision(folder: Path) -> Codes:
    """In bfloat16 no label is the parent's."""
    make_checkpoint("encoder", folder)
    examples = [f"{text} {number}" for number in range(6) for text in TEXTS[:6]]
    rows = [json.dumps({"text": text, "label": LABELS[place % 3]}) for place, text in enumerate(examples)]
    (folder / "rows.jsonl").write_text("\n".join(rows))
    (folder / "suite.yaml").write_text(
        """\
name: two precisions
defaults: {device: cpu, threads: 1}
models: [{name: m, family: encoder, checkpoint: ./encoder, variants: [{}, {dtype: bfloat16}]}]
tasks: [{name: colour, kind: classification, data: {path: rows.jsonl}}]
measure: off
"""
    )
    plan = make_plan(open_suite(str(folder / "suite.yaml")), folder / "results")
    theirs, ours = (run_cell(cell, 0, lambda _: None) for cell in plan.written(folder / "results"))
    assert codes(summarise([theirs, ours])[1].doubts) == codes(ours.doubts), "answers that are alike are no doubt"
    following = dict(zip(LABELS, (*LABELS[1:], LABELS[0]), strict=True))
    pairs = zip(theirs.samples, ours.samples, strict=True)
    samples = [replace(sample, prediction=following[str(own.prediction)]) for own, sample in pairs]
    return codes(summarise([theirs, replace(ours, samples=tuple(samples))])[1].doubts)


def answers_that_change(folder: Path) -> Codes:
    _, later = audited(folder, "changing", cheats=True)
    return of([later, run_cell(later.cell, 1, lambda _: None)])


def measured(cost: Callable[[int, int], float], **options: Any) -> Codes:
    """The doubts of a measuring whose requests take what `cost` says, in milliseconds of virtual time."""
    workload = FakeWorkload(FakeClock(), LENGTHS, lambda index, call: round(cost(index, call) * MS))
    return codes(session.run(workload, **options).doubts)


def rising(folder: Path) -> Codes:
    return measured(lambda index, call: 10 + call)


def slow(folder: Path) -> Codes:
    return measured(lambda index, call: 400)


def noisy(folder: Path) -> Codes:
    rng = np.random.default_rng(2)
    return measured(lambda index, call: LENGTHS[index] * rng.lognormal(0, 0.4))


def interrupted(folder: Path) -> Codes:
    return measured(lambda index, call: LENGTHS[index] * (3 if call % 10 == 0 else 1))


def alternating(folder: Path) -> Codes:
    rng = np.random.default_rng(3)
    long = profile(window_s=10.0, min_window_s=10.0)  # so that every input's usual time is that of the quicker mode

    def cost(index: int, call: int) -> float:
        return LENGTHS[index] * rng.choice([1.0, 1.4], p=[0.8, 0.2]) * rng.lognormal(0, 0.01)

    return measured(cost, profile=long)


class Restless(FakeEnergy):
    """A counter whose machine cools down for a minute after work, and that draws nothing while working."""

    def stop(self) -> Energy:
        energy = super().stop()
        watts = 1000 * 0.8 ** (self._clock.ns / 1e9)
        return replace(energy, joules=watts * energy.seconds if energy.joules == 2.0 * energy.seconds else 0.1)


class Still(FakeEnergy):
    """A counter that answers and does not move while the model works."""

    def stop(self) -> Energy:
        energy = super().stop()
        if energy.joules == 2.0 * energy.seconds:
            return energy
        return replace(energy, joules=None, reason="the counter did not move", stood_still=True)


def hungry_at_rest(folder: Path) -> Codes:
    workload = FakeWorkload(FakeClock(), LENGTHS, steady(LENGTHS))
    return codes(session.run(workload, Restless(workload.clock, workload)).doubts)


def counter_still(folder: Path) -> Codes:
    workload = FakeWorkload(FakeClock(), LENGTHS, steady(LENGTHS))
    found = session.run(workload, Still(workload.clock, workload), profile=profile(energy_window_s=12.0))
    return codes(found.doubts)


class Silent(FakeWorkload):
    """A generating workload that reports no token as it comes."""

    def _generate(self, batch: tuple[int, ...], on_token: object) -> list[Any]:
        return super()._generate(batch, None)


def silent(folder: Path) -> Codes:
    return codes(session.run(Silent(FakeClock(), LENGTHS, steady(LENGTHS), generates=True)).doubts)


def busy_machine(folder: Path) -> Codes:
    """The kernel's files before and after a quarter of a second in which all went wrong."""
    from bench.host.cpu import affinity

    heat = folder / f"cpu{min(affinity())}" / "thermal_throttle"
    heat.mkdir(parents=True)

    def write(ticks: int, stolen: int, throttled: int) -> None:
        (folder / "stat").write_text(f"cpu  {ticks} 0 0 5000 60 0 0 {stolen} 0 0\n")
        (folder / "cpu.stat").write_text(f"nr_periods 9\nnr_throttled {throttled}\nthrottled_usec 250000\n")
        (heat / "core_throttle_count").write_text(f"{throttled}\n")

    write(1000, 0, 0)
    meter = InterferenceMeter(folder, folder, folder)
    before = meter.snapshot()
    time.sleep(0.25)  # the meter reads the real clock, and judges no window below 0.2 s
    write(1900, 900, 3)
    return codes(interference_doubts(meter.since(before), 0))


def gpus(folder: Path) -> Codes:
    library = compile_library(folder)
    seen = in_child(library, nvml_scenes.state_over_a_run)["codes"]
    return {*seen, *in_child(library, nvml_scenes.divided_by_mig)["doubts"]}


def raising_metric(folder: Path) -> Codes:
    task = Task("topic", metrics=("tests.metrics.test_module:raises", "accuracy"))
    return codes(summarise([make_record(task=task, examples=30)])[0].doubts)


def other_tokens(folder: Path) -> Codes:
    lm = Task("lm", "language-modelling")
    words, letters = (make_record(Sketch(name), lm, examples=10) for name in ("words", "letters"))
    cut = tuple(replace(sample, scored_tokens=sample.scored_bytes) for sample in letters.samples)
    return codes(doubt for entry in summarise([words, replace(letters, samples=cut)]) for doubt in entry.doubts)


def pruned(folder: Path) -> Codes:
    from bench.__main__ import main
    from bench.summary import summarise_run

    for night in (1, 2):
        store_run(folder, make_run(["a"], seed=night), night=night)
    assert main(["store", "prune", "--keep-nights", "1", "--results", str(folder)]) == 0
    with Store.open(folder) as store:
        runs: Sequence[RunInfo] = store.runs()
        return {doubt.code for info in runs for entry in summarise_run(store.load(info.id)) for doubt in entry.doubts}


class Raising(DoubtKind):
    """A third party's doubt whose examination has a fault."""

    code = "raising"
    title = "Raising"
    advice = "none"
    stage = "data"

    @classmethod
    def examine(cls, evidence: Evidence) -> Iterable[DoubtKind]:
        raise KeyError("typo")


def faulty_plug_in(folder: Path) -> Codes:
    with plugged_in(EntryPoint("raising", f"{__name__}:Raising", "bench.doubts")):
        (doubt,) = examined("data", Evidence())
    assert "'raising'" in doubt.message and "KeyError" in doubt.message
    return {doubt.code}


class plugged_in:  # noqa: N801
    """Adds an entry point for the time of a `with` block."""

    def __init__(self, point: EntryPoint) -> None:
        self._point, self._patch = point, pytest.MonkeyPatch()

    def __enter__(self) -> None:
        points = {self._point.group: [self._point]}
        self._patch.setattr(plugins, "entry_points", lambda group: points.get(group, []))
        DOUBTS.forget()

    def __exit__(self, *_: object) -> None:
        self._patch.undo()
        DOUBTS.forget()


def admission_scene(play: Callable[[Path], Record]) -> Callable[[Path], Codes]:
    return lambda folder: of([play(folder)])


def vague_server(folder: Path) -> Codes:
    """A server that counts no tokens, and never says the same twice."""
    numbers = count()
    behaviour = Behaviour(fault=Fault.NO_USAGE, answer=lambda prompt: f" answer {next(numbers)}")
    with running(behaviour) as fake:
        suite = served_suite(folder, fake.url, examples=3).read_text()
        return of(cells_run(folder, suite + "measure: off\n"))


def other_server(folder: Path) -> Codes:
    """A server that has another model loaded, and filters what it says."""
    with running(Behaviour(fault=Fault.FILTERED)) as fake:
        suite = served_suite(folder, fake.url, examples=3).read_text().replace("fake-1", "mistral-7b")
        return of(cells_run(folder, suite + "measure: off\n"))


def late_client(folder: Path) -> Codes:
    """Requests that left late, and a ladder that ended too soon."""
    rows = tuple(Offered(place, Exchange(0, 10**8, 10**8 + 1)) for place in range(20))
    capacity = Capacity(10.0, (Rung(1, 10.0, 0.1, 0),), saturated=False)
    return codes(loaded_of(Load(capacity, (Level(2.0, None, 10.0, rows),), (0,)), LoadSpec()).doubts)


SCENARIOS: dict[str, Callable[[Path], Codes]] = {
    **{code: admission_scene(play) for code, play in SCENES.items()},
    "answers_reused": answers_taken_over,
    "answers_vary": vague_server,
    "answers_withheld": other_server,
    "bimodal": alternating,
    "cgroup_throttled": busy_machine,
    "client_lagged": late_client,
    "cpu_throttled": busy_machine,
    "doubt_not_examined": faulty_plug_in,
    "drift": rising,
    "duplicate_ids": bad_rows,
    "duplicate_inputs": bad_rows,
    "empty_references": bad_rows,
    "foreign_gpu_process": gpus,
    "gpu_throttled": gpus,
    "high_variation": noisy,
    "idle_not_settled": hungry_at_rest,
    "labels_alike": two_spellings,
    "load_of_others": busy_machine,
    "metric_not_computed": raising_metric,
    "mig_whole_board": gpus,
    "no_chat_template": writer,
    "no_steady_state": rising,
    "non_positive_energy": counter_still,
    "not_audited": answers_that_change,
    "not_saturated": late_client,
    "other_model_served": other_server,
    "outliers": interrupted,
    "output_mismatch": answers_that_change,
    "outputs_at_limit": writer,
    "precision_changes_answers": other_precision,
    "raw_timings_gone": pruned,
    "runtime_changes_answers": other_runtime,
    "shared_process": shared_load,
    "stale_checkpoint": stale,
    "stolen_time": busy_machine,
    "token_stamps": silent,
    "tokens_differ": other_tokens,
    "tokens_uncounted": vague_server,
    "too_few_samples": slow,
    "train_overlap": learnt_rows,
    "truncated_inputs": writer,
    "unpinned_revision": of_the_hub,
    "window_too_short": slow,
}
"""The situation that raises each doubt."""


@pytest.fixture(scope="module")
def produced(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], Codes]]:
    """The codes that a doubt's scenario raises; each scenario is played once."""
    played: dict[Callable[[Path], Codes], Codes] = {}

    def play(code: str) -> Codes:
        scenario = SCENARIOS[code]
        if scenario not in played:
            played[scenario] = scenario(tmp_path_factory.mktemp(scenario.__name__))
        return played[scenario]

    yield play


@pytest.mark.parametrize("code", sorted(DOUBTS))
def test_every_doubt_is_produced(code: str, produced: Callable[[str], Codes]) -> None:
    assert code in SCENARIOS, f"'{code}' is declared, and no scenario of this test produces it"
    assert code in produced(code)


def test_no_scenario_is_left_of_a_doubt_that_is_gone() -> None:
    assert SCENARIOS.keys() == DOUBTS.keys()


def test_net_energy_below_zero_is_the_same_doubt(tmp_path: Path) -> None:
    assert "non_positive_energy" in hungry_at_rest(tmp_path)


def test_declarations_are_whole() -> None:
    for code, kind in DOUBTS.items():
        assert kind.code == code and kind.title and kind.advice
        assert (kind.stage is None) == ("examine" not in vars(kind)), code


def test_a_plug_in_may_not_take_a_code_that_is_in_use() -> None:
    taken = EntryPoint("drift", "bench.meters.energy:Energy", "bench.doubts")
    with plugged_in(taken), pytest.raises(plugins.UsageError, match="is no DoubtKind"):
        list(DOUBTS)
