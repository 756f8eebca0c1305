"""What a candidate is asked, how it writes, and what of that is its answer: parts of a model's entry and of a task."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator


class _Strict(BaseModel):
    """Frozen, and no unknown keys."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", strict=True, allow_inf_nan=False, use_attribute_docstrings=True
    )


class AnswerSpec(_Strict):
    """Which part of what a model wrote is its answer; the steps are taken in this order."""

    after: Annotated[str, Field(min_length=1)] | None = None
    """What stands behind the last occurrence of this text, such as `"</think>"`; the whole text where it does not
    occur."""
    regex: str | None = None
    """A regular expression of Python: of its last match the first group, or the whole where it has none; where it does
    not match, the text stays as it is. `"(?i)label is:? *(.*)"` passes over a lead-in."""
    strip: bool = False
    """Take white space, quotes, and the stars, underscores and backticks of Markdown from both ends."""

    @field_validator("regex")
    @classmethod
    def _compiles(cls, text: str | None) -> str | None:
        try:
            re.compile(text or "")
        except re.error as error:
            raise ValueError(f"no regular expression of Python: {error}") from error
        return text


class ShotsSpec(_Strict):
    """Solved examples that stand before each question (few-shot); never rows that are scored."""

    number: int = Field(ge=1)
    """How many."""
    split: str = "train"
    """Split of the task's data that they are drawn from; not the one that is scored."""
    seed: int = 1
    """Of the draw and of the order."""
    balanced: bool = True
    """As many of each label as of any other, give or take one, where the task has labels."""


class Shot(_Strict):
    """One solved example, as a job carries it."""

    prompt: str
    """The question with the candidate's prompt around it."""
    answer: str
    """What is to be written."""
    id: str
    """Of the example in its split."""


SAMPLED = ("temperature", "top_k", "top_p", "min_p", "typical_p")
"""Settings that only sampling reads."""


class GenerationSpec(_Strict):
    """How a model writes, over its checkpoint's `generation_config.json`; a key that is left out is the checkpoint's,
    or transformers' own."""

    checkpoint: bool = True
    """Follow what the checkpoint's file asks for; `false`: nothing but what stands here."""
    do_sample: bool | None = None
    """`true`: draw each token, with the checkpoint's temperature and cuts or these; the draws depend on the prompt and
    the suite's seed alone. Otherwise the likeliest token is taken, and `false` says that it is meant so."""
    temperature: float | None = Field(default=None, gt=0)
    """Of sampling: divides the logits."""
    top_k: int | None = Field(default=None, ge=1)
    """Of sampling: among so many of the likeliest tokens."""
    top_p: float | None = Field(default=None, gt=0, le=1)
    """Of sampling: among the likeliest tokens that have this share together."""
    min_p: float | None = Field(default=None, ge=0, le=1)
    """Of sampling: among tokens with at least this share of the likeliest one's probability."""
    typical_p: float | None = Field(default=None, gt=0, lt=1)
    """Of sampling: among the locally typical tokens that have this share together."""
    repetition_penalty: float | None = Field(default=None, gt=0)
    """Above 1: tokens that occurred before are less likely; 1 is none."""
    encoder_repetition_penalty: float | None = Field(default=None, gt=0)
    """Above 1: tokens of the source are likelier; 1 is none."""
    no_repeat_ngram_size: int | None = Field(default=None, ge=0)
    """No sequence of so many tokens twice; 0 is none."""
    encoder_no_repeat_ngram_size: int | None = Field(default=None, ge=0)
    """No sequence of so many tokens that stands in the source; 0 is none."""
    suppress_tokens: list[int] | None = None
    """Ids of tokens that are never written."""
    begin_suppress_tokens: list[int] | None = None
    """Ids of tokens with which no answer begins."""
    forced_bos_token_id: int | None = Field(default=None, ge=0)
    """Id of the token with which every answer of an encoder-decoder begins."""
    forced_eos_token_id: int | None = Field(default=None, ge=0)
    """Id of the token with which an answer of the greatest length ends."""
    min_length: int | None = Field(default=None, ge=0)
    """Tokens before which no answer ends; of a causal model the prompt's count too."""
    min_new_tokens: int | None = Field(default=None, ge=0)
    """Written tokens before which no answer ends."""
    max_new_tokens: int | None = Field(default=None, ge=1)
    """Tokens after which an answer ends, over the task's."""
    num_beams: int | None = Field(default=None, ge=1)
    """Beams of the search, over the task's; 1 is greedy."""
    length_penalty: float | None = None
    """With beams: exponent of the length by which a text's log-probability is divided, over the task's."""

    @model_validator(mode="after")
    def _drawn(self) -> GenerationSpec:
        needless = [name for name in SAMPLED if getattr(self, name) is not None]
        if needless and not self.do_sample:
            raise ValueError(f"'{needless[0]}' means nothing without sampling; set 'do_sample: true' too, or leave it")
        if self.do_sample and (self.num_beams or 1) > 1:
            raise ValueError("sampling has no beams; leave out 'num_beams', or 'do_sample'")
        return self


OF_TASK = ("max_new_tokens", "num_beams", "length_penalty")
"""Settings of `GenerationSpec` that a task has too."""
