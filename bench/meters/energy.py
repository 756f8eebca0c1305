"""The interface of an energy source, and what a reading of one says about itself.

A source either has a counter or a power reading of hardware, and then gets a window of its own, or it
estimates from what another pass already did. This module does not know which source a machine has (see
`bench.meters.cascade`).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Protocol

from bench.meters.memory import Poller


@dataclass(frozen=True, slots=True)
class Energy:
    """The energy of one window."""

    joules: float | None
    """None when it could not be read, never 0 for that."""
    seconds: float
    """Length of the window."""
    source: str
    """`nvml_counter`, `nvml_power_integral`, `rapl`, `estimate` or `unavailable`."""
    scope: str
    """What the figure covers: `GPU 0, whole board`, `CPU packages and DRAM`, …"""
    reason: str | None = None
    """Why `joules` is None, or what qualifies it."""
    low: float | None = None
    """Lower bound of the joules."""
    high: float | None = None
    """Upper bound of the joules."""
    stood_still: bool = False
    """Whether a counter answered throughout and did not move, which is why there are no joules."""


class EnergyMeter(Protocol):
    """One source of energy figures."""

    source: str
    scope: str
    hardware: bool
    """Whether it reads hardware, and so deserves a window of its own and an idle baseline."""
    poll_interval_s: float | None
    """How often `poll` must be called between `start` and `stop`; None for never."""

    def start(self) -> None:
        """Begin a window."""

    def poll(self) -> None:
        """Look at the source within a window."""

    def stop(self) -> Energy:
        """End the window and read its energy."""


class Unavailable:
    """The source of a machine that has none, or of a suite that says `energy: off`."""

    source = "unavailable"
    hardware = False
    poll_interval_s: float | None = None

    def __init__(self, reason: str, scope: str = "nothing") -> None:
        self.reason = reason
        self.scope = scope

    def start(self) -> None:
        """Do nothing: there is nothing to begin."""

    def poll(self) -> None:
        """Do nothing: there is nothing to look at."""

    def stop(self) -> Energy:
        """Give no figure, with the reason."""
        return Energy(None, 0.0, self.source, self.scope, self.reason)


@contextmanager
def metering(sources: Sequence[EnergyMeter], energies: list[Energy]) -> Iterator[None]:
    """Start the meters, poll each as often as it asks, and append what they saw to `energies` at the end."""
    for source in sources:
        source.start()
    pollers = [Poller(source.poll, source.poll_interval_s) for source in sources if source.poll_interval_s is not None]
    try:
        yield
    finally:
        for poller in pollers:
            poller.stop()
        energies += [source.stop() for source in sources]
