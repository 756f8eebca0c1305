"""The recipe: a YAML file that, with the data, fixes a fit. Imports neither torch nor transformers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import Field, ValidationError, model_validator

from bench.digest import content_hash
from bench.errors import FitError
from bench.suite.curriculum import Choices, Curriculum, Range, Strict, Tries
from bench.suite.shrinking import ShrinkSpec


class Architecture(Strict):
    """Shape of a model that is trained from scratch; the same words for every family."""

    layers: int = Field(ge=1)
    """Layers of the encoder, or of the only stack."""
    decoder_layers: int | None = Field(default=None, ge=1)
    """Layers of the decoder; by default as many as `layers`."""
    d_model: int = Field(ge=8)
    """Width of the layers; a multiple of twice the heads."""
    heads: int = Field(ge=1)
    """Attention heads of each layer."""
    d_ff: int = Field(ge=8)
    """Width inside the feed-forward layers."""
    max_length: int = Field(default=512, ge=16)
    """Tokens that the model can read at most."""
    dropout: float = Field(default=0.0, ge=0, lt=1)
    """Share of activations that is dropped while training."""
    vocab_size: int = Field(default=1024, ge=300)
    """Byte-level BPE, trained on the training split."""

    @model_validator(mode="after")
    def _divisible(self) -> Architecture:
        if self.d_model % (2 * self.heads):
            raise ValueError(f"d_model ({self.d_model}) must be a multiple of twice the heads ({self.heads})")
        return self


class Lora(Strict):
    """Low-rank changes of a checkpoint's layers, which are learnt instead of its weights (Hu et al., 2021)."""

    rank: int = Field(default=8, ge=1)
    """Rank of each change."""
    alpha: int = Field(default=16, ge=1)
    """Each change is multiplied by `alpha / rank`."""
    dropout: float = Field(default=0.0, ge=0, lt=1)
    """Share of what a change reads that is dropped while training."""
    targets: Annotated[list[str], Field(min_length=1)] | None = None
    """Last parts of the names of the layers that are changed; by default all linear ones but the output."""


class Search(Tries):
    """Which recipes to try before the final training; judged on the validation split or the folds, never on scored
    rows."""

    space: Annotated[dict[str, Choices | Range], Field(min_length=1)]
    """Key of the recipe (`learning_rate`, `architecture.dropout`) → its values, or `{low, high, log}`."""

    @model_validator(mode="after")
    def _complete(self) -> Search:
        self.check_space(SEARCHABLE)
        return self

    def is_whole(self, name: str) -> bool:
        """Tell whether a key takes whole numbers alone."""
        return name in INTEGERS


NO_OPTUNA = (
    "a search by 'tpe' needs Optuna, which is not installed; pip install 'bench[search]', or take 'method: random'"
)
INTEGERS = frozenset(
    {
        "steps",
        "batch_tokens",
        "warmup_steps",
        "accumulation",
        "architecture.layers",
        "architecture.decoder_layers",
        "architecture.d_model",
        "architecture.heads",
        "architecture.d_ff",
        "lora.alpha",
        "lora.rank",
    }
)
"""Keys whose bounds give whole numbers."""
SEARCHABLE = INTEGERS | {
    "learning_rate",
    "weight_decay",
    "schedule",
    "clip_norm",
    "label_smoothing",
    "prompt_loss",
    "alpha",
    "temperature",
    "freeze",
    "dropout",
    "architecture.dropout",
    "lora.dropout",
}
"""Keys that a search may change: none that changes what a validation loss means, such as the vocabulary."""


