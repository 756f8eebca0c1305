"""The section `machines` of a suite: on which machines of a cluster it may be measured."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator


class MachinesSpec(BaseModel):
    """Which machines of a cluster count; see docs/machines.md."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    like: Annotated[str, Field(min_length=1)] | None = None
    """A part of the name of a machine's GPU or CPU, such as `NVIDIA H100`; by default the kind with most machines."""
    at_least: int = Field(default=1, ge=1)
    """Machines of that kind without which nothing begins."""
    at_most: int | None = Field(default=None, ge=1)
    """Machines that take part at most; the others stay free for whoever else uses the cluster."""
    least_part: int | None = Field(default=1000, ge=1)
    """Examples that the parts of a cell have at least on average, where nothing is timed and there are fewer cells than
    room: large ones are then scored in parts of whole batches, several at once. By default as many as repay the part's
    start, some seconds, at some milliseconds each. `null` scores every cell in one place."""

    @model_validator(mode="after")
    def _is_possible(self) -> Self:
        if self.at_most is not None and self.at_most < self.at_least:
            raise ValueError(f"at_most is {self.at_most}, less than at_least, {self.at_least}")
        return self
