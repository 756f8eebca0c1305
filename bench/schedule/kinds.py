"""Which schedulers there are: how each one's entry is written, and which can be installed from here."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from bench.schedule import crontab, kubernetes, pipeline, systemd
from bench.schedule.entry import Schedule


@dataclass(frozen=True, slots=True)
class Kind:
    """One scheduler."""

    render: Callable[..., str]
    """From a schedule to the text of its entry; `option` is passed by its name."""
    here: bool
    """Whether it runs on this machine, with its paths."""
    option: str | None = None
    """The command line's option that it takes beside the schedule."""
    install: Callable[[Schedule], None] | None = None
    remove: Callable[[Schedule], bool] | None = None
    hint: Callable[[], str | None] | None = None
    """What an installed entry lacks to run every night; None where nothing is missing."""

    wants_folder: str | None = None
    """Why results must lie in a folder; None where they may lie in an object store."""


KINDS: Mapping[str, Kind] = {
    "systemd": Kind(systemd.render, here=True, install=systemd.install, remove=systemd.remove, hint=systemd.hint),
    "cron": Kind(crontab.render, here=True, install=crontab.install, remove=crontab.remove),
    "github": Kind(pipeline.github, here=False, option="runner", wants_folder=pipeline.WANTS_FOLDER),
    "gitlab": Kind(pipeline.gitlab, here=False, option="runner", wants_folder=pipeline.WANTS_FOLDER),
    "kubernetes": Kind(kubernetes.kubernetes, here=False, option="image", wants_folder=kubernetes.WANTS_FOLDER),
    "kubernetes-ray": Kind(kubernetes.ray_job, here=False, option="image"),
}
