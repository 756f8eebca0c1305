"""Starts a server beside the process that measures, waits until it is ready, and ends it with all that it started.

It is a child of that process: bound to the same CPUs, counted in its memory, and gone when it is gone.
"""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import psutil

from bench.candidates.checkpoint import locate
from bench.candidates.served.client import Client
from bench.errors import EndpointError, EnvironmentLackError
from bench.suite import LaunchSpec
from bench.suite.endpoint import PACKAGE

LOOK_S = 0.1
"""Between two looks at whether it is ready."""
STDERR = 2
"""The file descriptor of this process's messages, which a worker has turned to the cell's log."""
GRACE_S = 5.0
"""For a server to end by itself."""


def start(launch: LaunchSpec, base: Path, key_variable: str | None = None) -> subprocess.Popen[bytes]:
    """Start a server; what it prints goes where this process prints.

    Args:
        launch: how.
        base: the suite's folder, from which relative paths count.
        key_variable: the variable with the endpoint's key, which the server is started without unless it asks for it.

    Raises:
        EnvironmentLackError: there is no such program or folder.
    """
    folder = base / launch.folder
    if launch.folder.startswith(PACKAGE):
        located = locate(launch.folder, base).folder
        folder = base / launch.folder if located is None else located
    environment = os.environ | launch.environment
    if key_variable is not None and not launch.passes_key:
        environment.pop(key_variable, None)
    beside = Path(sys.executable).parent  # programs of the same virtual environment, whether it is activated or not
    environment["PATH"] = f"{beside}{os.pathsep}{environment.get('PATH', os.defpath)}"
    try:
        return subprocess.Popen(launch.command, cwd=folder, env=environment, stdin=subprocess.DEVNULL, stdout=STDERR)
    except FileNotFoundError as error:
        if not folder.is_dir():
            raise EnvironmentLackError(
                f"there is no folder '{folder}' to launch the server in; make it, or mend 'server.launch.folder'"
            ) from error
        raise EnvironmentLackError(
            f"there is no program '{launch.command[0]}' to launch the server with; install it, or mend "
            "'server.launch.command'"
        ) from error
    except OSError as error:
        raise EnvironmentLackError(
            f"the server's command '{launch.command[0]}' cannot be started: {error.strerror}; mend 'server.launch'"
        ) from error


async def until_ready(client: Client, process: subprocess.Popen[bytes], launch: LaunchSpec) -> float:
    """Wait until a server answers; returns the seconds that it took.

    Raises:
        EndpointError: it ended, or its time is over.
    """
    begun = time.monotonic()
    why = await client.ready(launch.ready)
    while why is not None:
        if process.poll() is not None:
            raise EndpointError(
                f"the server that '{launch.command[0]}' started ended with exit code {process.returncode} before it "
                "was ready; its own words are in the cell's log"
            )
        if time.monotonic() - begun > launch.deadline_s:
            raise EndpointError(
                f"the server that '{launch.command[0]}' started was not ready after {launch.deadline} ({why}); raise "
                "'server.launch.deadline', or see that it listens at 'server.url'"
            )
        await asyncio.sleep(LOOK_S)
        why = await client.ready(launch.ready)
    return time.monotonic() - begun


def end(process: subprocess.Popen[bytes]) -> None:
    """End a server and every process that it started."""
    tree = _tree(process.pid)
    _signal(tree, kill=False)
    _, alive = psutil.wait_procs(tree, GRACE_S)
    _signal(alive, kill=True)
    with suppress(subprocess.TimeoutExpired):
        process.wait(GRACE_S)


def _tree(pid: int) -> list[psutil.Process]:
    try:
        root = psutil.Process(pid)
        return [*root.children(recursive=True), root]
    except psutil.Error:
        return []


def _signal(processes: Sequence[psutil.Process], *, kill: bool) -> None:
    for process in processes:
        with suppress(psutil.Error):
            process.kill() if kill else process.terminate()
