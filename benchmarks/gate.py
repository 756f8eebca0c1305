"""Simulated nights with known truth: how often the gate and the trend alarm cry wolf, and what they find.

    python benchmarks/gate.py [--histories N] [--steps N] [--seed N]

Forty readings of eight cells: 24 durations, 8 memory peaks, 8 accuracies. Each night has noise that is correlated
from night to night (first order, 0.5), single spikes of 5 to 30 % (3 % of the values), and a machine whose speed
drifts (0.4 % a night, at random) and that is 8 % slower for twenty nights; readings follow the machine by 0.8 to 1.2
times, and the canary sees it with an error of 0.6 %. Fresh processes of a rerun scatter by 2 %, and 5 % of them have a
spike, too. Every night is judged as one of another model throughout, for only such a one can fail. The functions that
judge are the shipped ones.
"""

from __future__ import annotations

import argparse
import math
from dataclasses import dataclass

import numpy as np

from bench.history.effects import scale_of
from bench.history.quality import power_of
from bench.history.screen import screen
from bench.history.series import Point, Series
from bench.history.settle import LEVEL, ROUNDS, Question, adjusted, is_refuted, judge
from bench.history.trend import trend_alarm
from bench.stats.paired import mcnemar

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
EXAMPLES, DISAGREEMENT = 1000, 0.10
FOUND_WITHIN = 15


@dataclass(frozen=True)
class World:
    """One machine over the nights."""

    speed: np.ndarray
    """Log of its slowness, shape `(nights,)`."""
    canary: np.ndarray
    """What the canary sees of it, in seconds."""


