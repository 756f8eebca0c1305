"""Simulated nights with known truth: how often the gate and the trend alarm cry wolf, and what they find.

    python benchmarks/gate.py [--seeds 11 22 33] [--histories 10] [--steps 200] [--only trend|gate|quality|worlds]
        [--quick]

Every seed simulates `--histories` machines over 100 judged nights of forty readings (`gate_world.py`) and `--steps` of
each kind; the seeds are pooled. The functions that judge are the shipped ones. Each line of the contract is printed
with its 95 % interval (Poisson's for alarms, Wilson's for shares) and PASS or FAIL by the pooled number; the exit code
is 1 when a line fails.

Every clean night is judged twice: as one of the very same models, which is what a quiet night is, and as one on which
all eight models are others and none is worse, which is the only kind that can fail. False alarms are those of the
second and of the trend together; the cost is told for both.
"""

from __future__ import annotations

import math
import sys
from collections import Counter
from functools import cache

import gate_world as sim
import numpy as np
from contract import Contract, make_parser
from scipy.stats import chi2, norm

from bench.gate.quality import exact_power
from bench.gate.screen import screen
from bench.gate.settle import LEVEL, ROUNDS, PairedReading, adjusted, is_refuted, judge
from bench.gate.speed import BLIND_STEPS
from bench.history.effects import scale_of
from bench.history.series import Series
from bench.history.trend import trend_alarm, trend_alarms
from bench.stats.paired import POWER, mcnemar, mid_p_worse
from bench.stats.proportion import wilson

EXAMPLES, DISAGREEMENT, DROPS = 1000, 0.10, (0.02, 0.05)
FOUND_WITHIN = 15
MOST_ALARMS = 1.0
"""In 100 nights."""
LEAST = {0.05: 0.70, 0.10: 0.90}
LEAST_GATE = {0.10: 0.90}
MOST_FALSE = 1.3
"""Nights in 100 that fail though no model is worse: 1 by the level, and twice the standard error of 2000 nights."""
LEAST_QUALITY = {(0.02, 1): 0.33, (0.02, 8): 0.13, (0.05, 1): 0.98, (0.05, 8): 0.95}
"""Share of the drops that are found, by the drop and how many of eight models changed."""
POWER_APART = 0.005
"""Between the power printed and the share found, beyond the interval of the latter."""

Said = dict[int, str]
"""Verdict of each reading that was run again, by its number."""


def rerun(suspects: dict[int, tuple[Series, float, float]], rng: np.random.Generator) -> tuple[Said, int]:
    """Returns verdicts on suspected series, from their true shift and the one at first sight, and the pairs of
    processes; a cell goes on while one of its readings is open, and all its readings are read in the same processes."""
    pairs = {i: sim.processes(ROUNDS[-1], shift, rng) for i, (_, shift, _) in suspects.items()}
    done = dict.fromkeys((sim.cell_of(i) for i in suspects), 0)
    still = set(done)
    for look in ROUNDS:
        done |= dict.fromkeys(still, look)
        questions = {
            i: PairedReading(*(side[: done[sim.cell_of(i)]] for side in pairs[i]), step_of(s), s.larger_is_better)
            for i, (s, *_) in suspects.items()
        }
        judged = dict(zip(questions, judge(list(questions.values())), strict=True))
        still = {sim.cell_of(i) for i, one in judged.items() if one.open}
        if not still:
            break
    said: Said = {}
    for i, (series, _, first) in suspects.items():
        found = judged[i].settled
        assert found is not None
        refuted = is_refuted(found, step_of(series), series.larger_is_better, first)
        said[i] = "suspected" if judged[i].verdict == "unchanged" and not refuted else judged[i].verdict
    return said, sum(done.values())


def step_of(series: Series) -> float:
    return scale_of(series.reading, series.unit).step


def other_models(
    readings: list[Series], night: int, shifts: dict[int, float], rng: np.random.Generator
) -> tuple[Said, int]:
    """Returns what the gate says of a night on which every model is another one, and the pairs that it cost."""
    suspects = {}
    for number, series in enumerate(readings):
        found = first_look(series, night, changed=True)
        if found is None:
            continue
        seen = found.threshold + float(norm.ppf(POWER)) * (found.spread or 0.0)
        if found.suspected or seen > BLIND_STEPS * step_of(series):
            suspects[number] = (series, shifts.get(number, 0.0), found.shift if found.worse else 0.0)
    return rerun(suspects, rng) if suspects else ({}, 0)


