"""How often a certified front is wrong, by simulation of whole runs with a known truth.

    python benchmarks/fronts.py [--runs 300] [--replicates 1000]
    python benchmarks/fronts.py --seed 100 --runs 100 --setting close --json FILE    # a part, added to FILE

Runs are numbered from --seed, and a run depends on its number alone: parts that are collected in one --json file give
the very tallies of one long call.

Each run draws models with true qualities, latencies and sizes, makes examples and timings from them, and
sends the records through the same code as a real run. A run counts as wrong once any model that is not on the
true front is certified to be on it; it counts as an exclusion once any true member is said to be dominated.
Both must stay within 5 % of runs. Beside them stands the naive front, of the values as observed.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bench.decision import Question, decide
from bench.decision.pareto import nondominated
from bench.record import Cell, Fact, Record, Sample, Timing
from bench.suite import CellJob, DataSpec, DecisionSpec, ModelSpec, TaskSpec
from bench.summary import summarise

Floats = NDArray[np.float64]
JOB = CellJob(
    model=ModelSpec(name="m", family="baseline", strategy="majority"),
    task=TaskSpec(name="t", kind="classification", data=DataSpec(builtin="pydocs"), metrics=["accuracy"]),
)
"""Of every cell, for its metrics."""
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
        cell = Cell(name, "encoder", "float32", "t", "classification", JOB, {"model": name})
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
    runs: int = 0
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
    tally.runs += 1
    tally.wrong += bool(said_on - members)
    tally.excluded += bool(said_out & members)
    tally.naive_wrong += bool(naive - members)
    tally.naive_missed += bool(members - naive)
    tally.members += len(members)
    tally.certified += len(said_on & members)
    tally.outsiders += setting.models - len(members)
    tally.dominated += len(said_out - members)


def heading() -> None:
    print("Share of runs with at least one error:")
    print(
        f"{'':36}{'runs':>6}{'certified':>11}{'true member':>13}{'naive front':>13}{'naive front':>13}"
        "   power: share of"
    )
    print(f"{'':36}{'':6}{'wrong':>11}{'excluded':>13}{'wrong':>13}{'misses one':>13}   members / others settled")


def show(name: str, tally: Tally) -> None:
    shares = [tally.wrong, tally.excluded, tally.naive_wrong, tally.naive_missed]
    shown = "".join(
        f"{100 * count / tally.runs:>{width}.1f} %" for count, width in zip(shares, (9, 11, 11, 11), strict=True)
    )
    settled = tally.certified / max(1, tally.members), tally.dominated / max(1, tally.outsiders)
    print(
        f"{name:36}{tally.runs:>6}{shown}   {100 * settled[0]:.0f} % / {100 * settled[1]:.0f} %",
        flush=True,
    )


def collected(path: Path | None, replicates: int) -> dict[str, dict[int, Tally]]:
    """Returns what earlier calls put into the file: by setting and run number.

    Raises:
        SystemExit: they had other replicates.
    """
    if path is None or not path.exists():
        return {}
    found = json.loads(path.read_text(encoding="utf-8"))
    if found["replicates"] != replicates:
        raise SystemExit(f"{path} holds runs of {found['replicates']} replicates, not {replicates}; name another file")
    return {
        name: {int(seed): Tally(**tally) for seed, tally in runs.items()} for name, runs in found["settings"].items()
    }


def keep(path: Path, replicates: int, found: dict[str, dict[int, Tally]]) -> None:
    settings = {name: {seed: asdict(tally) for seed, tally in runs.items()} for name, runs in found.items()}
    path.write_text(json.dumps({"replicates": replicates, "settings": settings}) + "\n", encoding="utf-8")


def total(runs: dict[int, Tally]) -> Tally:
    every = [asdict(tally) for tally in runs.values()]
    return Tally(**{key: sum(one[key] for one in every) for key in asdict(Tally())})


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=300)
    parser.add_argument("--seed", type=int, default=0, help="number of the first run")
    parser.add_argument("--replicates", type=int, default=1000)
    parser.add_argument("--setting", default="", help="only settings whose name contains this")
    parser.add_argument("--json", type=Path, help="collect the runs here, beside those of earlier calls")
    args = parser.parse_args()
    found = collected(args.json, args.replicates)
    heading()
    for setting in SETTINGS:
        if args.setting not in setting.name:
            continue
        runs = found.setdefault(setting.name, {})
        for seed in range(args.seed, args.seed + args.runs):
            if seed not in runs:
                runs[seed] = Tally()
                one_run(setting, seed, args.replicates, runs[seed])
        show(setting.name, total(runs))
        if args.json:
            keep(args.json, args.replicates, found)


if __name__ == "__main__":
    main()
