"""What is scheduled: one `bench nightly` command, where it runs, and at which time of the day."""

from __future__ import annotations

import hashlib
import os
import re
from dataclasses import dataclass
from datetime import time
from pathlib import Path

from bench.errors import InputError, UsageError
from bench.store.addresses import has_secret
from bench.suite.limits import parse_time_of_day

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_NOT_IN_A_NAME = re.compile(r"[^a-z0-9]+")

NAME_CHARACTERS = 24
"""Of the suite's name within an entry's name. Kubernetes allows a CronJob 52 characters in all, because the
controller appends 11 to the name of each Job. Source: https://kubernetes.io/docs/concepts/workloads/controllers/cron-jobs/
"""


def parse_time(text: str, option: str = "--at") -> time:
    """Parse a time of day, 24 hours, HH:MM.

    Raises:
        UsageError: it names none.

    >>> parse_time("2:30")
    datetime.time(2, 30)
    """
    try:
        return parse_time_of_day(text)
    except InputError as error:
        raise UsageError(f"{option}: {error}") from error


@dataclass(frozen=True, slots=True)
class Schedule:
    """A nightly run of one suite, every day at one time.

    Raises:
        UsageError: a path or an address holds a control character, which no scheduler's file can.
    """

    suite: str
    """A suite file, absolute when it runs on this machine, or the name of an embedded suite."""
    at: time
    """Local time of the machine; UTC where the scheduler knows no other."""
    folder: Path
    """Working folder, absolute."""
    results: Path
    """The results folder, absolute when it runs on this machine."""
    python: Path
    """The interpreter that has bench, absolute and not resolved: a virtual environment is known by this path."""
    log: Path
    """What the run prints is appended here."""
    address: str | None = None
    """Of the object store that results lie in, where they do; `results` is then this machine's part of them."""
    deadline: str | None = None
    """Time of day by which the night stops, HH:MM."""
    baseline: str | None = None
    """What each night is judged against; None for what the suite says."""
    store: str | None = None
    """Database address, when it is not the results folder's SQLite. One with a password stands in no entry: whoever
    installs it puts it into `environment`."""

    def __post_init__(self) -> None:
        for text in (*self.command, str(self.folder), str(self.log)):
            if _CONTROL.search(text):
                raise UsageError(
                    f"{text!r} contains a control character, which a scheduler's file cannot hold; rename it"
                )

    @property
    def arguments(self) -> tuple[str, ...]:
        """List the words after `bench`; an address with a password is left to the environment."""
        store = () if self.store is None or has_secret(self.store) else ("--store", self.store)
        return ("nightly", self.suite, "--results", self.place, *store, *self.options)

    @property
    def place(self) -> str:
        """Write where results lie, as `--results` takes it: a folder, or an address that means the same everywhere."""
        return self.address or str(self.results)

    @property
    def options(self) -> tuple[str, ...]:
        """List the options of the night that its suite does not set."""
        deadline = () if self.deadline is None else ("--deadline", self.deadline)
        return deadline if self.baseline is None else (*deadline, "--baseline", self.baseline)

    @property
    def command(self) -> tuple[str, ...]:
        """List the words of the whole command; the interpreter has an absolute path, since schedulers know no virtual
        environment."""
        return (str(self.python), "-m", "bench", *self.arguments)

    @property
    def name(self) -> str:
        """Name the entry, as in `bench-nightly-topic-3f9c2a`; the same suite and results folder give the same name.

        The time is no part of it, so that installing again moves the entry instead of adding a second one.
        """
        stem = _NOT_IN_A_NAME.sub("-", Path(self.suite).stem.lower()).strip("-")[:NAME_CHARACTERS].strip("-")
        identity = "\0".join((self.suite, self.place, self.store or ""))
        return "-".join(filter(None, ("bench-nightly", stem, hashlib.sha256(identity.encode()).hexdigest()[:6])))

    @property
    def environment(self) -> Path:
        """Find the file of KEY=VALUE lines that a night of this machine reads, if there is one: secrets such as
        BENCH_WEBHOOK do not belong in an entry, and no scheduler passes on what a shell exported."""
        config = os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config"
        return Path(config).absolute() / "bench" / "environment"

    @property
    def cron(self) -> str:
        """Write the five fields of cron."""
        return f"{self.at.minute} {self.at.hour} * * *"