class Recipe(Curriculum):
    """How to train."""

    start: Literal["scratch", "checkpoint", "factory"] = "checkpoint"
    """`checkpoint` starts from the suite entry's `checkpoint`, `scratch` from `architecture`, `factory` from what the
    factory of a `torch-module` returns."""
    architecture: Architecture | None = None
    """Shape of the model, with `start: scratch`."""
    max_source_tokens: int = Field(default=512, ge=8)
    """Tokens after which an input is cut."""
    freeze: Literal["none", "body"] = "none"
    """`body`: only the classification head (and the pooler before it) learns."""
    steps: int = Field(ge=1)
    """Updates of the weights."""
    batch_tokens: int = Field(default=4096, ge=64)
    """Most tokens in a batch, padding counted."""
    dropout: float | None = Field(default=None, ge=0, lt=1)
    """Of a model from a checkpoint, over its own; one from scratch has it in its `architecture`."""
    learning_rate: float = Field(gt=0)
    """Highest learning rate, which the schedule reaches after the warm-up."""
    weight_decay: float = Field(default=0.01, ge=0)
    """Of AdamW, on every parameter that learns."""
    betas: tuple[float, float] = (0.9, 0.98)
    """Of AdamW."""
    warmup_steps: int = Field(default=100, ge=0)
    """Steps in which the learning rate rises from 0."""
    schedule: Literal["cosine", "linear", "constant"] = "cosine"
    """How the learning rate falls after the warm-up."""
    clip_norm: float = Field(default=1.0, gt=0)
    """Highest norm of a step's gradient."""
    accumulation: int = Field(default=1, ge=1)
    """Batches of a step; every target of them weighs the same."""
    precision: Literal["no", "bf16", "fp16"] = "no"
    """Mixed precision of the arithmetic; `no` trains in float32."""
    label_smoothing: float = Field(default=0.0, ge=0, lt=1)
    """Share of each target that is spread over all labels or tokens."""
    prompt_loss: float = Field(default=0.0, ge=0, le=1)
    """`causal-lm`: weight of the loss on the prompt's tokens. The texts of language modelling have no prompt: all their
    tokens count 1."""
    evaluate_every: int = Field(default=200, ge=1)
    """Steps between two validation losses."""
    patience: int | None = Field(default=None, ge=1)
    """Stop after this many evaluations without a better validation loss."""
    save_every: int = Field(default=200, ge=1)
    """Steps between the states from which an interrupted fit resumes; one is also saved every minute, and at the end of
    the step in which SIGINT or SIGTERM comes."""
    save_dtype: Literal["float16", "float32"] = "float32"
    """Number format of the weights that are written."""
    save_last: bool = False
    """Write the last weights too, under `last/` beside the best."""
    seed: int = 42
    """Of the first weights, of the order of examples and of dropout."""
    teacher: str | None = None
    """Model of the suite to learn from, beside the references (knowledge distillation)."""
    distil: Literal["auto", "logits", "generations"] = "auto"
    """`logits`: the teacher's distribution over labels or next tokens; `generations`: its answers take the place of
    references. `auto`: logits wherever the two share labels or a vocabulary."""
    temperature: float = Field(default=2.0, gt=0)
    """Of both distributions (Hinton et al., 2015)."""
    alpha: float = Field(default=0.5, ge=0, le=1)
    """Weight of the teacher's part: the loss is `(1 − alpha) · CE + alpha · T² · KL`; with `generations` the share of
    references that it replaces."""
    search: Search | None = None
    """Recipes to try before the final training."""
    lora: Lora | None = None
    """Learn an adapter, and leave the checkpoint's weights as they are; `fit: {adapter: lora}` does so too."""
    shrink: ShrinkSpec | None = None
    """Take layers or neurons out of the checkpoint before it learns; `fit: {shrink: …}` does so too."""

    @model_validator(mode="after")
    def _complete(self) -> Recipe:
        if (self.start == "scratch") != (self.architecture is not None):
            if self.start == "scratch":
                keys = ", ".join(Architecture.model_fields)
                raise ValueError(
                    f"'start: scratch' needs an 'architecture: {{{keys}}}'; a module of your own is trained with "
                    "'start: factory'"
                )
            raise ValueError(f"'start: {self.start}' takes no 'architecture'; leave it out, or write 'start: scratch'")
        if self.dropout is not None and self.start != "checkpoint":
            raise ValueError(f"'dropout' is for 'start: checkpoint'; with '{self.start}' the model itself says it")
        if self.lora is not None and (self.start != "checkpoint" or self.freeze != "none"):
            raise ValueError(
                "an adapter is learnt on the weights of a checkpoint, which it leaves alone; leave out "
                "'start' and 'freeze', or 'lora'"
            )
        if self.shrink is not None and (self.start != "checkpoint" or self.lora is not None):
            raise ValueError(
                "'shrink' is for a checkpoint that learns itself; leave out 'start' and 'lora', or 'shrink'"
            )
        if self.shrink is not None and self.shrink.heads is not None:
            raise ValueError("no config.json says that heads were taken out; leave out 'shrink: {heads: …}' of a fit")
        if self.warmup_steps >= self.steps:
            raise ValueError(f"warmup_steps ({self.warmup_steps}) must be fewer than steps ({self.steps})")
        return self

    @model_validator(mode="after")
    def _searchable(self) -> Recipe:
        """Every listed value of the search must give a recipe."""
        for name, values in self.search.space.items() if self.search is not None else ():
            for value in values if isinstance(values, list) else (values.low, values.high):
                try:
                    with_values(self, {name: value})
                except FitError as error:
                    raise ValueError(str(error)) from error
        return self

    @property
    def fits_from(self) -> Literal["scratch", "checkpoint", "factory"]:
        """What the training begins with."""
        return self.start

    @property
    def learns_from(self) -> str | None:
        """The teacher's name."""
        return self.teacher

    @property
    def learns_adapter(self) -> bool:
        """Whether changes of a checkpoint are learnt and kept alone."""
        return self.lora is not None

    @property
    def effort(self) -> int | None:
        """The steps."""
        return self.steps

    @property
    def draws(self) -> int:
        """The seed."""
        return self.seed

    def with_values(self, values: Mapping[str, int | float | str]) -> Recipe:
        """Build the recipe of one trial."""
        return with_values(self, values)

    @property
    def hash(self) -> str:
        """SHA-256 (hex) of what the recipe says; a key that is none of the first counts where it is set."""
        keys = self.model_dump(mode="json")
        later = {name: field.default for name, field in Recipe.model_fields.items() if name not in FIRST_KEYS}
        return content_hash({key: value for key, value in keys.items() if key not in later or value != later[key]})


