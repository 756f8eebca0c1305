"""Whole fits: every family and objective, a factory's module, what the recipe's switches do, several processes."""

from __future__ import annotations

import json
import os
import pickle
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from bench.candidates import FAMILIES
from bench.candidates.interface import Context, Decoding
from bench.errors import FitError, InputError
from bench.fit.batches import Encoded, batches
from bench.fit.session import fit, main
from bench.suite import ModelSpec, VariantSpec
from tests.fit.jobs import COLOURS, factory_job, make_job


@pytest.fixture(autouse=True)
def fresh_accelerate() -> None:
    """Accelerate keeps its precision for the life of a process; a test may need another."""
    from accelerate.state import AcceleratorState

    AcceleratorState._reset_state()


@pytest.mark.parametrize(
    ("family", "kind"),
    [
        ("causal-lm", "language-modelling"),
        ("causal-lm", "translation"),
        ("seq2seq", "translation"),
        ("transformer", "translation"),
    ],
)
def test_texts_are_learnt(family: str, kind: str, tmp_path: Path) -> None:
    provenance = fit(make_job(family, tmp_path / "out", (kind,), steps=60), lambda _: None)
    assert provenance["loss_curve"][-1][1] < 0.75 * provenance["loss_curve"][0][1]
    assert 0 < provenance["final_validation_accuracy"] <= 1


def test_a_factorys_module_learns_by_its_logits_and_is_loaded_with_its_weights(tmp_path: Path) -> None:
    job = factory_job(tmp_path / "out", "tests.fit.factories:bag", steps=120, learning_rate=0.05)
    provenance = fit(job, lambda _: None)
    assert provenance["final_validation_accuracy"] > 0.9
    spec = ModelSpec(name="own", family="torch-module", factory="tests.fit.factories:bag", checkpoint=str(job.output))
    labels = tuple(COLOURS)
    model = FAMILIES["torch-module"].load(spec, VariantSpec(), Context("cpu", "classify", labels, labels))
    answers = model.classify([f"box 7 is {label}" for label in labels])
    assert [max(range(3), key=answer.scores.__getitem__) for answer in answers] == [0, 1, 2]
    other = spec.model_copy(update={"factory": "tests.fit.factories:own_loss"})
    with pytest.raises(InputError, match="does not fit what"):
        FAMILIES["torch-module"].load(other, VariantSpec(), Context("cpu", "generate"))


def test_a_loss_that_is_no_number_names_the_rows_and_whether_there_was_an_update(tmp_path: Path) -> None:
    at_once, later = (
        factory_job(
            tmp_path / str(budget), "tests.fit.factories:breaking", "translation", batch_tokens=budget, steps=80
        )
        for budget in (100_000, 64)
    )
    with pytest.raises(FitError, match=r"the loss is nan at step 1, on 'translation' row \d+.*no update was made yet"):
        fit(at_once, lambda _: None)
    with pytest.raises(FitError, match=r"at step \d+, on .*'translation' row 7\b.*, after \d+ updates"):
        fit(later, lambda _: None)


def test_a_factorys_module_learns_by_a_loss_of_its_own(tmp_path: Path) -> None:
    job = factory_job(tmp_path / "out", "tests.fit.factories:own_loss", "translation", steps=200, learning_rate=0.2)
    provenance = fit(job, lambda _: None)
    assert provenance["loss_curve"][-1][1] < 0.2 * provenance["loss_curve"][0][1]
    assert provenance["final_validation_accuracy"] is None


@pytest.mark.parametrize(
    ("name", "gave"),
    [("unreduced", r"a tensor of shape \(\d+,\)"), ("detached", "one without a gradient"), ("floating", "a float")],
)
def test_a_loss_of_ones_own_that_cannot_be_learnt_from_says_so(tmp_path: Path, name: str, gave: str) -> None:
    job = factory_job(tmp_path / "out", f"tests.fit.factories:{name}", "translation")
    with pytest.raises(FitError, match=f"'training_loss' of the factory's module gave {gave}; return the mean loss"):
        fit(job, lambda _: None)