def first_look(series: Series, night: int, *, changed: bool):
    if series.is_quality:
        return None
    seen = sim.until(series, night)
    return screen(seen, seen.points[night], seen.points[night - 1], changed=changed)


def same_models(readings: list[Series], machine: sim.World, night: int, rng: np.random.Generator) -> tuple[int, int]:
    """Returns how many readings of the very same models are left suspected, and the processes run again: the first
    look's rounds of the candidate alone (`bench.gate.alone`)."""
    left, cells = 0, set()
    for number, series in enumerate(readings):
        found = first_look(series, night, changed=False)
        if found is None or not found.suspected:
            continue
        cells.add(sim.cell_of(number))
        now = sim.measured_again(series, machine, night, ROUNDS[0], rng)
        again = screen(series, now, series.points[night - 1])
        left += (
            again is not None
            and again.suspected
            and again.worse
            and (found.is_extraordinary and again.is_extraordinary)
        )
    return left, ROUNDS[0] * len(cells)


def clean_nights(histories: int, parts: set[str], rng: np.random.Generator) -> Counter[str]:
    count: Counter[str] = Counter()
    for _ in range(histories):
        machine = sim.world(sim.NIGHTS, rng)
        readings = sim.suite(machine, rng)
        ringing = [False] * len(readings)
        for night in range(sim.BURN_IN, sim.NIGHTS):
            count["nights"] += 1
            if "trend" in parts:
                until = [sim.until(series, night) for series in readings]
                own = {id(alarm.series) for alarm in trend_alarms(until)[0]}
                now = [id(series) in own for series in until]
                count["alarms"] += sum(new and not old for new, old in zip(now, ringing, strict=True))
                ringing = now
            if "gate" in parts:
                said, pairs = other_models(readings, night, {}, rng)
                count += Counter(pairs=pairs, looked_at=len(said), fails="regressed" in said.values())
                left, processes = same_models(readings, machine, night, rng)
                count += Counter(processes=processes, left=left > 0, unsettled="suspected" in said.values())
    return count


def trend_finds(step: float, steps: int, rng: np.random.Generator) -> int:
    found = 0
    for _ in range(steps):
        machine, at = sim.world(sim.NIGHTS, rng), int(rng.integers(sim.BURN_IN, sim.NIGHTS - FOUND_WITHIN))
        series = sim.latency(sim.duration(machine, rng, step, at), machine)
        alarms = (trend_alarm(sim.until(series, at + k)) for k in range(FOUND_WITHIN))
        found += any(alarm is not None and alarm.worse for alarm in alarms)
    return found


def gate_finds(step: float, steps: int, rng: np.random.Generator) -> Counter[str]:
    """Returns how often a step in one of the forty readings fails the very night that it comes, and the pairs."""
    count: Counter[str] = Counter()
    for _ in range(steps):
        machine, at = sim.world(sim.NIGHTS, rng), int(rng.integers(sim.BURN_IN, sim.NIGHTS))
        readings = sim.suite(machine, rng)
        readings[0] = sim.latency(sim.duration(machine, rng, step, at), machine)
        said, pairs = other_models(readings, at, {0: math.log1p(step)}, rng)
        count += Counter(found=said.get(0) == "regressed", pairs=pairs)
    return count


def quality_finds(drop: float, nights: int, changed: int, rng: np.random.Generator) -> Counter[str]:
    """Returns how often a new model fails the gate: eight accuracies of which `changed` are of other models and one has
    a true drop, by the shipped test, and by the one before (old): two-sided, exact, over all eight."""
    p_of = cache(mcnemar)
    drops = np.zeros(changed)
    drops[0] = drop
    broken = rng.binomial(EXAMPLES, (DISAGREEMENT + drops) / 2, (nights, changed))
    fixed = rng.binomial(EXAMPLES - broken, (DISAGREEMENT - drops) / 2 / (1 - (DISAGREEMENT + drops) / 2))
    mid_p, count = mid_p_worse(broken, fixed), Counter[str]()
    same = [1.0] * (sim.SCORES - changed)
    for b, f, one_sided in zip(broken, fixed, mid_p, strict=True):
        large = (b - f) / EXAMPLES >= scale_of("accuracy", "ratio").minimum
        exact = adjusted([*(p_of(int(x), int(y)) for x, y in zip(b, f, strict=True)), *same])
        for name, p_values in (("new", adjusted(one_sided.tolist())), ("old", exact)):
            certain = (np.array(p_values[:changed]) <= LEVEL) & large
            count[name] += bool(certain[0] if drop else certain.any())
    return count


