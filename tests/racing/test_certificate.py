"""The certificate of a race: judged again it gives the same answer, and whatever is changed in it is found."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bench.digest import content_hash
from bench.errors import InputError
from bench.racing.certificate import Certificate, hash_of, read
from bench.racing.certify import Differs, certify, check
from bench.store import Store, StoredRun
from bench.words.certificate import holds, sentence
from tests.racing.test_rounds import BEST, FAR, INFO, NEAR, Answers, by_name, go, racing


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    with Store.open(tmp_path_factory.mktemp("store")) as store:
        finished = go(store, Answers(by_name(BEST, NEAR, FAR)), racing(limit="<= 1 s"), BEST, NEAR, FAR)
        return certify(store.load(finished.run_id), racing(limit="<= 1 s").question)


def kinds(document: dict) -> set[Differs]:
    return {own.kind for own in check(Certificate.model_validate(document))}


@pytest.fixture
def document(certificate: Certificate) -> dict:
    return json.loads(certificate.model_dump_json())


def resealed(document: dict) -> dict:
    """Give every part the hash of its changed content, as a careful forger would."""
    for task in document["tasks"].values():
        task["hashes"] = {
            name: {metric: content_hash(rows) for metric, rows in own.items()} for name, own in task["scores"].items()
        }
        for look in task["looks"]:
            look["hash"] = content_hash({key: value for key, value in look.items() if key != "hash"})
    document["hash"] = hash_of(Certificate.model_validate(document))
    return document


def test_the_same_answer_comes_out_of_the_file_alone(certificate, tmp_path):
    path = tmp_path / "race.json"
    path.write_text(certificate.model_dump_json())
    again = read(path)
    assert again == certificate and check(again) == []
    assert len(again.tasks["topic"].looks) >= 2 and "best" in holds(again)


def test_a_file_from_before_fronts_were_raced_still_holds(document):
    del document["until"]
    for task in document["tasks"].values():
        del task["front"]
    document["hash"] = content_hash({key: value for key, value in document.items() if key != "hash"})
    assert check(Certificate.model_validate(document)) == []


def test_everybody_is_scored_as_far_as_they_answered(certificate):
    task = certificate.tasks["topic"]
    last = {own.name: own.answered for own in task.looks[-1].contestants}
    assert {name: len(own["accuracy"]) for name, own in task.scores.items()} == last
    assert last["far"] < last["best"] and task.out["far"].value == "no rival"


def test_a_changed_score_is_named(document):
    document["tasks"]["topic"]["scores"]["far"]["accuracy"][3][0] += 1.0
    differences = check(Certificate.model_validate(document))
    where = {own.kind: own.where for own in differences if own.is_tampering}
    assert where[Differs.SCORES] == "far, accuracy" and Differs.CONTENT in where
    assert all("far" in sentence(own) for own in differences if own.kind is Differs.SCORES)


def test_a_changed_cost_or_pick_is_named_with_its_look(document):
    document["tasks"]["topic"]["looks"][1]["contestants"][0]["costs"]["latency_p50_s"] *= 2
    assert {own.where for own in check(Certificate.model_validate(document)) if own.kind is Differs.LOOK} == {"2"}


def test_scores_that_were_forged_with_their_hashes_give_another_answer(document):
    scores = document["tasks"]["topic"]["scores"]
    scores["best"], scores["far"] = (
        {"accuracy": [[0.0, 1.0] for _ in scores["best"]["accuracy"]]},
        {"accuracy": [[1.0, 1.0] for _ in scores["far"]["accuracy"]]},
    )
    found = kinds(resealed(document))
    assert Differs.CONTENT not in found and Differs.SCORES not in found and {Differs.PICK, Differs.OUT} <= found


def test_an_order_that_is_not_the_seed_s_is_found(document):
    task = document["tasks"]["topic"]
    task["positions"][0], task["positions"][1] = task["positions"][1], task["positions"][0]
    assert Differs.ORDER in kinds(resealed(document))


def test_another_seed_has_another_order(document):
    document["seed"] += 1
    assert kinds(resealed(document)) == {Differs.ORDER}


def test_another_conclusion_is_found(document):
    document["tasks"]["topic"]["pick"] = "far"
    document["tasks"]["topic"]["out"].pop("far")
    document["tasks"]["topic"]["looks"][0]["risk"] = 0.0
    assert {Differs.PICK, Differs.OUT, Differs.RISK} <= kinds(resealed(document))


@pytest.mark.parametrize("text", ["", "{}", "[1]", "no", '{"bench_certificate": 2}', "[" * 100_000, "\xff"])
def test_what_is_no_certificate_is_one_line(tmp_path: Path, text: str):
    path = tmp_path / "race.json"
    path.write_bytes(text.encode("latin-1"))
    with pytest.raises(InputError) as raised:
        read(path)
    assert str(path) in str(raised.value) and "\n" not in str(raised.value)
    with pytest.raises(InputError, match="bench certify RUN -o FILE"):
        read(tmp_path / "none.json")


def test_rows_that_are_no_table_are_refused(document, tmp_path):
    document["tasks"]["topic"]["scores"]["far"]["accuracy"][0].append(1.0)
    path = tmp_path / "race.json"
    path.write_text(json.dumps(document))
    with pytest.raises(InputError, match="different lengths"):
        read(path)


def test_a_run_that_was_not_raced_has_none():
    with pytest.raises(InputError, match="not raced"):
        certify(StoredRun(INFO, ()), racing().question)