def test_a_module_that_cannot_be_trained_says_what_it_lacks(tmp_path: Path) -> None:
    with pytest.raises(FitError, match="has no 'training_loss"):
        fit(factory_job(tmp_path / "out", "tests.fit.factories:mute"), lambda _: None)
    with pytest.raises(FitError, match="has no 'training_loss"):
        fit(factory_job(tmp_path / "out", "tests.fit.factories:bag", "translation"), lambda _: None)
    job = replace(
        make_job("encoder", tmp_path / "out"), model=ModelSpec(name="own", family="torch-module", factory="a:b")
    )
    with pytest.raises(FitError, match="'start: factory' is for the family torch-module"):
        fit(job, lambda _: None)


def test_progress_says_loss_and_time_left_and_the_cost_is_recorded(tmp_path: Path) -> None:
    lines: list[str] = []
    provenance = fit(make_job("encoder", tmp_path / "out"), lines.append)
    assert any("step 20/40" in line and "loss" in line and "s left" in line for line in lines)
    cost = provenance["cost"]
    assert cost["wall_s"] > 0 and cost["examples"] == provenance["examples"] and cost["peak_rss_bytes"] > 1e7
    assert cost["energy_source"] in ("rapl", "estimate") and cost["energy_reason"]
    assert cost["energy_j"] is None or cost["energy_j"] > 0


def test_the_last_weights_are_kept_beside_the_best_where_asked(tmp_path: Path) -> None:
    changes = {"steps": 40, "evaluate_every": 10, "learning_rate": 0.05, "save_last": True}
    job = make_job("encoder", tmp_path / "out", **changes)
    fit(job, lambda _: None)
    plain = make_job("encoder", tmp_path / "plain", **(changes | {"evaluate_every": 1000, "save_last": False}))
    fit(plain, lambda _: None)
    last = (job.output / "last" / "model.safetensors").read_bytes()
    assert last == (plain.output / "model.safetensors").read_bytes()
    assert (job.output / "last" / "config.json").is_file()


def test_bf16_trains_and_gives_other_weights(tmp_path: Path) -> None:
    from accelerate.state import AcceleratorState

    plain = make_job("encoder", tmp_path / "plain", steps=40)
    fit(plain, lambda _: None)
    AcceleratorState._reset_state()
    mixed = make_job("encoder", tmp_path / "mixed", steps=40, precision="bf16")
    provenance = fit(mixed, lambda _: None)
    assert provenance["loss_curve"][-1][1] < provenance["loss_curve"][0][1]
    first, second = (path / "model.safetensors" for path in (plain.output, mixed.output))
    assert first.read_bytes() != second.read_bytes()


def test_fp16_on_a_cpu_is_a_clear_error(tmp_path: Path) -> None:
    with pytest.raises(FitError, match="precision 'fp16' does not work on cpu"):
        fit(make_job("encoder", tmp_path / "out", precision="fp16"), lambda _: None)


def one_step(tmp_path: Path, name: str, **changes: object) -> dict[str, torch.Tensor]:
    from safetensors.torch import load_file

    changes = {"steps": 1, "warmup_steps": 0, "weight_decay": 0.0, "evaluate_every": 5, **changes}
    job = factory_job(tmp_path / name, "tests.fit.factories:bag", **changes)
    fit(job, lambda _: None)
    return load_file(job.output / "model.safetensors")