def world_nights(name: str, histories: int, rng: np.random.Generator) -> Counter[str]:
    """Counts false alarms of nights in a world that no constant was tuned on."""
    count: Counter[str] = Counter()
    for _ in range(histories):
        stays = {"bimodal, stays 5 nights": 0.8, "bimodal, stays 10 nights": 0.9}.get(name)
        machine = sim.world(sim.NIGHTS, rng, stays)
        readings = sim.suite(machine, rng)
        if name == "three times the spread":
            for place in range(0, sim.DURATIONS, 3):
                values = np.array([point.value for point in readings[place].points])
                wide = sim.wider(values, machine, sim.BURN_IN + 5, 3.0)
                readings[place] = sim.latency(wide, machine, readings[place].model)
        ringing: dict[str, set[object]] = {"old": set(), "level": set(), "spread": set()}
        for night in range(sim.BURN_IN, sim.NIGHTS):
            count["nights"] += 1
            until = [sim.until(series, night) for series in readings[: sim.DURATIONS]]
            places = {id(series): place for place, series in enumerate(until)}
            own, _ = trend_alarms(until)
            now: dict[str, set[object]] = {"level": set(), "spread": set()}
            for alarm in own:
                now[alarm.kind].add(places[id(alarm.series)])
            now["old"] = {place for place, series in enumerate(until) if trend_alarm(series) is not None}
            for kind, rings in now.items():
                count[kind] += len(rings - ringing[kind])
            ringing = now
            if night % 5 == 0:
                said, _ = other_models(readings, night, {}, rng)
                count += Counter(judged=1, fails="regressed" in said.values())
    return count


OTHER_WORLDS = ("bimodal, stays 5 nights", "bimodal, stays 10 nights", "three times the spread")
MOST_ELSEWHERE = 1.0


def tell_worlds(contract: Contract, histories: int, seed: int) -> None:
    """Print how often alarms are false in worlds that no constant was tuned on; old is each series alone."""
    report = Report(contract)
    for number, name in enumerate(OTHER_WORLDS):
        count = world_nights(name, histories, np.random.default_rng([seed, number]))
        nights = count["nights"]
        report.rate(f"{name}: each series alone (old)", count["old"], nights)
        report.rate(f"{name}: false alarms of the trend", count["level"], nights, MOST_ELSEWHERE)
        report.rate(f"{name}: nights failed by the gate", count["fails"], max(1, count["judged"]), MOST_ELSEWHERE)
        report.rate(f"{name}: told as a change of spread", count["spread"], nights)
        if name == "three times the spread":
            report.share(
                "  of the series that spread three times as much, told so",
                min(count["spread"], 8 * histories),
                8 * histories,
                0.5,
            )


def one_seed(seed: int, histories: int, steps: int, parts: set[str]) -> Counter[str]:
    rng = np.random.default_rng(seed)
    count = clean_nights(histories, parts, rng) if parts & {"trend", "gate"} else Counter()
    for step in LEAST:
        if "trend" in parts:
            count[f"trend {step}"] += trend_finds(step, steps, rng)
        if "gate" in parts:
            found = gate_finds(step, steps, rng)
            count += Counter({f"gate {step}": found["found"], f"gate {step} pairs": found["pairs"]})
    if "quality" in parts:
        for drop in (0.0, *DROPS):
            for changed in (1, sim.SCORES):
                found = quality_finds(drop, 10 * steps, changed, rng)
                count += Counter({f"quality {drop} {changed} {name}": number for name, number in found.items()})
    return count


class Report:
    """The numbers that were counted, with their intervals, as lines of the contract."""

    def __init__(self, contract: Contract) -> None:
        self.contract = contract

    def line(self, what: str, value: str, passed: bool | None = None) -> None:
        if passed is None:
            self.contract.tell(f"      {what}: {value}")
        else:
            self.contract.require(what, passed, value)

    def share(self, what: str, found: int, n: int, least: float | None = None) -> None:
        low, high = wilson(found, n) or (0.0, 1.0)
        asked = "" if least is None else f"; at least {least:.0%} asked"
        value = f"{found / n:.1%} of {n:,} (95 % interval {low:.1%} to {high:.1%}{asked})"
        self.line(what, value, None if least is None else found / n >= least)

    def rate(self, what: str, events: int, nights: int, most: float | None = None) -> None:
        low = chi2.ppf(0.025, 2 * events) / 2 if events else 0.0
        high = chi2.ppf(0.975, 2 * events + 2) / 2
        each = 100 / nights
        asked = "" if most is None else f"; at most {most:g} asked"
        value = f"{events * each:.2f} in 100 nights (95 % interval {low * each:.2f} to {high * each:.2f}{asked})"
        self.line(what, value, None if most is None else events * each <= most)


