"""The server that the processes of cells are forked from: how it starts, and what surrounds it.

A Ctrl-C, a closed terminal and a SIGTERM of the whole group are the parent's to answer: the server, which may be
importing just then, takes none of them, and ends when the parent has. Its temporary files and those of all cells lie in
one folder (`bench.host.temporary`) that it removes in the end, also when the parent was killed; sockets lie in a second
one where that is too deep for them. Python's tracker of shared resources removes what a killed cell leaves, and says
nothing of it on the terminal.

Models that need no torch have a server of their own, which never imports it: what is forked from the other one has
torch's memory, whether it uses that or not.
"""

from __future__ import annotations

import os
import signal
import sys
import tempfile
import threading
import types
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from functools import cache
from multiprocessing import forkserver, resource_tracker, util
from pathlib import Path

import psutil

from bench.host import temporary
from bench.running.targets import PRELOAD_LIGHT, PRELOAD_MEASURING, PRELOAD_SCORING

SCORING = (PRELOAD_SCORING,)
"""What the server imports where cells are only scored."""
MEASURING = (*SCORING, PRELOAD_MEASURING)
LIGHT = (PRELOAD_LIGHT,)
"""What the server for models without torch imports."""
HELD = "bench.running.preload.folder"
"""What the server imports first: it holds the folder of temporary files."""
PARENTS_SIGNALS = frozenset({signal.SIGINT, signal.SIGTERM, signal.SIGHUP})
"""Signals that the parent answers, for itself and for the server."""
AFTER_MULTIPROCESSING = -200
"""Priority of what is done when this process ends; multiprocessing removes its own folder at -100."""
_TRACKER_NOTES = "ignore:resource_tracker:UserWarning"
"""What Python's tracker says of a killed process's semaphores, as it removes them."""


_light = forkserver.ForkServer()
"""The server without torch; multiprocessing's own is the other one."""


def preload(modules: Sequence[str], *, light: bool = False) -> None:
    """Name what a server imports once it starts."""
    wanted = [HELD, *modules]
    if light:
        _light.set_forkserver_preload(wanted)
    else:
        forkserver.set_forkserver_preload(wanted)


_one_at_a_time = threading.RLock()
"""Held while what all threads of this process share is changed: its main module, environment, place for temporary
files."""


@contextmanager
def forking(*, light: bool) -> Iterator[None]:
    """Let the processes that are started here be forked from the server without torch, or from the other one."""
    name = "connect_to_new_process"
    with _one_at_a_time:
        usual = getattr(forkserver, name)
        setattr(forkserver, name, _light.connect_to_new_process if light else usual)
        try:
            with hidden_main_module():
                yield
        finally:
            setattr(forkserver, name, usual)


def ensure_running(*, light: bool = False) -> None:
    """Start a server, unless it runs; it then imports what it preloads while this process does something else.

    Args:
        light: the one without torch.
    """
    with _one_at_a_time:
        _ensure_running(light=light)


def _ensure_running(*, light: bool) -> None:
    (folder, sockets), usual = _folders(), tempfile.tempdir
    lasting = os.environ.get(temporary.LASTING) or tempfile.gettempdir()
    _start_tracker()
    tempfile.tempdir = str(sockets)  # where the server listens, and all of its processes
    before = signal.pthread_sigmask(signal.SIG_BLOCK, PARENTS_SIGNALS)
    try:
        places = {"TMPDIR": str(folder), temporary.SOCKETS: str(sockets), temporary.LASTING: lasting}
        with hidden_main_module(), _environment(places):
            (_light if light else forkserver).ensure_running()
    finally:
        tempfile.tempdir = usual
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


class Early:
    """A server that was started before it was known what for."""

    def __init__(self, before: set[int]) -> None:
        self._before = before

    def end(self) -> None:
        """Kill it, in the midst of its imports: nothing was forked from it yet. The next call would start it anew."""
        for pid in _servers() - self._before:
            with suppress(psutil.NoSuchProcess):
                psutil.Process(pid).kill()


@contextmanager
def begun_early(modules: Sequence[str]) -> Iterator[Early]:
    """Start the server with torch while it is not yet known whether anything will run; where the block fails, end it.

    Importing takes it four seconds, in which the suite is read and planned.

    Args:
        modules: that it imports.
    """
    early = Early(_servers())
    preload(modules)
    ensure_running()
    try:
        yield early
    except BaseException:
        early.end()
        raise


def _servers() -> set[int]:
    """Find the process ids of this process's servers."""
    found = set()
    for child in psutil.Process().children():
        with suppress(psutil.Error):  # it has just ended
            if any("multiprocessing.forkserver" in word for word in child.cmdline()):
                found.add(child.pid)
    return found


def nothing() -> None:
    """Do nothing, in a process that a server forks: whoever starts it waits until the server has imported all."""


@contextmanager
def hidden_main_module() -> Iterator[None]:
    """Hide this process's main module: multiprocessing would import it again in every child, and run a user's script.

    Functions are found by `module:function`, never in the main module.
    """
    main = sys.modules["__main__"]
    sys.modules["__main__"] = types.ModuleType("__main__")
    try:
        yield
    finally:
        sys.modules["__main__"] = main


def take_signals() -> None:
    """Take the parent's signals again, in a process of a cell."""
    signal.pthread_sigmask(signal.SIG_UNBLOCK, PARENTS_SIGNALS)


def _start_tracker() -> None:
    """Start Python's tracker of shared resources, unless it runs; its warnings are of no use to whoever reads them."""
    notes = ",".join(filter(None, (os.environ.get("PYTHONWARNINGS"), _TRACKER_NOTES)))
    with _environment({"PYTHONWARNINGS": notes}), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="resource_tracker", category=UserWarning)
        resource_tracker.ensure_running()


@cache
def _folders() -> tuple[Path, Path]:
    """Make the folders for temporary files and for sockets of this process's server, removed when this process ends."""
    folder, _ = temporary.make()
    sockets = temporary.make_for_sockets(folder)
    for made in {folder, sockets}:
        util.Finalize(None, temporary.remove, (made,), exitpriority=AFTER_MULTIPROCESSING)
    return folder, sockets


@contextmanager
def _environment(changes: Mapping[str, str]) -> Iterator[None]:
    before = {name: os.environ.get(name) for name in changes}
    os.environ.update(changes)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
