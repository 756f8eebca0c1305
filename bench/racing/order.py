"""The order in which the examples of a task are answered: one seeded permutation that all candidates share.

Examples that belong together stay together: whole groups come in random order, so that those answered so far are
groups drawn at random from all there are.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bench.digest import content_hash
from bench.stats.resample import seeded


@dataclass(frozen=True, slots=True)
class Order:
    """The examples of one task in the order in which they are answered."""

    positions: tuple[int, ...]
    """Places in the task's data."""
    ends: tuple[int, ...]
    """How many examples are answered after each unit (a group, or an example without one), ascending."""
    digest: str
    """SHA-256 (hex) of the examples' ids in this order."""
    examples: str = ""
    """SHA-256 (hex) of their ids in the data's order."""

    @property
    def total(self) -> int:
        """Count the examples."""
        return len(self.positions)

    def whole(self, count: int) -> int:
        """Round a number of examples up to whole units, at most all.

        >>> shuffle(["a", "b", "c"], ["x", "x", "x"], seed=1).whole(1)
        3
        """
        return next((end for end in self.ends if end >= count), self.total)

    def units(self, count: int) -> int:
        """Count the units that lie whole within the first `count` examples."""
        return sum(1 for end in self.ends if end <= count)


def shuffle(example_ids: Sequence[str], groups: Sequence[str | None], seed: int) -> Order:
    """Put the examples of a task into the order in which they are answered.

    Args:
        example_ids: in the data's order.
        groups: the group of each example; None for one that is a group of its own.
        seed: of the race; the order depends on it and on the ids, not on the machine.

    >>> order = shuffle(["a", "b", "c", "d"], ["g", None, "g", None], seed=5)
    >>> sorted(order.positions), len(order.ends)
    ([0, 1, 2, 3], 3)
    """
    members: dict[tuple[bool, str | int], list[int]] = {}
    for place, group in enumerate(groups):
        members.setdefault((False, place) if group is None else (True, group), []).append(place)
    examples = content_hash(list(example_ids))
    positions, ends = drawn(list(members.values()), examples, seed)
    return Order(positions, ends, content_hash([example_ids[place] for place in positions]), examples)


def drawn(units: Sequence[Sequence[int]], examples: str, seed: int) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Draw the order of units; return the places in the order, and how many there are after each unit.

    Args:
        units: the places of each, by its first place in the data.
        examples: digest of the ids in the data's order.
        seed: of the race.
    """
    positions: list[int] = []
    ends: list[int] = []
    for unit in seeded(seed, "order", examples).permutation(len(units)):
        positions.extend(units[unit])
        ends.append(len(positions))
    return tuple(positions), tuple(ends)