def world(nights: int, rng: np.random.Generator) -> World:
    speed = np.cumsum(rng.normal(0, DRIFT, nights))
    start = int(rng.integers(nights // 4, nights - SLOW_NIGHTS))
    speed[start : start + SLOW_NIGHTS] += SLOW_MACHINE
    return World(speed, np.exp(speed + rng.normal(0, CANARY_ERROR, nights)) * 0.004)


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


def series_of(reading: str, unit: str, larger: bool, values: np.ndarray, machine: World) -> Series:
    points = tuple(
        Point(f"n{i:04d}", f"{i:04d}", float(value), None, None, None, 0, float(machine.canary[i]))
        for i, value in enumerate(values)
    )
    return Series("m", "float32", "t", reading, larger, points, unit)


def until(series: Series, night: int) -> Series:
    return Series(*series.key, series.larger_is_better, series.points[: night + 1], series.unit)


def suite(machine: World, rng: np.random.Generator) -> list[Series]:
    nights = machine.speed.size
    found = [series_of("latency_p50_s", "s", False, duration(machine, rng), machine) for _ in range(DURATIONS)]
    for _ in range(PEAKS):
        peaks = 3e8 * np.exp(0.004 * correlated(nights, rng))
        found.append(series_of("peak_rss_bytes", "bytes", False, peaks, machine))
    for _ in range(SCORES):  # weights do not change: the same answers every night
        found.append(series_of("accuracy", "ratio", True, np.full(nights, rng.uniform(0.7, 0.95)), machine))
    return found


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


def rerun(suspects: list[tuple[Series, float, float]], rng: np.random.Generator) -> tuple[list[str], int]:
    """Returns the verdict on each suspected series with its true shift and the one at first sight, and the pairs that
    were run."""
    pairs = [processes(ROUNDS[-1], shift, rng) for _, shift, _ in suspects]
    verdicts, done = ["unchanged"] * len(suspects), 0
    for look in ROUNDS:
        questions = [
            Question(old[:look], new[:look], scale_of(s.reading, s.unit).step, s.larger_is_better)
            for (s, *_), (old, new) in zip(suspects, pairs, strict=True)
        ]
        judged = judge(questions)
        verdicts, done = [one.verdict for one in judged], look
        if not any(one.open for one in judged):
            break
    for i, (one, question, (_, _, first)) in enumerate(zip(judged, questions, suspects, strict=True)):
        assert one.settled is not None
        if verdicts[i] == "unchanged" and not is_refuted(one.settled, question.step, question.larger_is_better, first):
            verdicts[i] = "suspected"
    return verdicts, done * len(suspects)


def gate_night(readings: list[Series], night: int, shifts: dict[int, float], rng: np.random.Generator):
    """Returns (series, verdict) of what was suspected on a night, and the pairs of processes that it cost."""
    suspects = []
    for number, series in enumerate(readings):
        if series.unit == "ratio":
            continue
        seen = until(series, night)
        found = screen(seen, seen.points[night], seen.points[night - 1], changed=True)
        if found is not None and found.suspected:
            suspects.append((number, series, found.shift if found.worse else 0.0))
    if not suspects:
        return [], 0
    verdicts, cost = rerun([(series, shifts.get(number, 0.0), first) for number, series, first in suspects], rng)
    return [(number, said) for (number, *_), said in zip(suspects, verdicts, strict=True)], cost


def false_alarms(histories: int, rng: np.random.Generator) -> dict[str, float]:
    alarms = fails = cost = nights = suspicions = unsettled = 0
    for _ in range(histories):
        machine = world(NIGHTS, rng)
        readings = suite(machine, rng)
        ringing = [False] * len(readings)
        for night in range(BURN_IN, NIGHTS):
            nights += 1
            for i, series in enumerate(readings):
                alarm = trend_alarm(until(series, night)) is not None
                alarms += alarm and not ringing[i]
                ringing[i] = alarm
            said, pairs = gate_night(readings, night, {}, rng)
            suspicions, cost = suspicions + len(said), cost + pairs
            fails += any(verdict == "regressed" for _, verdict in said)
            unsettled += any(verdict == "suspected" for _, verdict in said)
    return {
        "nights": nights, "alarms": alarms, "fails": fails, "suspicions": suspicions, "pairs": cost,
        "unsettled": unsettled,
    }  # fmt: skip


def trend_power(step: float, steps: int, rng: np.random.Generator) -> float:
    found = 0
    for _ in range(steps):
        machine, at = world(NIGHTS, rng), int(rng.integers(BURN_IN, NIGHTS - FOUND_WITHIN))
        series = series_of("latency_p50_s", "s", False, duration(machine, rng, step, at), machine)
        alarms = (trend_alarm(until(series, at + k)) for k in range(FOUND_WITHIN))
        found += any(alarm is not None and alarm.worse for alarm in alarms)
    return found / steps


def gate_power(step: float, steps: int, rng: np.random.Generator) -> float:
    """Returns how often a step in one of the forty readings fails the very night that it comes."""
    found = 0
    for _ in range(steps):
        machine, at = world(NIGHTS, rng), int(rng.integers(BURN_IN, NIGHTS))
        readings = suite(machine, rng)
        readings[0] = series_of("latency_p50_s", "s", False, duration(machine, rng, step, at), machine)
        said, _ = gate_night(readings, at, {0: math.log1p(step)}, rng)
        found += (0, "regressed") in said
    return found / steps


def quality_gate(drop: float, nights: int, rng: np.random.Generator) -> float:
    """Returns how often a new model fails the gate: eight accuracies, one of them with a true drop."""
    found = 0
    for _ in range(nights):
        p_values, drops = [], []
        for reading in range(SCORES):
            worse = drop if reading == 0 else 0.0
            broken = rng.binomial(EXAMPLES, (DISAGREEMENT + worse) / 2)
            fixed = rng.binomial(EXAMPLES, (DISAGREEMENT - worse) / 2)
            p_values.append(mcnemar(broken, fixed))
            drops.append((broken - fixed) / EXAMPLES)
        certain = [
            p <= LEVEL and d >= scale_of("accuracy", "ratio").minimum
            for p, d in zip(adjusted(p_values), drops, strict=True)
        ]
        found += certain[0] if drop else any(certain)
    return found / nights


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--histories", type=int, default=20, help="of 100 nights each")
    parser.add_argument("--steps", type=int, default=500, help="simulated steps of each size")
    parser.add_argument("--seed", type=int, default=7)
    given = parser.parse_args()
    rng = np.random.default_rng(given.seed)
    clean = false_alarms(given.histories, rng)
    per = 100 / clean["nights"]
    print(f"{clean['nights']} clean nights of {DURATIONS + PEAKS + SCORES} readings")
    print(f"  trend alarms            {clean['alarms'] * per:.2f} per 100 nights")
    print(f"  nights failed by gate   {clean['fails'] * per:.2f} per 100 nights")
    print(f"  both (at most 1)        {(clean['alarms'] + clean['fails']) * per:.2f} per 100 nights")
    print(f"  nights left suspected   {clean['unsettled'] * per:.2f} per 100 nights")
    print(f"  suspicions              {clean['suspicions'] * per:.0f} per 100 nights")
    print(f"  pairs run again         {clean['pairs'] * per:.0f} per 100 nights")
    for step, least in ((0.05, 0.70), (0.10, 0.90)):
        share = trend_power(step, given.steps, rng)
        print(f"trend, {step:.0%} step within {FOUND_WITHIN} nights: {share:.1%} found (at least {least:.0%})")
    for step in (0.05, 0.10):
        share = gate_power(step, given.steps, rng)
        least = " (at least 90%)" if step == 0.10 else ""
        print(f"gate with rerun, {step:.0%} step the same night: {share:.1%} found{least}")
    error = math.sqrt(DISAGREEMENT - 0.02**2) / math.sqrt(EXAMPLES)
    print(f"quality, n = {EXAMPLES}, {DISAGREEMENT:.0%} disagreement, {SCORES} readings, level {LEVEL}:")
    print(f"  new models that are no worse and fail: {quality_gate(0.0, 2000, rng):.2%}")
    print(f"  a drop of 2 points found: {quality_gate(0.02, 2000, rng):.1%}; power printed {power_of(0.02, error):.1%}")
    print(f"  a drop of 5 points found: {quality_gate(0.05, 2000, rng):.1%}; power printed {power_of(0.05, error):.1%}")


if __name__ == "__main__":
    main()
