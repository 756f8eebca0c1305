"""The recipe: a YAML file that, with the data, fixes a fit. Imports neither torch nor transformers."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class Architecture(_Strict):
    """Shape of a model that is trained from scratch; the same words for every family."""

    layers: int = Field(ge=1)
    """Layers of the encoder, or of the only stack."""
    decoder_layers: int | None = Field(default=None, ge=1)
    """Layers of the decoder; by default as many as `layers`."""
    d_model: int = Field(ge=8)
    heads: int = Field(ge=1)
    d_ff: int = Field(ge=8)
    max_length: int = Field(default=512, ge=16)
    dropout: float = Field(default=0.0, ge=0, lt=1)
    vocab_size: int = Field(default=1024, ge=300)
    """Byte-level BPE, trained on the training split."""

    @model_validator(mode="after")
    def _divisible(self) -> Architecture:
        if self.d_model % (2 * self.heads):
            raise ValueError(f"d_model ({self.d_model}) must be a multiple of twice the heads ({self.heads})")
        return self


class Recipe(_Strict):
    """How to train."""

    start: Literal["scratch", "checkpoint"] = "checkpoint"
    """`checkpoint` starts from the suite entry's `checkpoint`, `scratch` from `architecture`."""
    architecture: Architecture | None = None
    tasks: list[str] | None = None
    """Names of the suite's tasks to learn; by default all that the family can do."""
    train_split: str = "train"
    validation_split: str = "validation"
    max_train_examples: int | None = Field(default=None, ge=1)
    max_validation_examples: int = Field(default=300, ge=1)
    max_source_tokens: int = Field(default=512, ge=8)
    freeze: Literal["none", "body"] = "none"
    """`body`: only the classification head (and the pooler before it) learns."""
    steps: int = Field(ge=1)
    batch_tokens: int = Field(default=4096, ge=64)
    """Most tokens in a batch, padding counted."""
    learning_rate: float = Field(gt=0)
    weight_decay: float = Field(default=0.01, ge=0)
    betas: tuple[float, float] = (0.9, 0.98)
    warmup_steps: int = Field(default=100, ge=0)
    schedule: Literal["cosine", "linear", "constant"] = "cosine"
    clip_norm: float = Field(default=1.0, gt=0)
    accumulation: int = Field(default=1, ge=1)
    precision: Literal["no", "bf16", "fp16"] = "no"
    label_smoothing: float = Field(default=0.0, ge=0, lt=1)
    prompt_loss: float = Field(default=0.0, ge=0, le=1)
    """`causal-lm`: weight of the loss on the prompt's tokens."""
    evaluate_every: int = Field(default=200, ge=1)
    patience: int | None = Field(default=None, ge=1)
    """Stop after this many evaluations without a better validation loss."""
    save_every: int = Field(default=200, ge=1)
    """Steps between the states from which an interrupted fit resumes."""
    save_dtype: Literal["float16", "float32"] = "float32"
    seed: int = 42

    @model_validator(mode="after")
    def _complete(self) -> Recipe:
        if (self.start == "scratch") != (self.architecture is not None):
            raise ValueError("'start: scratch' needs an 'architecture', and 'start: checkpoint' takes none")
        if self.warmup_steps >= self.steps:
            raise ValueError(f"warmup_steps ({self.warmup_steps}) must be fewer than steps ({self.steps})")
        return self
