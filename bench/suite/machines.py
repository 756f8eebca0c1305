"""The section `machines` of a suite: on which machines of a cluster it may be measured."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field


class MachinesSpec(BaseModel):
    """Which machines of a cluster count; see docs/machines.md."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    like: Annotated[str, Field(min_length=1)] | None = None
    """A part of the name of a machine's GPU or CPU, such as `NVIDIA H100`; by default the kind with most machines."""
    at_least: int = Field(default=1, ge=1)
    """Machines of that kind without which nothing begins."""
