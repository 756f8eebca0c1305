"""The simulated world of `gate.py`: eight cells on a machine that drifts, with known truth.

Forty readings: 24 durations, 8 memory peaks, 8 accuracies. Each night has noise that is correlated from night to night
(first order, 0.5), single spikes of 5 to 30 % (3 % of the values), and a machine whose speed drifts (0.4 % a night, at
random) and that is 8 % slower for twenty nights; readings follow the machine by 0.8 to 1.2 times, and the canary sees
it with an error of 0.6 %. Fresh processes of a rerun scatter by 2 %, and 5 % of them have a spike, too.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from bench.history.series import Point, Series

DURATIONS, PEAKS, SCORES = 24, 8, 8
NIGHTS, BURN_IN = 145, 45
CORRELATION = 0.5
NOISE, NOISE_SPREAD, NOISE_MOST = 0.012, 0.4, 0.025
"""Median over readings of the standard deviation of a night, its spread (log), and the most."""
SPIKES, SPIKE_LEAST, SPIKE_MOST = 0.03, 0.05, 0.30
DRIFT, SLOW_MACHINE, SLOW_NIGHTS = 0.004, 0.08, 20
CANARY_ERROR = 0.006
PROCESS_NOISE = 0.02
"""Standard deviation between fresh processes of the rerun."""
PROCESS_SPIKES = 0.05


@dataclass(frozen=True)
class World:
    """One machine over the nights."""

    speed: np.ndarray
    """Log of its slowness, shape `(nights,)`."""
    canary: np.ndarray
    """What the canary sees of it, in seconds."""


def world(nights: int, rng: np.random.Generator, stays: float | None = None) -> World:
    """Returns a machine; one that is 8 % slower in a second mode, which the canary does not feel and which lasts from
    night to night with the chance `stays`, where that is given."""
    speed = np.cumsum(rng.normal(0, DRIFT, nights))
    start = int(rng.integers(nights // 4, nights - SLOW_NIGHTS))
    speed[start : start + SLOW_NIGHTS] += SLOW_MACHINE
    canary = np.exp(speed + rng.normal(0, CANARY_ERROR, nights)) * 0.004
    if stays is None:
        return World(speed, canary)
    changes = rng.random(nights) >= stays
    return World(speed + SLOW_MACHINE * (np.cumsum(changes) % 2), canary)


def correlated(nights: int, rng: np.random.Generator) -> np.ndarray:
    out = np.empty(nights)
    out[0] = rng.standard_normal()
    for i in range(1, nights):
        out[i] = CORRELATION * out[i - 1] + math.sqrt(1 - CORRELATION**2) * rng.standard_normal()
    return out


def duration(machine: World, rng: np.random.Generator, step: float = 0.0, at: int = NIGHTS) -> np.ndarray:
    """Returns seconds per night; from night `at` on by a share `step` more."""
    nights = machine.speed.size
    sigma = min(NOISE_MOST, NOISE * math.exp(NOISE_SPREAD * rng.standard_normal()))
    logs = math.log(0.010) + sigma * correlated(nights, rng) + rng.uniform(0.8, 1.2) * machine.speed
    spiked = rng.random(nights) < SPIKES
    logs[spiked] += rng.uniform(SPIKE_LEAST, SPIKE_MOST, int(spiked.sum()))
    logs[at:] += math.log1p(step)
    return np.exp(logs)


def series_of(reading: str, unit: str, larger: bool, values: np.ndarray, machine: World, model: str = "m") -> Series:
    points = tuple(
        Point(f"n{i:04d}", f"{i:04d}", float(value), None, None, None, 0, float(machine.canary[i]))
        for i, value in enumerate(values)
    )
    return Series(model, "float32", "t", reading, larger, points, unit)


def until(series: Series, night: int) -> Series:
    return Series(*series.key, series.larger_is_better, series.points[: night + 1], series.unit)


def latency(values: np.ndarray, machine: World, model: str = "m") -> Series:
    return series_of("latency_p50_s", "s", False, values, machine, model)


def wider(values: np.ndarray, machine: World, at: int, times: float) -> np.ndarray:
    """Returns the same seconds, but that from night `at` on they differ `times` as much from their usual level."""
    logs = np.log(values) - np.log(machine.canary)
    middle = float(np.median(logs))
    logs[at:] = middle + times * (logs[at:] - middle)
    return np.exp(logs) * machine.canary


def suite(machine: World, rng: np.random.Generator) -> list[Series]:
    nights = machine.speed.size
    found = [latency(duration(machine, rng), machine, f"m{cell_of(i)}") for i in range(DURATIONS)]
    for _ in range(PEAKS):
        peaks = 3e8 * np.exp(0.004 * correlated(nights, rng))
        found.append(series_of("peak_rss_bytes", "bytes", False, peaks, machine))
    for _ in range(SCORES):  # weights do not change: the same answers every night
        found.append(series_of("accuracy", "ratio", True, np.full(nights, rng.uniform(0.7, 0.95)), machine))
    return found


def cell_of(reading: int) -> int:
    """Returns which of the eight cells a reading of `suite` is of: each has three durations, a peak, an accuracy."""
    return reading * PEAKS // DURATIONS if reading < DURATIONS else (reading - DURATIONS) % PEAKS


def measured_again(series: Series, machine: World, night: int, rounds: int, rng: np.random.Generator) -> Point:
    """Returns the night's reading as the median of fresh processes of the same model an hour later: without that
    night's own noise, at the speed that the machine then has."""
    value = float(np.median([point.value for point in series.points[max(0, night - 10) : night]]))
    moved = machine.speed[night] - float(np.median(machine.speed[max(0, night - 10) : night]))
    follows = moved if series.unit == "s" else 0.0
    fresh = np.exp(follows + np.log(processes(rounds, 0.0, rng)[1]))
    canary = 0.004 * math.exp(machine.speed[night] + rng.normal(0, CANARY_ERROR))
    return series.points[night]._replace(value=value * float(np.median(fresh)), canary_s=canary)


def processes(rounds: int, shift: float, rng: np.random.Generator) -> tuple[list[float], list[float]]:
    """Returns what the fresh processes of an interleaved rerun read, of baseline and candidate."""
    drift = np.cumsum(rng.normal(0, DRIFT, rounds))
    sides = []
    for added in (0.0, shift):
        logs = drift + added + PROCESS_NOISE * rng.standard_normal(rounds)
        spiked = rng.random(rounds) < PROCESS_SPIKES
        logs[spiked] += rng.uniform(SPIKE_LEAST, SPIKE_MOST, int(spiked.sum()))
        sides.append([float(v) for v in np.exp(logs)])
    return sides[0], sides[1]