FIRST_KEYS = frozenset(
    {
        "tasks",
        "train_split",
        "validation_split",
        "max_train_examples",
        "max_validation_examples",
        "start",
        "architecture",
        "max_source_tokens",
        "freeze",
        "steps",
        "batch_tokens",
        "learning_rate",
        "weight_decay",
        "betas",
        "warmup_steps",
        "schedule",
        "clip_norm",
        "accumulation",
        "precision",
        "label_smoothing",
        "prompt_loss",
        "evaluate_every",
        "patience",
        "save_every",
        "save_dtype",
        "seed",
    }
)
"""Keys that recipes had when the first checkpoints were published: always hashed. Any other is left out at its default,
so that a new key leaves the checkpoints known that were made without it."""


def with_values(recipe: Recipe, values: Mapping[str, int | float | str]) -> Recipe:
    """Build the recipe of one trial: `values` set, no search of its own.

    Raises:
        FitError: the values give no recipe.
    """
    keys = recipe.model_dump() | {"search": None}
    for name, value in values.items():
        if name in INTEGERS and not isinstance(value, str):
            value = round(value)
        head, _, rest = name.partition(".")
        if rest and keys[head] is None:
            raise FitError(f"the search changes '{name}', and the recipe has no '{head}'")
        keys[head] = keys[head] | {rest: value} if rest else value
    try:
        return Recipe.model_validate(keys)
    except ValidationError as error:
        first = error.errors()[0]
        raise FitError(f"the search sets {dict(values)}: {first['msg']}") from error