def test_accumulation_and_clipping_against_torch_alone(tmp_path: Path) -> None:
    """One AdamW step on the mean over all examples of three batches of unlike sizes, clipped; eps makes the clip seen.

    A mean of the batches' means would be another step.
    """
    from tests.fit.factories import Bag
    from tests.fit.jobs import rows

    found = one_step(tmp_path, "three", accumulation=3, clip_norm=1e-8, batch_tokens=200, seed=5)
    torch.manual_seed(5)
    net = Bag()
    optimizer = torch.optim.AdamW(net.parameters(), lr=5e-3, betas=(0.9, 0.98), weight_decay=0.0)
    labels = list(COLOURS)
    examples = [
        Encoded((), (labels.index(e.columns["label"]),), "own", text=e.columns["text"], answer=e.columns["label"])
        for e in rows("classification").examples
    ]
    cut = iter(batches([examples], 200, 5, 0))
    first = [next(cut), next(cut), next(cut)]
    assert len({len(batch) for batch in first}) > 1
    together = [example for batch in first for example in batch]
    logits = net.classify([e.text for e in together], labels)
    torch.nn.functional.cross_entropy(logits, torch.tensor([e.target[0] for e in together])).backward()
    torch.nn.utils.clip_grad_norm_(net.parameters(), 1e-8)
    optimizer.step()
    assert torch.allclose(found["head.weight"], net.head.weight.detach(), atol=1e-7)
    loose = one_step(tmp_path, "loose", accumulation=3, clip_norm=1e9, batch_tokens=200, seed=5)
    assert not torch.allclose(found["head.weight"], loose["head.weight"], atol=1e-7)


def test_dropout_is_drawn_from_the_seed(tmp_path: Path) -> None:
    shape = make_job("encoder", tmp_path).recipe.architecture
    assert shape is not None
    wet = shape.model_copy(update={"dropout": 0.3})
    weights = []
    for name, architecture in (("dry", shape), ("wet", wet), ("again", wet)):
        job = make_job("encoder", tmp_path / name, steps=10, architecture=architecture)
        fit(job, lambda _: None)
        weights.append((job.output / "model.safetensors").read_bytes())
    assert weights[0] != weights[1] and weights[1] == weights[2]


@pytest.mark.slow
def test_two_processes_under_accelerate_launch_give_one_checkpoint(tmp_path: Path) -> None:
    # Of accelerate's launchers only the one of `--multi_gpu` starts several processes without MPI (`--cpu` starts one,
    # whatever --num_processes says); the job's device is the CPU, so that they meet over gloo.
    job = make_job("transformer", tmp_path / "out", ("classification", "translation"), steps=40)
    pickled = tmp_path / "job.pickle"
    pickled.write_bytes(pickle.dumps(job))
    command = [
        sys.executable,
        "-m",
        "accelerate.commands.launch",
        "--num_processes",
        "2",
        "--multi_gpu",
        "--num_machines",
        "1",
        "--mixed_precision",
        "no",
        "--dynamo_backend",
        "no",
        "--main_process_port",
        "0",
        "-m",
        "bench.fit.session",
        str(pickled),
    ]
    environment = dict(os.environ) | {"OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1"}
    ended = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=300, check=False)
    assert ended.returncode == 0, ended.stderr[-3000:]
    assert sum("step 40/40" in line and "s left" in line for line in ended.stderr.splitlines()) == 1  # one speaks
    provenance = json.loads((job.output / "provenance.json").read_text())
    assert provenance["steps"] == 40 and provenance["processes"] == 2
    assert provenance["loss_curve"][-1][1] < provenance["loss_curve"][0][1]
    alone = make_job("transformer", tmp_path / "alone", ("classification", "translation"), steps=40, accumulation=2)
    expected = fit(alone, lambda _: None)["loss_curve"]  # the same batches, each target weighing the same
    assert [loss for _, loss in provenance["loss_curve"]] == pytest.approx([loss for _, loss in expected], abs=2e-3)
    assert "process 1 of 2 alone" in provenance["cost"]["energy_reason"]
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".out")] == []
    spec = ModelSpec(name="made", family="transformer", checkpoint=str(job.output))
    model = FAMILIES["transformer"].load(spec, VariantSpec(), Context("cpu", "generate"))
    assert len(model.generate(["german: box 3 is red"], Decoding(8))) == 1


