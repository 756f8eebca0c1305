"""Which machine does which block of work.

All calls of a block run on one machine, which does nothing else meanwhile, so that candidates are compared within it.
When a machine is lost its block goes to another one as soon as there is a free one.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable


class Fleet:
    """The machines of a run by name, and the block that each has; used by several threads."""

    def __init__(self, machines: Iterable[str]) -> None:
        self._blocks: dict[str, str | None] = dict.fromkeys(machines)
        """Of each machine that is there."""
        self._changed = threading.Condition()

    @property
    def machines(self) -> list[str]:
        """The machines that are there, in the order in which they came."""
        with self._changed:
            return list(self._blocks)

    def take(self, block: str) -> str | None:
        """Return the machine of a block: the one that it has, else a free one, for which it waits.

        Returns:
            None when no machine is left.
        """
        with self._changed:
            while self._blocks:
                machine = self._of(block) or next((name for name, has in self._blocks.items() if has is None), None)
                if machine is not None:
                    self._blocks[machine] = block
                    return machine
                self._changed.wait()
        return None

    def release(self, block: str) -> None:
        """Free the machine of a block, of which no further call comes."""
        with self._changed:
            machine = self._of(block)
            if machine is not None:
                self._blocks[machine] = None
            self._changed.notify_all()

    def lose(self, machine: str) -> bool:
        """Forget a machine; return whether it was there until now."""
        with self._changed:
            was_there = machine in self._blocks
            self._blocks.pop(machine, None)
            self._changed.notify_all()
        return was_there

    def join(self, machine: str) -> None:
        """Add a machine."""
        with self._changed:
            self._blocks.setdefault(machine, None)
            self._changed.notify_all()

    def _of(self, block: str) -> str | None:
        return next((name for name, has in self._blocks.items() if has == block), None)
