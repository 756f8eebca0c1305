"""What every family keeps in every runtime, whatever it is and whoever executes it.

The cases are all declared families × all declared runtimes: one that is added is held to the contract with one line in
`makers`. Each is converted once for the whole module.
"""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
import torch

from bench.admission.admit import admit
from bench.candidates import FAMILIES
from bench.candidates.interface import Decoding, engine_of
from bench.candidates.runtimes import RUNTIMES
from bench.data.base import Example
from bench.measure.audit import compare
from bench.record import Cell
from bench.running.conversions import converted
from bench.running.worker.conversion import convert
from bench.running.worker.executed import wanted_of
from bench.suite import CellJob, DataSpec, MeasureSpec, TaskSpec, VariantSpec
from bench.tasks import KINDS
from bench.tasks.base import Bound, Workload
from bench.tasks.choosing import scoring_of
from tests.checkpoints import LABELS, TEXTS
from tests.contract.killed import Killed
from tests.contract.makers import ELSEWHERE, HOSTILE, LABELS_OF, LIMITS, MAKERS, loaded

LONG = " ".join(["boxes"] * 200)
BATCH = [*(TEXTS * 5)[:23], LONG, *HOSTILE]
"""32 texts."""
CUT_BY_TASK = {"embedding"}
"""Families whose models have no limit of their own, and are held to a task's `max_input_tokens`."""
TOLERANCE = 1e-4
"""Of log-probabilities in float32, between a batch and single texts."""


TASK = TaskSpec(name="colour", kind="classification", data=DataSpec(builtin="pydocs"))


def job_of(family: str, runtime: str, folder: Path) -> CellJob:
    spec = MAKERS[family](folder)
    variant = VariantSpec(runtime=runtime)
    return CellJob(
        model=spec,
        variant=variant,
        task=TASK,
        measure=MeasureSpec(),
        template="{text}",
        scoring=scoring_of(spec.family, TASK),
        labels=LABELS_OF.get(spec.family, LABELS),
        threads=1,
        artifact=str(folder / f"{family}-{runtime}".replace(":", "-")) if RUNTIMES[runtime].converts else None,
    )


@pytest.fixture(scope="module")
def cases(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str, str], CellJob]:
    """Give the job of a family in a runtime; skip what it does not do, and convert the rest once."""
    made: dict[tuple[str, str], CellJob | str] = {}
    folder = tmp_path_factory.mktemp("contract")

    def case(family: str, runtime: str) -> CellJob:
        if (family, runtime) not in made:
            job = job_of(family, runtime, folder)
            why = RUNTIMES[runtime].why_not(wanted_of(job))
            if why is None and job.artifact is not None:
                convert(job, lambda _: None)
            made[family, runtime] = why or job
        found = made[family, runtime]
        if isinstance(found, str):
            pytest.skip(found)
        return found

    return case


def scores(answers: Sequence[Any]) -> torch.Tensor:
    return torch.tensor([answer.scores for answer in answers])


def workload(job: CellJob, model: Any, texts: Sequence[str]) -> Workload:
    examples = tuple(Example(place, f"e{place}", {"text": text, "label": "red"}) for place, text in enumerate(texts))
    bound = Bound(model, examples, job.labels, job.template, job.scoring, job.labels)
    return KINDS.find(job.task.kind).workload(job.task, bound)


def is_slow(family: str, runtime: str) -> bool:
    """Tell whether a conversion takes long: a decoder of an encoder-decoder as a graph, or a second graph of a head."""
    return runtime in ("onnxruntime", "openvino") and family in ("seq2seq", "transformer")


every = pytest.mark.parametrize(
    ("family", "runtime"),
    [
        pytest.param(family, runtime, marks=[pytest.mark.slow] if is_slow(family, runtime) else [])
        for family in MAKERS
        for runtime in RUNTIMES
    ],
)


def test_every_family_has_a_maker() -> None:
    made = {name.partition(":")[0] for name in MAKERS}
    assert made | ELSEWHERE == set(FAMILIES) and not ELSEWHERE & made


@every
def test_the_contract(family: str, runtime: str, cases: Any) -> None:
    """Batches, order, nothing, long and hostile texts, twice the same, and admission: on one loaded model."""
    job = cases(family, runtime)
    model = loaded(job)
    texts = BATCH
    alone = [model.classify([text])[0] for text in texts]
    together = model.classify(texts)
    assert torch.allclose(scores(alone), scores(together), atol=TOLERANCE), "a batch changes no answer"
    back = model.classify(texts[::-1])[::-1]
    assert torch.allclose(scores(back), scores(together), atol=TOLERANCE), "answers are in the order of the texts"
    assert model.classify([]) == []
    long = together[texts.index(LONG)]
    limit = getattr(model, "max_tokens", LIMITS.get(family))
    if limit is None:
        assert not long.truncated, "what has no limit cuts nothing"
        (short,) = loaded(job, max_input_tokens=8).classify([LONG])
        assert short.truncated == (short.input_tokens <= 8 and job.model.family in CUT_BY_TASK)
    else:
        assert long.truncated and 0 < long.input_tokens <= limit
        assert not any(answer.truncated for answer in together[: len(TEXTS)])
    assert scores(model.classify(texts)).equal(scores(together)), "the same again"
    assert scores(loaded(job).classify(texts[:1])).equal(scores(alone[:1])), "the same from another load"
    assert scores(together).isfinite().all()


