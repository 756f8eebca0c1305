"""What every recipe says, whether a network is trained step by step or a solver fits a model in one go.

The recipe of networks is `bench.fit.recipe.Recipe`; a family that a solver fits declares its own, with its options.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Annotated, ClassVar, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from bench.digest import content_hash
from bench.errors import FitError, nearest


class Strict(BaseModel):
    """Frozen, and no unknown keys."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, use_attribute_docstrings=True)


class Range(Strict):
    """Values between two bounds, both possible."""

    low: float
    """The smallest value."""
    high: float
    """The largest value."""
    log: bool = False
    """Drawn evenly in the logarithm, as learning rates should be."""

    @model_validator(mode="after")
    def _ordered(self) -> Range:
        if self.low >= self.high or (self.log and self.low <= 0):
            raise ValueError(f"'low' ({self.low:g}) must be below 'high' ({self.high:g}), and above 0 with 'log'")
        return self


Choices = Annotated[list[int | float | str], Field(min_length=1)]


class Tries(Strict):
    """Which recipes to try before the final training; judged on the validation split or the folds, never on scored
    rows."""

    method: Literal["grid", "random", "tpe"]
    """`tpe`: tree-structured Parzen estimator (Bergstra et al., 2011) through Optuna, the extra `search`."""
    trials: int | None = Field(default=None, ge=1)
    """How many; `grid` tries every combination unless this is fewer."""
    space: dict[str, Choices | Range]
    """Key of the recipe → its values, or `{low, high, log}`."""
    metric: Literal["loss", "accuracy"] = "loss"
    """`accuracy`: of labels, or of next tokens where the task is a text."""
    seed: int = 42
    """Of the draws."""

    def check_space(self, searchable: Iterable[str]) -> None:
        """Raise `ValueError` for a key that cannot be searched, and for what the method cannot do."""
        for name, values in self.space.items():
            if name not in searchable:
                raise ValueError(f"'{name}' cannot be searched; {nearest(name, searchable)}")
            if self.method == "grid" and isinstance(values, Range):
                raise ValueError(f"a grid needs a list of values for '{name}', not bounds")
        if self.method != "grid" and self.trials is None:
            raise ValueError(f"the method '{self.method}' needs 'trials'")

    def is_whole(self, name: str) -> bool:
        """Tell whether a key takes whole numbers alone, so that what is drawn between bounds is rounded."""
        return False


class Curriculum(Strict):
    """What every training needs to know: from which rows, and how it is judged."""

    tasks: list[str] | None = None
    """Names of the suite's tasks to learn; by default all that the family can do."""
    train_split: str = "train"
    """Split of each task's data that is learnt."""
    validation_split: str = "validation"
    """Split of each task's data that chooses the best weights."""
    max_train_examples: int | None = Field(default=None, ge=1)
    """At most so many training examples of each task; by default all."""
    max_validation_examples: int = Field(default=300, ge=1)
    """At most so many validation examples of each task."""
    folds: int | None = Field(default=None, ge=2)
    """Cross-validate on the training split before the final training on all of it."""
    search: Tries | None = None
    """Recipes to try before the final training."""

    @property
    def fits_from(self) -> Literal["scratch", "checkpoint", "factory"]:
        """What the training begins with; `scratch` for nothing."""
        raise NotImplementedError

    @property
    def learns_from(self) -> str | None:
        """The teacher's name."""
        return None

    @property
    def tries(self) -> Tries | None:
        """The search, with its space."""
        return self.search

    @property
    def learns_adapter(self) -> bool:
        """Whether changes of a checkpoint are learnt and kept alone."""
        return False

    @property
    def effort(self) -> int | None:
        """How many steps it takes; None for a solver, which knows no steps."""
        return None

    @property
    def draws(self) -> int:
        """The seed."""
        raise NotImplementedError

    @property
    def hash(self) -> str:
        """SHA-256 (hex) of what the recipe says beside its defaults, so that a new key leaves old models known."""
        said = self.model_dump(mode="json", exclude_defaults=True)
        return content_hash({"recipe": type(self).__name__, "keys": said})

    def with_values(self, values: Mapping[str, int | float | str]) -> Self:
        """Build the recipe of one trial: `values` set, no search of its own.

        Raises:
            FitError: the values give no recipe.
        """
        raise NotImplementedError


class SolverSearch(Tries):
    """Which options of a solver to try before the final fit; judged on the validation split or the folds."""

    space: dict[str, Choices | Range] = {}
    """Key of the recipe → its values, or `{low, high, log}`; by default what the family itself would try."""


class SolverRecipe(Curriculum):
    """How a solver fits a model; a family derives its own with its options."""

    tried: ClassVar[Mapping[str, Choices | Range]] = {}
    """What a search tries where the recipe names no space: the options that may be searched, with their values."""
    begins_with: ClassVar[Literal["scratch", "checkpoint"]] = "scratch"
    """Whether a checkpoint is read."""

    seed: int = 42
    """Of whatever the solver draws."""
    search: SolverSearch | None = None
    """Options to try before the final fit."""

    @model_validator(mode="after")
    def _searchable(self) -> Self:
        """Check that every listed value of the search gives a recipe."""
        search = self.tries
        if search is None:
            return self
        search.check_space(self.tried)
        for name, values in search.space.items():
            for value in values if isinstance(values, list) else (values.low, values.high):
                try:
                    self.with_values({name: value})
                except FitError as error:
                    raise ValueError(str(error)) from error
        return self

    @property
    def tries(self) -> Tries | None:
        """The search; where it names no space, with what the family itself would try."""
        if self.search is None or self.search.space:
            return self.search
        return self.search.model_copy(update={"space": dict(self.tried)})

    @property
    def fits_from(self) -> Literal["scratch", "checkpoint", "factory"]:
        """What the fit begins with."""
        return self.begins_with

    @property
    def draws(self) -> int:
        """The seed."""
        return self.seed

    def with_values(self, values: Mapping[str, int | float | str]) -> Self:
        """Build the recipe of one trial: `values` set, no search of its own.

        Raises:
            FitError: the values give no recipe.
        """
        whole = {name for name in values if type(self).model_fields[name].annotation is int}
        drawn = {
            name: round(value) if name in whole and isinstance(value, float) else value
            for name, value in values.items()
        }
        keys = self.model_dump(exclude={"search"}) | drawn
        try:
            return type(self).model_validate(keys)
        except ValidationError as error:
            first = error.errors()[0]
            raise FitError(f"the search sets {dict(values)}: {first['msg']}") from error
