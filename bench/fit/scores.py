"""How good a training is on the rows that judge it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Scores:
    """How good the weights are on the validation split, each task weighing the same."""

    loss: float
    """Nats per target; of numbers the mean squared error in units of their variance; NaN without examples."""
    accuracy: float | None
    """Share of right labels, tags or next tokens; None for numbers, and where a factory's module keeps its own loss."""
