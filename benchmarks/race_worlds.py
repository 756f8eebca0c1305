"""Worlds that `race.py` races in: what every candidate would answer to every example, before anybody is asked.

Simulated ones draw how able the candidates and how hard the examples are; stored ones are answers of a real run.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bench.metrics.base import Metric
from bench.metrics.catalogue import METRICS
from bench.store import Store
from bench.summary import summarise_run

Floats = NDArray[np.float64]
FOLDER = Path(__file__).parent / "race_answers"
COST = "latency_p50_s"


@dataclass(frozen=True)
class World:
    """One data set, fully answered."""

    statistics: Floats
    """Shape `(M, N, k)`, rows of the metric's sufficient statistics."""
    costs: Floats
    """Median latency in seconds, shape `(M,)`."""
    metric: str = "accuracy"
    groups: tuple[str | None, ...] = ()
    """Of each example; empty for independent ones."""


@dataclass(frozen=True)
class Kind:
    """A kind of world, drawn anew for each race."""

    name: str
    draw: Callable[[np.random.Generator], World]
    tied: bool = False
    """Whether all candidates are truly alike, so that nothing can be decided early."""
    rule: dict[str, object] = field(default_factory=dict)
    """The suite's `decision`, as far as it differs from the defaults."""


def make_metric(name: str) -> Metric:
    return METRICS[name]()


def _means(scores: Floats) -> Floats:
    """Make rows `(score, 1)` of scores of shape `(N, M)`."""
    return np.stack([scores.T, np.ones_like(scores.T)], axis=-1)


def _costs(rng: np.random.Generator, models: int) -> Floats:
    return np.asarray(0.01 * rng.lognormal(0, 0.5, models))


def _answered(skill: Floats, hardness: Floats, rng: np.random.Generator) -> Floats:
    """Answer by item response: the chance is logistic in a slope times skill less hardness; shape `(N, M)`."""
    slope = rng.lognormal(0, 0.3, len(hardness))[:, None]
    chance = 1 / (1 + np.exp(-slope * (skill[None] - hardness[:, None])))
    return (rng.random(chance.shape) < chance).astype(np.float64)


def right_or_wrong(models: int, examples: int, spread: float, *, ease: float = 0.8) -> Callable[..., World]:
    """Make worlds of answers that are right or wrong, of candidates whose skills spread so much."""

    def draw(rng: np.random.Generator) -> World:
        skill, hardness = rng.normal(ease, spread, models), rng.normal(0, 1, examples)
        return World(_means(_answered(skill, hardness, rng)), _costs(rng, models))

    return draw


def top_two(models: int, examples: int, apart: float) -> Callable[..., World]:
    """Make worlds in which two candidates lead, close to each other."""

    def draw(rng: np.random.Generator) -> World:
        skill = np.concatenate([[1.5, 1.5 - apart], rng.normal(0.5, 0.5, models - 2)])
        return World(_means(_answered(skill, rng.normal(0, 1, examples), rng)), _costs(rng, models))

    return draw


def twins(models: int, examples: int) -> Callable[..., World]:
    """Make worlds in which candidates are copies that differ in few answers, as after quantisation."""

    def draw(rng: np.random.Generator) -> World:
        right = _answered(np.full(models, 0.8), rng.normal(0, 1, examples), rng)
        for m in range(0, models - 1, 2):
            flipped = rng.random(examples) < 0.01
            right[:, m + 1] = np.where(flipped, 1 - right[:, m], right[:, m])
        return World(_means(right), _costs(rng, models))

    return draw


def overlap(models: int, examples: int, spread: float) -> Callable[..., World]:
    """Make worlds of scores from 0 to 1 as of ROUGE, with many at 0."""

    def draw(rng: np.random.Generator) -> World:
        level = rng.normal(0.3, spread, models)[None] + rng.normal(0, 0.1, examples)[:, None]
        scores = np.clip(level + rng.normal(0, 0.15, (examples, models)), 0, 1)
        return World(_means(scores), _costs(rng, models), "rougeL")

    return draw