def test_texts_longer_than_the_models_positions_are_cut_and_counted(tmp_path: Path) -> None:
    shape = make_job("encoder", tmp_path).recipe.architecture
    assert shape is not None
    short = shape.model_copy(update={"max_length": 16})
    for family in ("causal-lm", "encoder", "seq2seq", "transformer"):
        kind = "classification" if family == "encoder" else "translation"
        job = make_job(family, tmp_path / family, (kind,), steps=4, warmup_steps=1, architecture=short)
        wordy = [
            replace(
                e,
                columns={
                    name: f"{text} " * 4 if name in ("text", "source") else text for name, text in e.columns.items()
                },
            )
            for e in job.tasks[0].train.examples
        ]
        train = replace(job.tasks[0].train, examples=tuple(wordy))
        lines: list[str] = []
        provenance = fit(replace(job, tasks=(replace(job.tasks[0], train=train),)), lines.append)
        cut = {} if family == "seq2seq" else {kind: 60}  # T5's positions are relative
        assert provenance["cut_examples"] == cut, family
        assert any("60 of 60 training examples" in line for line in lines) == bool(cut)


def test_a_causal_model_that_is_scored_by_its_head_learns_one(tmp_path: Path) -> None:
    job = make_job("causal-lm", tmp_path / "out", steps=150)
    headed = replace(job.tasks[0], spec=job.tasks[0].spec.model_copy(update={"scoring": "head"}))
    job = replace(job, tasks=(headed,))
    assert fit(job, lambda _: None)["final_validation_accuracy"] > 0.9
    labels = tuple(COLOURS)
    context = Context("cpu", "classify", labels, labels, scoring="head")
    spec = ModelSpec(name="made", family="causal-lm", checkpoint=str(job.output))
    model = FAMILIES["causal-lm"].load(spec, VariantSpec(), context)
    answers = model.classify([f"box 7 is {label}" for label in labels])
    assert [max(range(3), key=answer.scores.__getitem__) for answer in answers] == [0, 1, 2]
    both = make_job("causal-lm", tmp_path / "both", ("classification", "translation"))
    with pytest.raises(FitError, match="a causal-lm model with a head writes no text"):
        fit(replace(both, tasks=(headed, both.tasks[1])), lambda _: None)


def test_the_in_house_model_learns_to_write_labels_where_it_will_be_scored_so(tmp_path: Path) -> None:
    job = make_job("transformer", tmp_path / "out", steps=20)
    spec = job.tasks[0].spec.model_copy(update={"scoring": "likelihood"})
    fit(replace(job, tasks=(replace(job.tasks[0], spec=spec),)), lambda _: None)
    assert json.loads((job.output / "config.json").read_text())["labels"] == []


def test_dropout_of_a_pretrained_model_is_the_recipes(tmp_path: Path) -> None:
    for family, kind in (("encoder", "classification"), ("transformer", "translation")):
        made = make_job(family, tmp_path / family, (kind,), steps=5, warmup_steps=1)
        fit(made, lambda _: None)
        weights = []
        for share in (None, 0.0, 0.4):
            changes = {"start": "checkpoint", "architecture": None, "dropout": share, "steps": 5, "warmup_steps": 1}
            job = make_job(family, tmp_path / f"{family}-{share}", (kind,), **changes)
            fit(replace(job, model=job.model.model_copy(update={"checkpoint": str(made.output)})), lambda _: None)
            weights.append((job.output / "model.safetensors").read_bytes())
        assert weights[0] == weights[1] != weights[2], family


def test_slow_steps_are_told_without_waiting_for_twenty(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bench.fit.trainer.REPORT_EVERY_S", 0.0)
    lines: list[str] = []
    provenance = fit(make_job("encoder", tmp_path / "out", steps=7), lines.append)
    assert [line.split()[1] for line in lines if "s left" in line] == [f"{step}/7" for step in range(1, 8)]
    assert [step for step, _ in provenance["loss_curve"]] == [7] and provenance["final_train_loss"] is not None


def test_a_launched_training_that_cannot_start_says_so_in_a_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "mine").write_text("x")
    pickled = tmp_path / "job.pickle"
    pickled.write_bytes(pickle.dumps(make_job("encoder", tmp_path / "out")))
    with pytest.raises(SystemExit) as ended:
        main(pickled)
    assert ended.value.code == 2
    assert capsys.readouterr().err.startswith("bench: error: model 'tiny-encoder': its checkpoint would replace")
