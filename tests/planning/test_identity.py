"""Identities hold what differs from the defaults: a new key leaves all ids alone, a new value of one does not."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import pytest
from pydantic import Field

from bench.host.package import embedded_suites
from bench.planning import Options, Plan, make_plan
from bench.planning.identity import cell_identity
from bench.suite import Defaults, MeasureSpec, ModelSpec, Suite, TaskSpec, VariantSpec
from bench.suite.yaml_file import read
from tests.jobs import make_job


class WiderModel(ModelSpec):
    """A later version of bench, with a key more."""

    voice: str | None = None


class WiderTask(TaskSpec):
    """The same of tasks."""

    few_shot: int = 0


class WiderMeasure(MeasureSpec):
    """The same of measuring."""

    rungs: int = 3


class WiderSuite(Suite):
    """A suite in which all of them have a default."""

    models: Annotated[list[WiderModel], Field(min_length=1)]  # type: ignore[assignment]
    tasks: Annotated[list[WiderTask], Field(min_length=1)]  # type: ignore[assignment]
    measure: WiderMeasure = WiderMeasure()


SMALL = """\
name: small
defaults: {threads: 1, batch_size: 32}
models:
  - {name: gpt2-small, family: causal-lm, checkpoint: quickstart/gpt2-small}
  - {name: majority, family: baseline, strategy: majority}
tasks:
  - name: status
    kind: classification
    data: {builtin: waybills, columns: {label: status}}
  - name: headline
    kind: summarisation
    data: {builtin: waybills, columns: {document: text, summary: headline}}
measure: {profile: quick}
"""


def plan_of(kind: type[Suite], folder: Path, text: str | None = None) -> Plan:
    path = embedded_suites()["quickstart"]
    if text is not None:
        own = folder / "suite.yaml"
        own.write_text(text)
        if not (folder / "quickstart").exists():
            (folder / "quickstart").symlink_to(path.parent / "quickstart")
        path = own
    return make_plan(read(path, kind), folder / "results", Options(limit=8))


@pytest.mark.slow
def test_keys_that_are_added_with_a_default_leave_every_id_of_the_quickstart(tmp_path: Path) -> None:
    now, later = plan_of(Suite, tmp_path), plan_of(WiderSuite, tmp_path)
    assert type(later.cells[0].to_run().model) is not ModelSpec
    assert [cell.id for cell in later.cells] == [cell.id for cell in now.cells]
    assert len({cell.id for cell in now.cells}) == len(now.cells) > 20


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("name: gpt2-small, ", "name: gpt2-small, voice: low, "),
        ("name: status\n", "name: status\n    few_shot: 2\n"),
        ("profile: quick", "profile: quick, rungs: 1"),
    ],
)
def test_a_new_key_that_is_used_makes_other_cells_of_those_that_it_touches(tmp_path: Path, old: str, new: str) -> None:
    before = {cell.label: cell.id for cell in plan_of(WiderSuite, tmp_path, SMALL).cells}
    assert old in SMALL
    after = {cell.label: cell.id for cell in plan_of(WiderSuite, tmp_path, SMALL.replace(old, new)).cells}
    changed = {label for label in before if before[label] != after[label]}
    assert "gpt2-small · status" in changed
    assert (len(changed) < len(before)) == ("profile" not in old)


def test_a_key_that_is_written_with_its_default_is_as_if_it_were_left_out(tmp_path: Path) -> None:
    spelt = SMALL.replace("name: headline\n", "name: headline\n    num_beams: 1\n    length_penalty: 1\n")
    spelt = spelt.replace("{threads: 1, ", "{threads: 1, seed: 42, device: auto, ")
    assert len(spelt) > len(SMALL) + 60
    ids = [[cell.id for cell in plan_of(Suite, tmp_path, text).cells] for text in (SMALL, spelt)]
    assert ids[0] == ids[1]


def test_the_defaults_that_identities_leave_out_are_these() -> None:
    """Whoever changes one here must raise `identity.DEFAULTS_VERSION`: stored ids stand for the old value."""
    model = ModelSpec(name="m", family="torch-module", factory="a:b").model_dump(mode="json", exclude_unset=False)
    task = make_job().task.model_dump(mode="json")
    known = {
        "model": {
            "revision": None,
            "gguf_file": None,
            "subfolder": None,
            "strategy": None,
            "options": {},
            "chat_template": False,
            "trust_remote_code": False,
            "allow_pickle": False,
        },
        "task": {
            "metrics": [],
            "label_names": {},
            "max_examples": None,
            "max_new_tokens": 64,
            "max_input_tokens": None,
            "num_beams": 1,
            "length_penalty": 1.0,
            "stop": [],
        },
        "variant": {"dtype": "float32", "compile": False, "quantise": None, "prune": None},
        "measure": {"profile": "standard", "processes": None, "window_s": None, "energy": "auto", "tdp_w": None},
        "defaults": {
            "seed": 42,
            "batch_size": None,
            "batch_tokens": None,
            "device": "auto",
            "threads": None,
            "cpus": None,
        },
        "job": {"seed": 42, "batch_size": 16, "batch_tokens": None, "device": "auto", "threads": None, "cpus": None},
    }
    found = {
        "model": model,
        "task": task,
        "variant": VariantSpec().model_dump(mode="json"),
        "measure": MeasureSpec().model_dump(mode="json"),
        "defaults": Defaults().model_dump(mode="json"),
        "job": make_job().to_json(),
    }
    for part, values in known.items():
        assert {name: found[part][name] for name in values} == values, part


def test_scoring_alone_has_the_id_that_a_measured_cell_has_of_its_quality() -> None:
    measured = cell_identity(make_job(measure=MeasureSpec()), "w")
    alone = cell_identity(make_job(measure=MeasureSpec(profile="off")), "w")
    assert measured == alone | {"measure": {}}
    shared = cell_identity(make_job(share_load=True), "w")
    assert shared == measured | {"share_load": True}
    assert cell_identity(make_job(measure=MeasureSpec(profile="off"), share_load=True), "w") == alone