@every
def test_it_is_admitted_and_holds_nothing_of_torch_afterwards(family: str, runtime: str, cases: Any) -> None:
    job = cases(family, runtime)
    model = loaded(job)
    if FAMILIES[job.model.family].is_floor:
        pytest.skip("a rule has nothing to prove")
    texts = list(TEXTS)
    work = workload(job, model, texts)
    admission = admit(job.model.name, model, work, model.facts().dtype, texts)
    assert admission.left is None and admission.verdict.differing == 0
    assert admission.verdict.compared > 1
    engine = engine_of(model)
    assert (engine is None) == (not RUNTIMES[runtime].converts or not FAMILIES[job.model.family].executable)
    if engine is not None:
        assert model.facts().module is None and not model.plain


@every
def test_timed_answers_are_those_that_were_scored(family: str, runtime: str, cases: Any) -> None:
    """The audit compares single requests, as they are timed, with the batch that was scored."""
    job = cases(family, runtime)
    model = loaded(job)
    work = workload(job, model, TEXTS)
    every = range(len(TEXTS))
    scored = work.samples(every, work.request(every)(None))
    timed = [sample for place in every for sample in work.samples([place], work.request([place])(None))]
    audit = compare(timed, scored, model.facts().dtype)
    assert audit.compared == len(TEXTS) and audit.differing == 0


@pytest.mark.parametrize(
    ("family", "runtime"),
    [
        pytest.param(family, runtime, marks=[pytest.mark.slow] if is_slow(family, runtime) else [])
        for family in ("causal-lm", "seq2seq", "transformer")
        for runtime in (RUNTIMES if family != "transformer" else ("torch",))  # elsewhere it is a head here
    ],
)
@pytest.mark.parametrize("beams", [1, 3])
def test_written_texts_keep_the_contract(family: str, runtime: str, beams: int, cases: Any) -> None:
    """Batches, order, nothing, long and hostile texts, and a stamp for each token, greedily and by beams."""
    model = loaded(cases(family, runtime))
    decoding = Decoding(max_new_tokens=6, num_beams=beams)
    texts = [*TEXTS, LONG, *HOSTILE]
    together = model.generate(texts, decoding)
    assert [model.generate([text], decoding)[0].token_ids for text in texts] == [one.token_ids for one in together]
    assert model.generate(texts[::-1], decoding)[::-1] == together
    assert model.generate([], decoding) == []
    assert together[len(TEXTS)].truncated and not any(one.truncated for one in together[: len(TEXTS)])
    if beams == 1:
        stamps: list[float] = []
        (answer,) = model.generate([TEXTS[0]], decoding, lambda: stamps.append(time.perf_counter()))
        assert len(stamps) == answer.output_tokens and stamps == sorted(stamps)


@every
def test_one_thread_is_one_thread(family: str, runtime: str, cases: Any) -> None:
    """While one thread is asked for, the process gets no more CPU time than there is wall time."""
    job = cases(family, runtime)
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        model = loaded(job)
        model.classify(list(TEXTS))
        written = family in ("causal-lm", "seq2seq")
        cpu, wall = time.process_time(), time.perf_counter()
        while time.perf_counter() - wall < 0.15:
            model.classify(list(TEXTS) * 4)
            if written:
                model.generate(list(TEXTS), Decoding(max_new_tokens=4))
        cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
    finally:
        torch.set_num_threads(before)
    assert cpu <= 1.15 * wall


@pytest.fixture(scope="module")
def killed(cases: Any, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Killed]:
    """What the kill of each family's process left; in a process of its own, whose server imports torch once."""
    folder = tmp_path_factory.mktemp("killed")
    (folder / "jobs").write_bytes(pickle.dumps({family: cases(family, "torch") for family in MAKERS}))
    environment = os.environ | {"TMPDIR": str(folder)}
    subprocess.run([sys.executable, "-m", "tests.contract.killed", folder], env=environment, check=True)
    told: dict[str, Killed] = pickle.loads((folder / "told").read_bytes())
    return told


@pytest.mark.parametrize("family", list(MAKERS))
def test_a_process_that_is_killed_leaves_nothing(family: str, killed: dict[str, Killed], cases: Any) -> None:
    """Neither files nor processes, nor anything that the next process of the same model answers otherwise by."""
    left = killed[family]
    assert "SIGKILL" in left.failure
    assert left.files == [] and left.processes == []
    model = loaded(cases(family, "torch"))
    assert torch.allclose(torch.tensor(left.scores_after), scores(model.classify(list(TEXTS))), atol=TOLERANCE)


@pytest.mark.parametrize("runtime", [name for name, runtime in RUNTIMES.items() if runtime.converts])
def test_a_conversion_that_is_killed_leaves_nothing(runtime: str, tmp_path: Path) -> None:
    """Neither a folder that could be taken for a network, nor one that is in the way of the next conversion."""

    job = job_of("encoder", runtime, tmp_path)
    if (why := RUNTIMES[runtime].why_not(wanted_of(job))) is not None:
        pytest.skip(why)
    killed = job.model_copy(update={"timeout_s": 0.05})
    cell = Cell(job.model.name, "encoder", job.variant.label, "colour", "classification", killed, {"of": runtime})
    _, skipped = converted([cell], {}, tmp_path, lambda _: None)
    assert "not finished after 50.0 ms" in skipped[cell.id]
    assert not Path(str(job.artifact)).exists()
    convert(job, lambda _: None)
    assert loaded(job).classify(["red"])