def tell(contract: Contract, count: Counter[str], seeds: int, steps: int, parts: set[str]) -> None:
    """Print the pooled numbers."""
    report, nights, n = Report(contract), count["nights"], seeds * steps
    if nights:
        print(f"{nights:,} clean nights of {sim.DURATIONS + sim.PEAKS + sim.SCORES} readings")
        whole = MOST_ALARMS if parts >= {"trend", "gate"} else None
        report.rate("false alarms, trend and gate", count["alarms"] + count["fails"], nights, whole)
    if "trend" in parts:
        report.rate("  of the trend", count["alarms"], nights, MOST_ALARMS)
        for step, least in LEAST.items():
            report.share(f"trend, {step:.0%} step within {FOUND_WITHIN} nights", count[f"trend {step}"], n, least)
    if "gate" in parts:
        tell_gate(report, count, n)
    if "quality" in parts:
        tell_quality(report, count, 10 * n)


def tell_gate(report: Report, count: Counter[str], n: int) -> None:
    nights = count["nights"]
    report.rate("  nights failed by the gate, every model another one and none worse", count["fails"], nights)
    report.rate("  nights left suspected, every model another one", count["unsettled"], nights)
    report.rate("  nights left suspected, the very same models", count["left"], nights)
    report.line("cost of a night of the very same models", f"{count['processes'] / nights:.1f} processes run again")
    report.line("cost of a night of eight other models", f"{count['pairs'] / nights:.1f} pairs run again")
    for step in LEAST:
        report.share(f"gate with rerun, {step:.0%} step the same night", count[f"gate {step}"], n, LEAST_GATE.get(step))
        report.line("  cost", f"{count[f'gate {step} pairs'] / n:.1f} pairs run again, eight other models")


def tell_quality(report: Report, count: Counter[str], n: int) -> None:
    print(f"quality, n = {EXAMPLES:,}, {DISAGREEMENT:.0%} disagreement, {sim.SCORES} readings, level {LEVEL}")
    for changed in (1, sim.SCORES):
        others = f"{changed} of {sim.SCORES} models changed"
        false = count[f"quality 0.0 {changed} new"]
        report.rate(f"  {others}: no worse and fail, old", count[f"quality 0.0 {changed} old"], n)
        report.rate(f"  {others}: no worse and fail, new", false, n, MOST_FALSE)
        for drop in DROPS:
            name = f"quality {drop} {changed}"
            report.share(f"  {others}: a drop of {100 * drop:.0f} points found, old", count[f"{name} old"], n)
            least = max(count[f"{name} old"] / n, LEAST_QUALITY[drop, changed])
            report.share(f"  {others}: a drop of {100 * drop:.0f} points found, new", count[f"{name} new"], n, least)
            printed = exact_power(
                drop, round(DISAGREEMENT * EXAMPLES), EXAMPLES, LEVEL / changed, scale_of("accuracy", "ratio").minimum
            )
            low, high = wilson(count[f"{name} new"], n) or (0.0, 1.0)
            near = low - POWER_APART <= printed <= high + POWER_APART
            report.line("  power printed beside the verdict", f"{printed:.1%}", near)


def main() -> None:
    parser = make_parser(__doc__)
    every = ("trend", "gate", "quality", "worlds")
    parser.add_argument("--seeds", type=int, nargs="+", default=[11, 22, 33])
    parser.add_argument("--histories", type=int, default=10, help="of each seed, of 100 nights each")
    parser.add_argument("--steps", type=int, default=200, help="simulated steps of each size and seed")
    parser.add_argument("--only", choices=every, nargs="+", default=every)
    parser.add_argument("--quick", action="store_true", help="one seed, two histories")
    given = parser.parse_args()
    seeds, histories = (given.seeds[:1], 2) if given.quick else (given.seeds, given.histories)
    parts, count = set(given.only), Counter[str]()
    for seed in seeds:
        found = one_seed(seed, histories, given.steps, parts)
        count += found
        said = ", ".join(f"{name} {number}" for name, number in found.items() if number)
        print(f"seed {seed}: {said}", file=sys.stderr, flush=True)
    contract = Contract()
    tell(contract, count, len(seeds), given.steps, parts)
    if "worlds" in parts:
        tell_worlds(contract, histories, seeds[0])
    sys.exit(contract.close(given.json))


if __name__ == "__main__":
    main()
