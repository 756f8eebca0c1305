from __future__ import annotations

import builtins
import json
import math
import sys
from pathlib import Path
from typing import Any

import pytest

from bench.errors import EnvironmentLackError, FitError
from bench.fit import search as searching
from bench.fit.recipe import Search
from bench.fit.search import choose, count, propose, run_search
from bench.fit.session import fit
from bench.fit.teaching import Lesson
from tests.fit.jobs import make_job

RATES = {"learning_rate": {"low": 1e-5, "high": 1e-1, "log": True}}


def make(**said: Any) -> Search:
    return Search.model_validate(said)


def test_a_grid_is_every_combination_once() -> None:
    grid = make(method="grid", space={"learning_rate": [1, 2, 3], "weight_decay": [0.0, 0.1]})
    assert count(grid) == 6
    tried = [tuple(propose(grid, number, []).values()) for number in range(6)]
    assert sorted(tried) == [(a, b) for a in (1, 2, 3) for b in (0.0, 0.1)]


def test_random_values_are_seeded_and_even_in_the_logarithm() -> None:
    random = make(method="random", trials=400, space=RATES)
    rates = [propose(random, number, [])["learning_rate"] for number in range(400)]
    assert all(1e-5 <= rate <= 1e-1 for rate in rates)
    below = sum(rate < 1e-3 for rate in rates)  # half of the decades; binomial(400, 1/2) is within 160..240
    assert 160 < below < 240
    assert rates[7] == propose(random, 7, [])["learning_rate"]
    assert rates[7] != propose(random.model_copy(update={"seed": 1}), 7, [])["learning_rate"]


def walk(search: Search, trials: int) -> list[dict[str, Any]]:
    """Tries a bowl with its floor at a learning rate of 1e-3."""
    before: list[dict[str, Any]] = []
    for number in range(trials):
        values = propose(search, number, before)
        value = (math.log10(values["learning_rate"]) + 3) ** 2
        before.append({"number": number, "values": values, "value": None if number == 2 else value})
    return before


def test_tpe_goes_on_from_stored_trials_as_if_never_interrupted_and_beats_chance() -> None:
    pytest.importorskip("optuna")
    tpe = make(method="tpe", trials=24, space=RATES)
    whole = walk(tpe, 24)
    stored = json.loads(json.dumps(whole[:13]))
    assert propose(tpe, 13, stored) == whole[13]["values"]
    late = [trial["value"] for trial in whole[12:]]
    assert sum(late) / len(late) < 4 / 3  # the mean of a uniform draw over (-2, 2) squared


def test_without_optuna_the_error_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    plain = builtins.__import__

    def refuse(name: str, *rest: Any, **named: Any) -> Any:
        if name == "optuna":
            raise ImportError(name)
        return plain(name, *rest, **named)

    monkeypatch.delitem(sys.modules, "optuna", raising=False)
    monkeypatch.setattr(builtins, "__import__", refuse)
    with pytest.raises(EnvironmentLackError, match=r"pip install 'bench\[search\]'"):
        propose(make(method="tpe", trials=3, space=RATES), 0, [])


def test_the_best_is_the_lowest_loss_or_the_highest_accuracy_and_never_a_failure() -> None:
    trials = [{"number": n, "value": value} for n, value in enumerate([0.5, None, 0.2, 0.9])]
    loss = make(method="grid", space={"steps": [1]})
    assert choose(trials, loss) == trials[2]
    assert choose(trials, loss.model_copy(update={"metric": "accuracy"})) == trials[3]
    assert choose(trials[1:2], loss) is None


def test_the_best_recipe_is_trained_and_every_trial_recorded(tmp_path: Path) -> None:
    grid = {"method": "grid", "space": {"learning_rate": [1e-6, 5e-3]}}
    job = make_job("encoder", tmp_path / "out", steps=15, evaluate_every=15, search=grid)
    provenance = fit(job, lambda _: None)
    found = provenance["search"]
    assert found["best"] == 1 and found["values"] == {"learning_rate": 5e-3}
    assert [trial["values"]["learning_rate"] for trial in found["trials"]] == [1e-6, 5e-3]
    assert all(trial["cost"]["wall_s"] > 0 and trial["value"] == trial["loss"] for trial in found["trials"])
    assert found["cost"]["wall_s"] == pytest.approx(sum(trial["cost"]["wall_s"] for trial in found["trials"]))
    plain = fit(make_job("encoder", tmp_path / "plain", steps=15, evaluate_every=15), lambda _: None)
    assert provenance["final_validation_loss"] == plain["final_validation_loss"]
    assert not list(tmp_path.glob(".out*"))


def test_finished_trials_survive_and_a_diverged_one_is_no_winner(tmp_path: Path) -> None:
    grid = {"method": "grid", "space": {"learning_rate": [1e30, 5e-3, 1e-3]}}
    job = make_job(
        "causal-lm", tmp_path / "out", steps=6, evaluate_every=6, warmup_steps=0, clip_norm=1e30, search=grid
    )
    state = tmp_path / "state"
    state.mkdir()
    kept = {"number": 2, "values": {"learning_rate": 1e-3}, "value": -1.0, "reason": None, "cost": {"wall_s": 50.0}}
    (state / "trial-2.json").write_text(json.dumps(kept))
    recipe, found = run_search(Lesson(job), state, lambda _: None)
    first = found["trials"][0]
    assert first["value"] is None and "lower the recipe's learning_rate" in first["reason"]
    assert first["cost"]["wall_s"] > 0  # what it took until then
    assert found["best"] == 2 and recipe.learning_rate == 1e-3 and found["cost"]["wall_s"] > 50
    assert sorted(path.name for path in state.iterdir()) == ["trial-0.json", "trial-1.json", "trial-2.json"]


def test_a_search_in_which_all_fails_is_an_error(tmp_path: Path) -> None:
    def diverge(*_: Any) -> Any:
        raise FitError("the loss is nan")

    grid = {"method": "grid", "space": {"steps": [20, 30]}}
    lesson = Lesson(make_job("encoder", tmp_path / "out", search=grid))
    with pytest.raises(FitError, match=r"every trial of the search failed.*nan"):
        run_search(lesson, tmp_path / "state", lambda _: None, diverge)


def test_with_folds_a_trial_is_judged_by_their_mean(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    given = iter(
        [{"loss_mean": 0.9, "accuracy_mean": 0.1, "cost": {}}, {"loss_mean": 0.4, "accuracy_mean": 0.2, "cost": {}}]
    )
    monkeypatch.setattr(searching, "cross_validate", lambda *_: next(given))
    job = make_job("encoder", tmp_path / "out", folds=2, search={"method": "grid", "space": {"steps": [20, 30]}})
    recipe, found = run_search(Lesson(job), tmp_path / "state", lambda _: None)
    assert recipe.steps == 30 and recipe.folds == 2 and [t["value"] for t in found["trials"]] == [0.9, 0.4]
