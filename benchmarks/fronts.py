"""How often a certified front is wrong, by simulation of whole runs with a known truth.

    python benchmarks/fronts.py [--runs 300] [--replicates 1000]

Each run draws models with true qualities, latencies and sizes, makes examples and timings from them, and
sends the records through the same code as a real run. A run counts as wrong once any model that is not on the
true front is certified to be on it; it counts as an exclusion once any true member is said to be dominated.
Both must stay within 5 % of runs. Beside them stands the naive front, of the values as observed.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bench.decide import Question, decide
from bench.decide.pareto import nondominated
from bench.record import Cell, Fact, Record, Sample, Timing
from bench.suite import DecisionSpec
from bench.summary import summarise

Floats = NDArray[np.float64]
OBJECTIVES = ("quality", "latency_p95_s", "weights_bytes")
P95 = 1.6448536


@dataclass(frozen=True)
class Setting:
    """A population of models."""

    name: str
    models: int
    examples: int
    requests: int
    kind: str
    """`spread`: models lie anywhere; `close`: near a common front; `ties`: pairs with the same true quality
    and latency."""


SETTINGS = (
    Setting("10 models, 300 examples, spread", 10, 300, 200, "spread"),
    Setting("10 models, 300 examples, close", 10, 300, 200, "close"),
    Setting("6 models, 100 examples, close", 6, 100, 100, "close"),
    Setting("10 models, 300 examples, true ties", 10, 300, 200, "ties"),
)


def truth(setting: Setting, rng: np.random.Generator) -> tuple[Floats, Floats, Floats]:
    """Returns true accuracy, median latency in seconds and weight bytes of each model."""
    m = setting.models
    effort = np.sort(rng.uniform(0, 1, m))
    lost = rng.uniform(0, 0.15, m) if setting.kind == "spread" else rng.uniform(0, 0.03, m)
    skill = np.clip(0.65 + 0.3 * effort**0.7 - lost, 0.05, 0.98)
    latency = 0.005 * np.exp(2.5 * effort + rng.normal(0, 0.5 if setting.kind == "spread" else 0.05, m))
    size = np.round(1e6 * np.exp(2 * effort), -4)
    if setting.kind == "ties":
        half = m // 2
        skill[half : 2 * half], latency[half : 2 * half] = skill[:half], latency[:half]
        size[:] = 1e6
    return skill, latency, size


def records(setting: Setting, rng: np.random.Generator, found: tuple[Floats, Floats, Floats]) -> list[Record]:
    """Returns one record per model; answers are correlated through how hard each example is."""
    skill, latency, size = found
    hard = rng.normal(size=setting.examples)
    out = []
    for index in range(setting.models):
        mixed = np.sqrt(0.5) * (hard + rng.normal(size=setting.examples))
        right = mixed < _normal_quantile(skill[index])
        samples = tuple(
            Sample(i, str(i), "yes", "yes" if ok else "no", (0.0, 0.0)) for i, ok in enumerate(right.tolist())
        )
        nanos = (1e9 * latency[index] * rng.lognormal(0, 0.25, setting.requests)).astype(int)
        timings = tuple(Timing("latency", 0, i, (i,), ns) for i, ns in enumerate(nanos.tolist()))
        name = f"m{index}"
        payload = {"task": {"name": "t", "kind": "classification", "metrics": ["accuracy"]}}
        cell = Cell(name, "encoder", "float32", "t", "classification", payload, {"model": name})
        facts = (Fact("weights_bytes", float(size[index]), "bytes", "torch"),)
        out.append(
            Record(
                cell,
                "ok",
                None,
                samples=samples,
                timings=timings,
                facts=facts,
                notes={"labels": ["no", "yes"]},
            )
        )
    return out


def _normal_quantile(p: float) -> float:
    from scipy.special import ndtri

    return float(ndtri(p))


@dataclass
class Tally:
    wrong: int = 0
    excluded: int = 0
    naive_wrong: int = 0
    naive_missed: int = 0
    members: int = 0
    certified: int = 0
    outsiders: int = 0
    dominated: int = 0


def one_run(setting: Setting, seed: int, replicates: int, tally: Tally) -> None:
    """Adds one simulated run to the tally."""
    rng = np.random.default_rng([seed, len(setting.name), setting.examples])
    found = truth(setting, rng)
    front = nondominated(np.column_stack([found[0], -found[1], -found[2]]))
    members = {f"m{i}" for i in np.flatnonzero(front)}
    question = Question(OBJECTIVES, rule=DecisionSpec(replicates=replicates))
    decision = decide(summarise(records(setting, rng, found)), question).tasks["t"]
    said_on = {s.name for s in decision.standings if s.label == "on the front"}
    said_out = {s.name for s in decision.standings if s.label == "dominated"}
    naive = set(decision.front.members)
    tally.wrong += bool(said_on - members)
    tally.excluded += bool(said_out & members)
    tally.naive_wrong += bool(naive - members)
    tally.naive_missed += bool(members - naive)
    tally.members += len(members)
    tally.certified += len(said_on & members)
    tally.outsiders += setting.models - len(members)
    tally.dominated += len(said_out - members)


def report(settings: Sequence[Setting], runs: int, replicates: int) -> None:
    print(f"{runs} runs each, {replicates} replicates. Share of runs with at least one error:")
    print(f"{'':36}{'certified':>11}{'true member':>13}{'naive front':>13}{'naive front':>13}   power: share of")
    print(f"{'':36}{'wrong':>11}{'excluded':>13}{'wrong':>13}{'misses one':>13}   members / others settled")
    for setting in settings:
        tally = Tally()
        for seed in range(runs):
            one_run(setting, seed, replicates, tally)
        shares = [tally.wrong, tally.excluded, tally.naive_wrong, tally.naive_missed]
        shown = "".join(
            f"{100 * count / runs:>{width}.1f} %" for count, width in zip(shares, (9, 11, 11, 11), strict=True)
        )
        settled = tally.certified / max(1, tally.members), tally.dominated / max(1, tally.outsiders)
        power = f"{100 * settled[0]:.0f} % / {100 * settled[1]:.0f} %"
        print(f"{setting.name:36}{shown}   {power}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=300)
    parser.add_argument("--replicates", type=int, default=1000)
    args = parser.parse_args()
    report(SETTINGS, args.runs, args.replicates)


if __name__ == "__main__":
    main()
