"""Which machines are alike: classes by fingerprint. Timings of two classes are never put together."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bench.errors import EnvironmentLackError
from bench.host import class_key, class_name
from bench.host.facts import Facts
from bench.suite.machines import MachinesSpec
from bench.units import plural


@dataclass(frozen=True, slots=True)
class Class:
    """Machines whose timings may stand side by side."""

    key: str
    """`bench.host.class_key` of each."""
    name: str
    """What a person calls them, by their GPU or CPU."""
    machines: tuple[str, ...]


def classes_of(machines: Mapping[str, Facts]) -> list[Class]:
    """Sort machines into classes, the one with most machines first.

    Args:
        machines: the fingerprint of each, by name.
    """
    members: dict[str, list[str]] = {}
    for name, facts in machines.items():
        members.setdefault(class_key(facts), []).append(name)
    classes = [Class(key, class_name(machines[names[0]]), tuple(names)) for key, names in members.items()]
    return sorted(classes, key=lambda each: (-len(each.machines), each.name, each.key))


def chosen_class(classes: Sequence[Class], wanted: MachinesSpec) -> Class:
    """Choose the class that is measured: of those that are wanted the one with most machines.

    Raises:
        EnvironmentLackError: there is none, or it has too few machines.
    """
    like = wanted.like
    fitting = [each for each in classes if like is None or like.casefold() in each.name.casefold()]
    there = "; ".join(f"{plural(len(each.machines), 'machine')} of {each.name}" for each in classes)
    if not fitting:
        raise EnvironmentLackError(
            f"machines.like is '{like}', and the cluster has none: {there}; correct it, or add such a machine"
        )
    best = fitting[0]
    if len(best.machines) < wanted.at_least:
        raise EnvironmentLackError(
            f"machines.at_least is {wanted.at_least}, and the cluster has {plural(len(best.machines), 'machine')} of "
            f"one kind: {there}; start more of them, or lower it"
        )
    return best


FEWEST_COMPARED = 3
"""Machines from which one is known to be the odd one out."""
OFF = 0.15
"""Share by which a machine's fixed piece of work may differ from the median of its kind: three times as much as two
healthy machines of one kind do."""


def speeds(seconds: Mapping[str, float]) -> dict[str, float]:
    """Compare how long each machine took for the same work with the median of all: 0.05 is 5 % slower.

    Machines that fall into two halves, from whose middle all would be off, are compared with the slowest of the faster
    half.

    >>> speeds({"a": 1.0, "b": 1.0, "c": 1.5, "d": 1.5})["c"]
    0.5
    """
    shares: dict[str, float] = {}
    for median in (statistics.median, statistics.median_low):
        middle = median(seconds.values()) if seconds else 1.0
        shares = {name: value / middle - 1 for name, value in seconds.items()}
        if any(abs(share) <= OFF for share in shares.values()):
            break
    return shares


def odd_ones(seconds: Mapping[str, float]) -> set[str]:
    """Choose the machines whose work took so much longer or shorter that they are not like the others."""
    if len(seconds) < FEWEST_COMPARED:
        return set()
    return {name for name, share in speeds(seconds).items() if abs(share) > OFF}
