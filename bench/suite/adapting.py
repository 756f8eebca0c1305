"""What the suite says of an adapter: a checkpoint that changes another one."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class AdapterSpec(BaseModel):
    """How an adapter is put on its base."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, use_attribute_docstrings=True)

    base: str | None = None
    """The checkpoint that it changes, over the one that its `adapter_config.json` names: a folder or a Hub name."""
    merge: bool = True
    """Add the changes to the base's weights, so that the model is as fast as the base; `false` computes them beside."""
