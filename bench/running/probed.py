"""What the models of factories can do, as far as this run has seen: each is built once to find out, not for each task.

A factory that says nothing of its models' abilities must be called before anybody knows. The first cell of a model does
that, and its record keeps what the model can do; the cells of tasks for which it lacks the ability end without another
building. What another run saw is not asked: a factory may have been changed in a way that its identity does not show.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from bench.digest import content_hash
from bench.record import Cell, Record
from bench.tasks.choosing import why_unable

NOTE = "abilities"
"""Where the notes of a record keep what the loaded model can do."""


@dataclass(slots=True)
class Probed:
    """Abilities by what identifies a factory and its arguments."""

    abilities: dict[str, frozenset[str]] = field(default_factory=dict)

    def learn(self, record: Record) -> None:
        """Take what a record says of its model."""
        known = record.notes.get(NOTE)
        if isinstance(known, list) and _is_of_a_factory(record.cell):
            self.abilities[_key(record.cell)] = frozenset(map(str, known))

    def why_unable(self, cell: Cell) -> str | None:
        """Explain that a cell's model lacks what its task needs, where that is known; else None."""
        if not _is_of_a_factory(cell) or (abilities := self.abilities.get(_key(cell))) is None:
            return None
        return why_unable(cell.model, cell.kind, cell.to_run().scoring, abilities)


def _is_of_a_factory(cell: Cell) -> bool:
    return cell.job is not None and cell.job.model.factory is not None


def _key(cell: Cell) -> str:
    """Hash the factory with its source, and its arguments."""
    return content_hash([cell.identity.get("weights"), cell.to_run().model.model_dump(mode="json", exclude={"name"})])
