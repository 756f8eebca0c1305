"""What the suite says of structured pruning: which parts of a network are taken out."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field, model_validator

NAMES = ("layers", "heads", "neurons")


class ShrinkSpec(BaseModel):
    """Shares of a network's parts that are taken out, so that it is smaller and faster."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, use_attribute_docstrings=True)

    layers: float | None = Field(default=None, gt=0, lt=1)
    """Share of the layers of each stack; the first and the last stay, and what is between is thinned evenly."""
    heads: float | None = Field(default=None, gt=0, lt=1)
    """Share of each layer's attention heads, the weakest by the size of their weights."""
    neurons: float | None = Field(default=None, gt=0, lt=1)
    """Share of the neurons between the two products of each feed-forward part, the weakest by the size of their
    weights."""

    @model_validator(mode="after")
    def _something(self) -> ShrinkSpec:
        if not self.shares:
            raise ValueError(f"say what is taken out: a share of {', '.join(NAMES[:-1])} or {NAMES[-1]}")
        return self

    @property
    def shares(self) -> dict[str, float]:
        """The share of each part that is taken out at all, in the order in which that is done."""
        found = {name: getattr(self, name) for name in NAMES}
        return {name: share for name, share in found.items() if share is not None}