def grouped(models: int, examples: int, spread: float) -> Callable[..., World]:
    """Make worlds of answers in groups of 1 to 12, of which each candidate knows some better than others."""

    def draw(rng: np.random.Generator) -> World:
        group = np.repeat(np.arange(examples), rng.integers(1, 13, examples))[:examples]
        own = rng.normal(0, 0.8, (examples, models))[group]
        skill, hardness = rng.normal(0.8, spread, models), rng.normal(0, 1, examples)
        chance = 1 / (1 + np.exp(-(skill[None] + own - hardness[:, None])))
        right = (rng.random(chance.shape) < chance).astype(np.float64)
        return World(_means(right), _costs(rng, models), groups=tuple(f"g{g}" for g in group))

    return draw


def stored(path: Path, task: str) -> Callable[..., World]:
    """Make a world of the answers of a real run; only the order is drawn anew."""
    with np.load(path) as file:
        world = World(file[f"{task}.statistics"].astype(np.float64), file[f"{task}.costs"], str(file[f"{task}.metric"]))
    return lambda _: world


def keep(results: Path, file: Path) -> None:
    """Keep the scores of the latest run of a results folder, by which it becomes a world: of each task the first
    metric of all that answered everything."""
    with Store.open(results, create=False) as store:
        entries = summarise_run(store.load("latest"))
    kept: dict[str, NDArray[np.float64] | NDArray[np.str_]] = {}
    for task in dict.fromkeys(entry.cell.task for entry in entries):
        own = [entry for entry in entries if entry.cell.task == task and entry.status == "ok" and entry.quality_metric]
        metric = str(own[0].quality_metric)
        kept[f"{task}.metric"] = np.array(metric)
        kept[f"{task}.names"] = np.array([entry.candidate for entry in own])
        kept[f"{task}.costs"] = np.array([entry.efficiency[COST].value or np.nan for entry in own])
        kept[f"{task}.statistics"] = np.array([entry.statistics[metric] for entry in own])
    np.savez_compressed(file, **kept)  # type: ignore[arg-type]


SIMULATED = (
    Kind("item response, 10 × 1000", right_or_wrong(10, 1000, 0.7)),
    Kind("item response, 30 × 1000", right_or_wrong(30, 1000, 0.7)),
    Kind("item response, 20 × 5000", right_or_wrong(20, 5000, 0.7)),
    Kind("near one another, 10 × 1000", right_or_wrong(10, 1000, 0.12)),
    Kind("near one another, 30 × 2000", right_or_wrong(30, 2000, 0.12)),
    Kind("two lead, a point apart, 10 × 2000", top_two(10, 2000, 0.07)),
    Kind("nearly all right, 10 × 1000", right_or_wrong(10, 1000, 0.7, ease=4.5)),
    Kind("as ROUGE, 10 × 1000", overlap(10, 1000, 0.04)),
    Kind("as ROUGE, 30 × 3000", overlap(30, 3000, 0.04)),
    Kind("in groups, 10 × 1500", grouped(10, 1500, 0.7)),
    Kind("cheapest within a point, 10 × 2000", right_or_wrong(10, 2000, 0.5), rule={"rule": "cheapest-within-epsilon"}),
    Kind(
        "weighted, 10 × 2000",
        right_or_wrong(10, 2000, 0.5),
        rule={"rule": "weighted", "rates": {COST: "10 ms per 0.02"}},
    ),
    Kind("quantised twins, 10 × 2000", twins(10, 2000), tied=True),
    Kind("all alike, 10 × 1000", right_or_wrong(10, 1000, 0.0), tied=True),
    Kind("all alike, 30 × 2000", right_or_wrong(30, 2000, 0.0), tied=True),
    Kind("all alike as ROUGE, 10 × 1000", overlap(10, 1000, 0.0), tied=True),
)


def worlds() -> Iterator[Kind]:
    """List the stored answers and the simulations."""
    for path in sorted(FOLDER.glob("*.npz")):
        with np.load(path) as file:
            tasks = sorted(name.removesuffix(".metric") for name in file.files if name.endswith(".metric"))
        for task in tasks:
            yield Kind(f"{path.stem}: {task}", stored(path, task))
    yield from SIMULATED
