"""What an interrupted training resumes from: weights, optimiser, schedule, random generators, and where it stood.

Every file is written under another name and renamed, so that a kill at any moment leaves a whole state.
"""

from __future__ import annotations

import json
import math
import os
import pickle
import shutil
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import TypeAdapter

from bench.errors import FitError
from bench.fit.cost import Cost
from bench.store.files import replacing, write_file

if TYPE_CHECKING:
    from accelerate import Accelerator
    from torch import nn

STATE_FILE = "progress.json"
"""Written last: a folder with it is whole."""
CURRENT = "current"
"""The folder of the last saved state."""
BEGUN_FILE = "begun"
"""There from the beginning of a training, so that one which starts again can say so."""
UNREADABLE = (OSError, ValueError, KeyError, TypeError, RuntimeError, EOFError, pickle.UnpicklingError)
"""What json, pickle and torch raise for a file that is cut short or of another training."""


@dataclass(slots=True)
class Progress:
    """Where a fit stands; stored beside the state."""

    step: int = 0
    best_loss: float = math.inf
    best_step: int = 0
    since_best: int = 0
    examples: int = 0
    curve: list[tuple[int, float]] = field(default_factory=list)
    """(step, training loss in nats per target)."""
    validation: list[tuple[int, float]] = field(default_factory=list)
    """(step, validation loss in nats per target)."""
    running: float = 0.0
    """Sum of the training losses since the last point of the curve."""
    cost: Cost = field(default_factory=Cost)
    """Of all parts of the fit, interruptions left out."""
    processes: int = 1


def kept_step(folder: Path) -> int | None:
    """Tell at which step a training's state was saved last; None where none was, or it cannot be read."""
    try:
        return _progress((folder / CURRENT / STATE_FILE).read_text(encoding="utf-8")).step
    except UNREADABLE:
        return None


def write_json(path: Path, value: object) -> None:
    """Write JSON so that a kill leaves a whole file or none."""
    write_file(path, json.dumps(value))


class State:
    """The folder of one training's state."""

    def __init__(self, folder: Path, accelerator: Accelerator) -> None:
        self.folder, self.accelerator = folder, accelerator
        self.best, self.last = folder / "best.pt", folder / "last.pt"
        self._current, self._new, self._old = folder / CURRENT, folder / "new", folder / "old"

    def save(self, progress: Progress) -> None:
        """Write the state of all processes, then replace the previous one."""
        main = self.accelerator.is_main_process
        if main:
            shutil.rmtree(self._new, ignore_errors=True)
        self.accelerator.wait_for_everyone()
        self.accelerator.save_state(str(self._new), safe_serialization=False)
        self.accelerator.wait_for_everyone()
        if main:
            if self.best.is_file():
                _link(self.best, self._new / self.best.name)
            fields = {name: getattr(progress, name) for name in Progress.__slots__}
            write_json(self._new / STATE_FILE, fields | {"cost": progress.cost.as_dict()})
            self._swap()
        self.accelerator.wait_for_everyone()

    def begin(self) -> bool:
        """Mark that a training has begun here; return whether an earlier one had, which saved nothing."""
        begun = self.folder / BEGUN_FILE
        is_again = begun.is_file()
        self.accelerator.wait_for_everyone()
        if self.accelerator.is_main_process:
            self.folder.mkdir(parents=True, exist_ok=True)
            begun.touch()
        return is_again

    def load(self) -> Progress | None:
        """Restore the saved state, and return where the training stood; None where nothing was saved.

        Raises:
            FitError: the state cannot be read, or is of another number of processes.
        """
        if self.accelerator.is_main_process and not self._whole(self._current) and self._whole(self._new):
            self._swap()
        self.accelerator.wait_for_everyone()
        if not self._whole(self._current):
            return None
        try:
            progress = _progress((self._current / STATE_FILE).read_text(encoding="utf-8"))
            self._check_processes(progress)
            self.accelerator.load_state(str(self._current))
            self._best_again()
        except UNREADABLE as error:
            raise FitError(
                f"the saved state of the interrupted training cannot be read ({type(error).__name__}); delete "
                f"'{self.folder}' to train from the start"
            ) from error
        return progress

    def _best_again(self) -> None:
        """Restore the best weights as of the state; later ones may come from steps that now turn out otherwise."""
        if self.accelerator.is_main_process:
            self.best.unlink(missing_ok=True)
            if (self._current / self.best.name).is_file():
                _link(self._current / self.best.name, self.best)
        self.accelerator.wait_for_everyone()

    def keep(self, path: Path, net: nn.Module) -> None:
        """Write the weights of `net` to `path`, from the main process alone."""
        import torch

        if not self.accelerator.is_main_process:
            return
        with replacing(path) as partial:
            torch.save(net.state_dict(), partial)

    def _check_processes(self, progress: Progress) -> None:
        """Refuse to resume where the remaining steps would see other batches than in the interrupted training."""
        now = self.accelerator.num_processes
        if progress.processes != now:
            raise FitError(
                f"the interrupted training ran in {progress.processes} processes, and this one has {now}; start it as "
                f"before, or delete '{self.folder}' to train from the start"
            )

    def _whole(self, folder: Path) -> bool:
        return (folder / STATE_FILE).is_file()

    def _swap(self) -> None:
        """Rename both folders; deleting in place would leave half a state to a kill."""
        shutil.rmtree(self._old, ignore_errors=True)
        if self._current.exists():
            self._current.rename(self._old)
        self._new.rename(self._current)
        shutil.rmtree(self._old, ignore_errors=True)


def _progress(text: str) -> Progress:
    return TypeAdapter(Progress).validate_json(text)


def _link(source: Path, target: Path) -> None:
    """Give a file, which is never written in place, a second name, or copy it where the file system has no links."""
    try:
        os.link(source, target)
    except OSError:
        shutil.copyfile(source, target)
