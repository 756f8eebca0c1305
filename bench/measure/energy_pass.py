"""The energy pass, and the facts that come of it.

A meter of hardware gets an idle window and a window of work of its own, batched as in the throughput pass. An
estimate is taken over the throughput pass itself, since it costs nothing and disturbs nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace

from bench.measure.idle import Idle
from bench.measure.trace import Pass
from bench.meters.bundle import Meters
from bench.meters.energy import Energy, metering
from bench.meters.interference import Interference, InterferenceMeter
from bench.record import Fact


@dataclass(frozen=True, slots=True)
class Metered:
    """A pass with the energy that it took."""

    work: Pass
    energy: Energy
    host: Energy | None = None
    idle: Idle | None = None
    load: Interference | None = None
    """What else happened on the machine within the window."""


def metered(meters: Meters, run: Callable[[AbstractContextManager[None]], Pass], idle: Idle | None = None) -> Metered:
    """Run a pass with the device's meter, and the host's beside a GPU, running for its window alone.

    Args:
        meters: the instruments.
        run: the pass; it enters what it is given when its window begins, and leaves it when that ends, so that
            neither preparing nor collecting garbage counts as the workload's energy.
        idle: the baseline, where there is one.
    """
    sources = [meters.energy] + ([meters.host_energy] if meters.host_energy is not None else [])
    energies: list[Energy] = []
    load: list[Interference] = []
    work = run(_window(meters.interference, metering(sources, energies), load))
    return Metered(work, energies[0], energies[1] if len(energies) > 1 else None, idle, load[0])


@contextmanager
def _window(others: InterferenceMeter, meter: AbstractContextManager[None], load: list[Interference]) -> Iterator[None]:
    """Watch the load of others around the meters' window."""
    before = others.snapshot()
    with meter:
        yield
    load.append(others.since(before))


def energy_facts(found: Metered, rejected: tuple[str, ...], process: int) -> list[Fact]:
    """Compute the window's energy and the energies per example and per output token, gross and net."""
    energy, work = found.energy, found.work
    examples, tokens = work.examples, work.output_tokens
    reason = energy.reason
    if energy.joules is None and rejected:
        reason = "; ".join(dict.fromkeys([*rejected, energy.reason or ""])).strip("; ")
    seen = replace(energy, reason=reason)
    facts = [
        _fact("energy_window_j", seen, 1.0, process),
        Fact("energy_window_s", energy.seconds, "s", "clock", process=process),
        Fact("energy_window_batches", work.requests, "count", "clock", process=process),
        Fact("energy_window_examples", examples, "count", "clock", process=process),
        Fact("energy_window_output_tokens", tokens, "count", "clock", process=process),
        _fact("energy_per_example_j", seen, examples, process),
        *_net(seen, found.idle, examples, process),
    ]
    if tokens:
        facts.append(_fact("energy_per_output_token_j", seen, tokens, process))
    if found.host is not None:
        facts.append(_fact("host_energy_window_j", found.host, 1.0, process))
    return facts


def _fact(name: str, energy: Energy, share: float, process: int) -> Fact:
    if energy.joules is None or not share:
        return Fact(name, None, "J", energy.source, energy.reason, process=process)
    qualified = f"{energy.scope}" + (f"; {energy.reason}" if energy.reason else "")
    low = None if energy.low is None else energy.low / share
    high = None if energy.high is None else energy.high / share
    return Fact(name, energy.joules / share, "J", energy.source, qualified, low, high, process)


def _net(energy: Energy, idle: Idle | None, examples: int, process: int) -> list[Fact]:
    """Net is gross less idle power over the same time: E_net = E − P_idle · t."""
    if idle is None:
        watts = None
        why = energy.reason if energy.joules is None else "an estimate has no idle baseline"
    else:
        watts, why = idle.watts, idle.energy.reason
    facts = [Fact("idle_power_w", watts, "W", energy.source, why if watts is None else None, process=process)]
    if idle is not None:
        facts.append(Fact("idle_settling_s", idle.settling_s, "s", "clock", idle.said, process=process))
    if watts is None or energy.joules is None or not examples:
        return [
            *facts,
            Fact("energy_net_per_example_j", None, "J", energy.source, why or energy.reason, process=process),
        ]
    net = (energy.joules - watts * energy.seconds) / examples
    reason = f"{energy.scope}; idle {watts:.3g} W taken off"
    return [*facts, Fact("energy_net_per_example_j", net, "J", energy.source, reason, process=process)]
