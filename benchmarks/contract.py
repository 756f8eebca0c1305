"""What every benchmark here shares: options, interleaved repeats, ratios with an interval, PASS or FAIL, an exit code.

A benchmark is a script. It measures, tells numbers, and holds some of them to a bound:

    contract = Contract()
    contract.tell("bench --help: 92 ms")
    contract.hold("ratio", 31.0, at_least=20.0)    # PASS  ratio: 31 (at least 20)
    sys.exit(contract.close(arguments.json))

The exit code is 1 when any bound was missed. Bounds are judged by the number, not by the end of its interval: the
interval is there for the reader.
"""

from __future__ import annotations

import argparse
import json
import math
import random
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from bench.stats.order import interval_ranks

PASSED, FAILED = 0, 1


def make_parser(description: str | None, *, repeats: int | None = None) -> argparse.ArgumentParser:
    """Make the parser of a benchmark: its docstring as the help, `--json FILE`, and `--repeats` where it repeats.

    Args:
        description: the script's docstring.
        repeats: how often by default; None for a benchmark that has no repeats.
    """
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write the numbers and the verdict here")
    if repeats is not None:
        parser.add_argument("--repeats", type=int, default=repeats, help="default: %(default)s")
    return parser


@dataclass(frozen=True, slots=True)
class Ratio:
    """A ratio of two things that were measured in turn."""

    value: float
    """Median of the ratios of the pairs."""
    low: float
    """Lower end of the 95 % interval, exact from order statistics; NaN where there are too few pairs."""
    high: float
    pairs: int

    def __str__(self) -> str:
        """Show the ratio with its interval.

        >>> str(Ratio(2.0, 1.5, 2.5, 9))
        '2.000 (95 % interval 1.500 to 2.500, 9 pairs)'
        """
        if math.isnan(self.low):
            return f"{self.value:.3f} ({self.pairs} pairs, too few for an interval)"
        return f"{self.value:.3f} (95 % interval {self.low:.3f} to {self.high:.3f}, {self.pairs} pairs)"


def ratio_of(numerators: Sequence[float], denominators: Sequence[float]) -> Ratio:
    """Divide pair by pair, so that a drift of the machine falls on both sides of each.

    >>> ratio_of([2.0] * 6, [1.0] * 6)
    Ratio(value=2.0, low=2.0, high=2.0, pairs=6)
    """
    ratios = sorted(above / below for above, below in zip(numerators, denominators, strict=True))
    ranks = interval_ranks(len(ratios), 0.5)
    low, high = (math.nan, math.nan) if ranks is None else (ratios[ranks[0] - 1], ratios[ranks[1] - 1])
    return Ratio(statistics.median(ratios), low, high, len(ratios))


def interleaved(sides: Mapping[str, Callable[[], object]], repeats: int, seed: int = 0) -> dict[str, list[float]]:
    """Time each side once per repeat, in random order; in seconds."""
    order, seconds = random.Random(seed), {name: list[float]() for name in sides}
    for _ in range(repeats):
        for name in order.sample(list(sides), len(sides)):
            start = time.perf_counter()
            sides[name]()
            seconds[name].append(time.perf_counter() - start)
    return seconds


class Spent(NamedTuple):
    """What one turn of a side took."""

    wall_s: float
    cpu_s: float
    """Of all threads of this process: what a neighbour on the same cores hardly changes."""


def in_blocks(
    sides: Mapping[str, Callable[[], object]], seconds: float, *, at_least: int, once: str | None = None
) -> dict[str, list[Spent]]:
    """Time sides in short blocks until the time is over; a block is one entry of each.

    In a block each side has a turn, and then again in the opposite order, so that a machine that gets faster or slower
    meanwhile does so for all of them alike.

    Args:
        sides: by name.
        seconds: after which no block begins.
        at_least: so many blocks, however long they take.
        once: a side that has one turn, in the middle, since it is slow and needs less precision.
    """
    spent: dict[str, list[Spent]] = {name: [] for name in sides}
    order = [name for name in sides if name != once]
    middle = [] if once is None else [once]
    start = time.perf_counter()
    while time.perf_counter() - start < seconds or len(spent[order[0]]) < at_least:
        turns: dict[str, list[Spent]] = {name: [] for name in sides}
        for name in [*order, *middle, *reversed(order)]:
            turns[name].append(_turn(sides[name]))
        for name, own in turns.items():
            mean_wall, mean_cpu = (sum(values) / len(own) for values in zip(*own, strict=True))
            spent[name].append(Spent(mean_wall, mean_cpu))
        order.reverse()
    return spent


def _turn(side: Callable[[], object]) -> Spent:
    cpu, wall = time.process_time(), time.perf_counter()
    side()
    return Spent(time.perf_counter() - wall, time.process_time() - cpu)


@dataclass(slots=True)
class Contract:
    """The numbers of a benchmark, and whether they keep their bounds."""

    lines: list[dict[str, object]] = field(default_factory=list)
    failed: bool = False

    def tell(self, text: str) -> None:
        """Print a line that promises nothing."""
        print(text, flush=True)

    def hold(
        self,
        name: str,
        value: float | Ratio,
        *,
        at_least: float | None = None,
        at_most: float | None = None,
        shown: str | None = None,
    ) -> bool:
        """Print a number with PASS or FAIL, and return whether it keeps its bounds; NaN keeps none.

        Args:
            name: what the number is.
            value: a number, or a ratio, which is judged by its value.
            at_least: the lowest value that passes.
            at_most: the highest value that passes.
            shown: the number as a person reads it, where that is not the plain number.
        """
        number = value.value if isinstance(value, Ratio) else value
        passed = not math.isnan(number)
        passed &= (at_least is None or number >= at_least) and (at_most is None or number <= at_most)
        bounds = [f"at least {at_least:g}"] if at_least is not None else []
        bounds += [f"at most {at_most:g}"] if at_most is not None else []
        text = shown or (str(value) if isinstance(value, Ratio) else f"{value:.4g}")
        print(f"{'PASS' if passed else 'FAIL'}  {name}: {text} ({', '.join(bounds)})", flush=True)
        self.lines.append(
            {"name": name, "value": number, "at_least": at_least, "at_most": at_most, "passed": passed}
            | ({"low": value.low, "high": value.high} if isinstance(value, Ratio) else {})
        )
        self.failed |= not passed
        return passed

    def require(self, name: str, passed: bool, shown: str = "") -> bool:
        """Print something that is so or not, with PASS or FAIL; return whether it is."""
        print(f"{'PASS' if passed else 'FAIL'}  {name}{': ' if shown else ''}{shown}", flush=True)
        self.lines.append({"name": name, "passed": passed, "shown": shown})
        self.failed |= not passed
        return passed

    def close(self, path: Path | None = None) -> int:
        """Write the lines to a file where one was asked for, and return the exit code."""
        if path is not None:
            path.write_text(json.dumps({"passed": not self.failed, "lines": self.lines}, indent=1) + "\n")
        return FAILED if self.failed else PASSED
