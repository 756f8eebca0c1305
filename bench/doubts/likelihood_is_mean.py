"""The doubt that log-likelihoods are means over tokens, not sums: they do not grow with the texts."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from bench.doubts.base import DoubtKind, Evidence, Stage
from bench.record import Sample

FEWEST = 8
"""Texts below which nothing is said."""
RATIO = 2.0
"""Longest by shortest text from which lengths vary enough to see whether likelihoods follow them."""
FLAT = 0.3
"""Power of the length with which likelihoods grow that is no growth: of sums it is near 1, of means near 0."""
LOW, IMPOSSIBLE = 0.5, 0.1
"""Bits per byte: what large models reach on prose is above the first. Texts of one length are judged by the second,
which only a model that knows them by heart goes below."""


@dataclass(frozen=True, kw_only=True)
class LikelihoodIsMean(DoubtKind):
    """The negative log-likelihoods of an own model look like means over tokens."""

    code: ClassVar[str] = "likelihood_is_mean"
    title: ClassVar[str] = "Likelihoods look like means"
    advice: ClassVar[str] = "return the sum from 'log_likelihood', not the mean (as the loss of transformers is)"
    stage: ClassVar[Stage | None] = "scored"
    told: ClassVar[bool] = True

    bits_per_byte: float
    power: float | None
    """With which power of the length likelihoods grow; None where all texts are about as long."""
    factory: str

    @property
    def message(self) -> str:
        """Give the bits per byte, and the growth."""
        growth = "" if self.power is None else " and do not grow with the length of the text"
        return (
            f"the likelihoods of '{self.factory}' come to {self.bits_per_byte:.2g} bits per byte{growth}: they look "
            "like means over tokens"
        )

    @property
    def remedy(self) -> str:
        """Say what to multiply by."""
        return f"{self.advice}: multiply by the scored tokens; or see that the model does not know the texts"

    @classmethod
    def examine(cls, evidence: Evidence) -> Iterable[DoubtKind]:
        """Compare the likelihoods with the lengths; the families of bench sum them themselves."""
        job = None if evidence.cell is None else evidence.cell.job
        if job is None or job.model.factory is None:
            return
        judged = [sample for sample in evidence.samples if sample.nll and sample.scored_bytes]
        if len(judged) < FEWEST:
            return
        size = sum(sample.scored_bytes or 0 for sample in judged)
        bits = sum(sample.nll or 0.0 for sample in judged) / math.log(2) / size
        power = growth(judged)
        if bits < (IMPOSSIBLE if power is None else LOW) and (power is None or power < FLAT):
            yield cls(bits_per_byte=bits, power=power, factory=job.model.factory, readings=evidence.metrics)


def growth(samples: Sequence[Sample]) -> float | None:
    """Find with which power of the length likelihoods grow, by least squares of the logarithms; None where texts are
    about as long as each other."""
    sizes = np.log([sample.scored_bytes or 1 for sample in samples])
    if np.ptp(sizes) < math.log(RATIO):
        return None
    nats = np.log([max(sample.nll or 0.0, 1e-9) for sample in samples])
    centred = sizes - sizes.mean()
    return float(centred @ (nats - nats.mean()) / (centred @ centred))
