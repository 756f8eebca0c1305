"""Which machine does which block of work.

All calls of a block run in one seat of one machine. A machine that is measured has a single seat, so that it does
nothing else meanwhile and candidates are compared within it; where nothing is timed it has several. When a machine is
lost its blocks go to others as soon as there is a free seat.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Seat:
    """Where a block of work is done."""

    machine: str
    number: int
    """Of the machine's seats, 0 first."""


class Fleet:
    """The seats of a run's machines, and the block that has each; used by several threads."""

    def __init__(self, seats: Mapping[str, int]) -> None:
        """Begin with some machines; see `seat`."""
        self._blocks: dict[Seat, str | None] = {}
        """Of each seat of a machine that is there."""
        self._turns: dict[str, int] = {}
        """When each machine was last given a block, counted in blocks."""
        self._preferred: dict[str, str] = {}
        """The machine that has done a part of a block before, by the block's name."""
        self._changed = threading.Condition()
        self.seat(seats)

    def seat(self, seats: Mapping[str, int]) -> None:
        """Begin anew with some machines; which of them blocks are kept for stays.

        Args:
            seats: how many each has, by its name.
        """
        with self._changed:
            self._blocks.clear()
            self._turns.clear()
            for machine, count in seats.items():
                self.join(machine, count)
            self._changed.notify_all()

    @property
    def machines(self) -> list[str]:
        """The machines that are there, in the order in which they came."""
        with self._changed:
            return list(dict.fromkeys(seat.machine for seat in self._blocks))

    @property
    def seats(self) -> int:
        """How many blocks are done at once."""
        with self._changed:
            return len(self._blocks)

    def take(self, block: str) -> Seat | None:
        """Return the seat of a block: the one that it has, else a free one, for which it waits; of the machine that has
        done a part of it, where that is there.

        Returns:
            None when no machine is left.
        """
        with self._changed:
            while self._blocks:
                seat = self._of(block) or self._free(self._preferred.get(block))
                if seat is not None:
                    self._give(seat, block)
                    return seat
                self._changed.wait()
        return None

    def is_free(self, machine: str) -> bool | None:
        """Tell whether a machine has a free seat; None where it is not there."""
        with self._changed:
            theirs = [block for seat, block in self._blocks.items() if seat.machine == machine]
        return None in theirs if theirs else None

    def prefer(self, block: str, machine: str) -> None:
        """Keep a block for a machine, and a seat there for the block, where one is free."""
        with self._changed:
            self._preferred[block] = machine
            if self._of(block) is None and any(seat.machine == machine for seat in self._blocks):
                seat = self._free(machine)
                if seat is not None:
                    self._give(seat, block)

    def release(self, block: str) -> None:
        """Free the seat of a block, of which no further call comes."""
        with self._changed:
            self._preferred.pop(block, None)
            seat = self._of(block)
            if seat is not None:
                self._blocks[seat] = None
            self._changed.notify_all()

    def lose(self, machine: str) -> bool:
        """Forget a machine; return whether it was there until now."""
        with self._changed:
            theirs = [seat for seat in self._blocks if seat.machine == machine]
            for seat in theirs:
                del self._blocks[seat]
            self._changed.notify_all()
        return bool(theirs)

    def join(self, machine: str, seats: int = 1) -> None:
        """Add a machine."""
        with self._changed:
            for number in range(seats):
                self._blocks.setdefault(Seat(machine, number), None)
            self._changed.notify_all()

    def _give(self, seat: Seat, block: str) -> None:
        self._blocks[seat] = block
        self._turns[seat.machine] = max(self._turns.values(), default=0) + 1

    def _of(self, block: str) -> Seat | None:
        return next((seat for seat, has in self._blocks.items() if has == block), None)

    def _free(self, preferred: str | None) -> Seat | None:
        """Choose a free seat of the preferred machine, or else of the one that has fewest blocks, of several the one
        that waits longest.

        The processes of a task so visit several machines, which shows how far these differ.
        """
        free = [seat for seat, has in self._blocks.items() if has is None]
        if any(seat.machine == preferred for seat in self._blocks):
            free = [seat for seat in free if seat.machine == preferred]
        busy = [seat.machine for seat, has in self._blocks.items() if has is not None]
        turn = self._turns.get
        return min(free, key=lambda seat: (busy.count(seat.machine), turn(seat.machine, 0), seat.number), default=None)
