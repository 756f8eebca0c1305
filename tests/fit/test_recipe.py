from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from bench.candidates.families.linear import LinearRecipe
from bench.digest import content_hash
from bench.errors import FitError
from bench.fit.recipe import FIRST_KEYS, Recipe, with_values
from bench.host.package import embedded_folder
from bench.suite.yaml_file import read

PLAIN: dict[str, Any] = {"steps": 50, "learning_rate": 1e-3, "warmup_steps": 5}


def test_keys_that_came_later_do_not_change_the_hash_of_a_recipe_without_them() -> None:
    recipe = Recipe(**PLAIN)
    old = {key: value for key, value in recipe.model_dump(mode="json").items() if key in FIRST_KEYS}
    assert recipe.hash == content_hash(old)
    assert Recipe(**PLAIN, folds=5).hash != recipe.hash
    assert Recipe(**PLAIN, teacher="big").hash != recipe.hash


def test_a_new_key_of_any_recipe_leaves_the_hash_alone_until_it_is_set() -> None:
    class Newer(LinearRecipe):
        sharpness: float = 1.0

    Newer.__name__ = LinearRecipe.__name__
    assert Newer().hash == LinearRecipe().hash
    assert Newer(sharpness=2.0).hash != LinearRecipe().hash
    assert LinearRecipe(c=3.0).hash != LinearRecipe().hash


def test_the_committed_checkpoints_still_know_their_recipes() -> None:
    import json

    folder = embedded_folder() / "quickstart"
    for path in sorted((folder / "recipes").glob("*.yaml")):
        provenance = json.loads((folder / path.stem / "provenance.json").read_text(encoding="utf-8"))
        assert provenance["recipe_hash"] == read(path, Recipe).value.hash, path.stem


@pytest.mark.parametrize(
    ("search", "said"),
    [
        ({"method": "random", "trials": 2, "space": {"learning_rat": [1e-3]}}, "cannot be searched.*learning_rate"),
        ({"method": "grid", "space": {"learning_rate": {"low": 1e-4, "high": 1e-2}}}, "a grid needs a list"),
        ({"method": "tpe", "space": {"learning_rate": [1e-3]}}, "needs 'trials'"),
        ({"method": "random", "trials": 2, "space": {"alpha": {"low": 1.0, "high": 0.5}}}, "must be below"),
        ({"method": "grid", "space": {"label_smoothing": [0.1, 1.5]}}, "less than 1"),
        ({"method": "grid", "space": {"architecture.dropout": [0.1]}}, "has no 'architecture'"),
        ({"method": "grid", "space": {"warmup_steps": [60]}}, "fewer than steps"),
    ],
)
def test_a_search_that_cannot_work_is_refused_before_anything_runs(search: dict[str, Any], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        Recipe.model_validate(PLAIN | {"search": search})


def test_values_of_a_trial_by_hand() -> None:
    recipe = Recipe(**PLAIN)
    changed = with_values(recipe, {"learning_rate": 0.5, "warmup_steps": 7.4})
    assert (changed.learning_rate, changed.warmup_steps, changed.search) == (0.5, 7, None)
    with pytest.raises(FitError, match="fewer than steps"):
        with_values(recipe, {"warmup_steps": 50})


def test_scratch_without_an_architecture_is_told_what_to_write() -> None:
    with pytest.raises(ValueError, match="start: factory") as caught:
        Recipe.model_validate({"start": "scratch", "steps": 300, "batch_tokens": 4096, "learning_rate": 2e-3})
    assert "takes none" not in str(caught.value)
