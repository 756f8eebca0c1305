"""`bench load`: a quick look at a server under load, without a suite."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from bench.cli.options import FiniteRange, json_option
from bench.cli.output import print_json, print_table, remark, say

if TYPE_CHECKING:
    from bench.candidates.served.exchange import Ask
    from bench.measure.load.outcome import Estimate, Numbers
    from bench.measure.load.run import Asked, Load
    from bench.record import Fact
    from bench.suite import EndpointSpec, LoadSpec

PROMPT = "Write three sentences about the harbour of Hamburg."
PROMPTS = 64
"""Variations of one prompt, so that requests differ where no file of prompts is given."""
OPTIONS = {"url": "URL", "model": "--model", "api": "--api", "api_key_env": "--key-env"}
"""Where a key of an endpoint stands in the command."""


@click.command()
@click.argument("url")
@click.option("--model", required=True, metavar="NAME", help="Name of the model in requests.")
@click.option(
    "--rate",
    "rates",
    type=FiniteRange(0, min_open=True),
    multiple=True,
    help="Requests per second; repeatable. Default: find them.",
)
@click.option("--seconds", type=FiniteRange(min=0.1), default=10.0, show_default=True, help="Of each level.")
@click.option("--api", type=click.Choice(["chat", "completions"]), default="chat", show_default=True)
@click.option("--arrivals", type=click.Choice(["poisson", "constant", "gamma"]), default="poisson", show_default=True)
@click.option("--prompts", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="One prompt a line.")
@click.option("--max-tokens", type=click.IntRange(min=1), default=64, show_default=True, help="Of an answer.")
@click.option("--slo", multiple=True, metavar="LIMIT", help="Such as 'ttft_p95 <= 300 ms'; repeatable.")
@click.option("--target", type=FiniteRange(min=0, min_open=True), help="Requests/s in all: how many replicas?")
@click.option("--key-env", metavar="VARIABLE", help="Environment variable that holds the key.")
@click.option("--no-salt", is_flag=True, help="Let caches of prompts answer.")
@click.option("--seed", type=click.IntRange(min=0), default=42, show_default=True, help="Of the schedule.")
@json_option
def load(
    url: str,
    model: str,
    rates: Sequence[float],
    seconds: float,
    api: str,
    arrivals: str,
    prompts: Path | None,
    max_tokens: int,
    slo: Sequence[str],
    target: float | None,
    key_env: str | None,
    no_salt: bool,
    seed: int,
    as_json: bool,
) -> None:
    """Offer load to the server at URL (OpenAI's interface, such as http://127.0.0.1:8000/v1).

    Without --rate a ladder of closed loops finds the capacity, and levels at 30, 60, 80 and 95 % of it follow.
    """
    from bench.measure.load.outcome import numbers_of
    from bench.measure.load.run import Asked
    from bench.measure.load.served import rate_within, replicas_for
    from bench.suite.load import LoadSpec

    spec = _spec(url, model, api, key_env)
    judged = _judged(slo, target, rates, seconds)
    asked = Asked(
        prompts=_prompts(prompts),
        ask=_ask(spec, max_tokens),
        arrivals=LoadSpec.model_validate({"arrivals": arrivals}).arrivals,
        window_s=seconds,
        seed=seed,
        salted=not no_salt,
    )
    found = asyncio.run(_loaded(spec, asked, tuple(rates) or None))
    levels = [numbers_of(level, judged.limits) for level in found.levels if level.requests]
    kept = rate_within(levels, judged)
    needed = replicas_for(kept, judged)
    if as_json:
        shown = {"slo_rate_per_s": kept.value, "replicas": needed.value}
        print_json(_document(found, levels) | shown)
        return
    _print(found, levels)
    if judged.slo:
        _print_within(kept, needed, target)


def _spec(url: str, model: str, api: str, key_env: str | None) -> EndpointSpec:
    from pydantic import ValidationError

    from bench.errors import UsageError
    from bench.suite import EndpointSpec
    from bench.suite.yaml_file import TYPE_WORDS

    try:
        return EndpointSpec.model_validate({"url": url, "model": model, "api": api, "api_key_env": key_env})
    except ValidationError as error:
        first = error.errors()[0]
        words = TYPE_WORDS.get(first["type"], first["msg"].removeprefix("Value error, "))
        raise UsageError(f"{OPTIONS[str(first['loc'][0])]}: {words}") from error


def _judged(slo: Sequence[str], target: float | None, rates: Sequence[float], seconds: float) -> LoadSpec:
    """Read what is offered, the limits and the rate in all as the suite's section has them."""
    from pydantic import ValidationError

    from bench.errors import UsageError
    from bench.suite.load import LoadSpec, parse_slo

    limits: dict[str, str] = {}
    for text in slo:
        name, sign, limit = (part.strip() for part in text.partition("<="))
        if not sign:
            raise UsageError(f"--slo: '{text}' is no limit; write one such as 'ttft_p95 <= 300 ms'")
        parse_slo(name, f"{sign} {limit}")
        if name in limits:
            raise UsageError(f"--slo: '{name}' is limited twice, '{limits[name]}' and '{sign} {limit}'; leave one out")
        limits[name] = f"{sign} {limit}"
    if target is not None and not limits:
        raise UsageError("--target counts replicas by the rate within an SLO; give --slo, such as 'ttft_p95 <= 300 ms'")
    try:
        return LoadSpec(levels=list(rates) or "auto", window_s=seconds, slo=limits, target_per_s=target)
    except ValidationError as error:
        raise UsageError(f"--rate: {error.errors()[0]['msg'].removeprefix('Value error, ')}") from error


def _print_within(kept: Fact, needed: Fact, target: float | None) -> None:
    """Say up to which rate the limits were kept, and how many replicas that makes."""
    if kept.value is None:
        say(f"within the SLO: not known; {kept.reason}")
        return
    say(f"within the SLO: up to {kept.value:.4g} requests/s" if kept.value else "within the SLO: at no level")
    if target is not None and needed.value is not None:
        say(f"replicas for {target:.4g} requests/s: {needed.value:.0f}, if they share nothing and are asked evenly")


def _prompts(path: Path | None) -> tuple[str, ...]:
    from bench.errors import UsageError

    if path is None:
        return tuple(f"{PROMPT} Begin with the number {number}." for number in range(PROMPTS))
    lines = tuple(line for line in path.read_text(encoding="utf-8", errors="replace").splitlines() if line.strip())
    if not lines:
        raise UsageError(f"--prompts: {path} holds no prompt; write one a line")
    return lines


def _ask(spec: EndpointSpec, max_tokens: int) -> Callable[[str], Ask]:
    from bench.candidates.served.api import Writing, asked

    return lambda prompt: asked(spec, prompt, Writing(max_tokens))


async def _loaded(spec: EndpointSpec, asked: Asked, rates: Sequence[float] | None) -> Load:
    from bench.candidates.served.client import Client
    from bench.candidates.served.keep import Spending
    from bench.candidates.served.patience import Patience
    from bench.measure.load.run import run_load

    async with Client(spec) as client:
        patience = Patience(client, Spending(spec, None))
        await patience.answer(asked.ask(asked.prompts[0]))  # what is wrong is told before anything is loaded
        return await run_load(patience, asked, rates)


def _print(found: Load, levels: Sequence[Numbers]) -> None:
    if found.capacity is not None:
        end = "saturated" if found.capacity.saturated else "not saturated: it may do more"
        say(f"capacity: {found.capacity.rate:.4g} requests/s, from {found.capacity.knee} under way ({end})")
        if not found.capacity.lawful:
            remark("Little's law is off by more than 10 %: the client was too slow, or the server's times drift")
    header = ["offered", "achieved", "requests", "failed", "TTFT p50", "p95", "p99", "TPOT p50", "p95", "latency p95"]
    header += ["good", "remarks"]
    print_table(header, [_row(level) for level in levels], right=range(len(header) - 1))


def _row(level: Numbers) -> list[str]:
    times = [(level.ttft, 0.5), (level.ttft, 0.95), (level.ttft, 0.99), (level.tpot, 0.5), (level.tpot, 0.95)]
    times.append((level.latency, 0.95))
    shown = [_time(table.get(q)) if level.withheld is None else "withheld" for table, q in times]
    remarks = [f"{count} {ending}" for ending, count in level.endings.items() if ending != "ok"]
    remarks += [] if level.salted else ["unsalted control"]
    remarks += [] if level.withheld is None else [level.withheld]
    good = "" if level.good_share is None else f"{100 * level.good_share:.3g} %"
    rates = [f"{level.offered_rate:.4g} /s", f"{level.achieved_rate:.4g} /s"]
    return [*rates, str(level.requests), str(level.failed), *shown, good, "; ".join(remarks)]


def _time(value: Estimate | None) -> str:
    from bench.units import format_quantity

    if value is None:
        return ""
    return "never" if math.isinf(value.value) else format_quantity(value.value, "s")


def _document(found: Load, levels: Sequence[Numbers]) -> dict[str, object]:
    capacity = found.capacity
    return {
        "capacity_per_s": None if capacity is None else capacity.rate,
        "saturated": None if capacity is None else capacity.saturated,
        "rungs": []
        if capacity is None
        else [
            {"under_way": r.concurrency, "per_s": r.rate, "mean_s": _finite(r.mean_s), "failed": r.failed}
            for r in capacity.rungs
        ],
        "levels": [_level_document(level) for level in levels],
    }


def _level_document(level: Numbers) -> dict[str, object]:
    tables = {"ttft": level.ttft, "tpot": level.tpot, "latency": level.latency}
    times = {
        f"{name}_p{round(100 * q)}_s": {"value": _finite(e.value), "low": _finite(e.low), "high": _finite(e.high)}
        for name, table in tables.items()
        for q, e in table.items()
    }
    return {
        "offered_per_s": level.offered_rate,
        "achieved_per_s": level.achieved_rate,
        "requests": level.requests,
        "endings": dict(level.endings),
        "times": times,
        "good_share": level.good_share,
        "goodput_per_s": level.goodput,
        "lag_p95_s": level.lag_p95_s,
        "withheld": level.withheld,
        "salted": level.salted,
    }


def _finite(value: float | None) -> float | None:
    """Pass on a finite number; infinity, which JSON does not know, becomes None: that share of the requests failed."""
    return value if value is not None and math.isfinite(value) else None
