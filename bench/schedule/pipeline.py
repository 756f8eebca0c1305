"""Entries for CI services: a GitHub workflow, a GitLab job.

Both need a runner of your own that has bench on its PATH: a shared one is another machine every night. Its disk
keeps the history; where the runner is recreated, give `--store` the address of a database.
Sources: https://docs.github.com/actions/reference/workflow-syntax-for-github-actions and
https://docs.gitlab.com/ci/yaml/
"""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from dataclasses import replace
from io import StringIO

from ruamel.yaml import YAML

from bench.schedule.entry import Schedule

WIDTH = 120
WEBHOOK_VARIABLE = "BENCH_WEBHOOK"
"""Environment variable that `--webhook` is taken from; a secret of the service, empty where there is none."""
STORE_VARIABLE = "BENCH_STORE"
"""Environment variable that `--store` is taken from: an address may hold a password, which belongs to no file."""
WANTS_FOLDER = "its job keeps the pages of a folder; name one of the runner's: --results FOLDER"
MARGIN_MINUTES = 30
"""That a job may last longer than its deadline, for the report."""
DAY_MINUTES = 24 * 60


def github(schedule: Schedule, runner: str = "self-hosted") -> str:
    """Write `.github/workflows/NAME.yml`."""
    steps: list[Mapping[str, object]] = [
        {"uses": "actions/checkout@v4", "with": {"clean": False}},
        {"name": "Nightly", "run": _script(schedule), **_secret(schedule)},
        {
            "name": "Keep the reports",
            "if": "always()",
            "uses": "actions/upload-artifact@v4",
            "with": {"name": schedule.name, "path": "\n".join(_pages(schedule))},
        },
    ]
    job = {"runs-on": runner.split(","), "timeout-minutes": minutes(schedule), "steps": steps}
    workflow = {
        "name": f"bench nightly: {schedule.suite}",
        "on": {"schedule": [{"cron": schedule.cron}], "workflow_dispatch": {}},
        "permissions": {"contents": "read"},
        "concurrency": {"group": schedule.name, "cancel-in-progress": False},
        "jobs": {"nightly": job},
    }
    comment = (
        f"# .github/workflows/{schedule.name}.yml, written by bench schedule. The time is UTC.\n"
        "# The runner has bench on its PATH. "
        "`clean: false` keeps the results folder between the nights.\n"
    )
    return comment + to_yaml(workflow)


def gitlab(schedule: Schedule, runner: str = "bench") -> str:
    """Write a job for `.gitlab-ci.yml`; GitLab keeps the time itself in the project's pipeline schedules."""
    job = {
        "stage": "test",
        "tags": runner.split(","),
        "rules": [{"if": '$CI_PIPELINE_SOURCE == "schedule"'}],
        "resource_group": schedule.name,
        "interruptible": False,
        "timeout": f"{minutes(schedule)} minutes",
        "variables": {"GIT_CLEAN_FLAGS": f"-ffdx -e {shlex.quote(str(schedule.results))}/"},
        "script": [_script(schedule)],
        "artifacts": {
            "when": "always",
            "paths": _pages(schedule),
            "expire_in": "30 days",
            "reports": {"junit": f"{schedule.results}/nightly/*/latest/junit.xml"},
        },
    }
    comment = (
        "# .gitlab-ci.yml, written by bench schedule. The runner has bench on its PATH.\n"
        f'# Then in the project: Build > Pipeline schedules > New schedule, interval pattern "{schedule.cron}".\n'
    )
    comment += f"# The webhook is the masked CI/CD variable {WEBHOOK_VARIABLE}.\n"
    if schedule.store is not None:
        comment += f"# The database's address is the masked CI/CD variable {STORE_VARIABLE}.\n"
    return comment + to_yaml({schedule.name: job})


def to_yaml(*documents: Mapping[str, object]) -> str:
    """Write documents as YAML, the keys in their order."""
    yaml, out = YAML(), StringIO()
    yaml.width = WIDTH
    yaml.indent(mapping=2, sequence=4, offset=2)
    yaml.dump_all(list(documents), out)
    return out.getvalue()


def minutes(schedule: Schedule) -> int:
    """Return how many minutes a night may take; without a deadline, a day's."""
    if schedule.deadline is None:
        return DAY_MINUTES - MARGIN_MINUTES
    hour, minute = (int(part) for part in schedule.deadline.split(":"))
    span = (60 * hour + minute - 60 * schedule.at.hour - schedule.at.minute) % DAY_MINUTES
    return span + MARGIN_MINUTES


def _script(schedule: Schedule) -> str:
    """Write the command, the database's address left to the environment."""
    return shlex.join(["bench", *replace(schedule, store=None).arguments])


def _pages(schedule: Schedule) -> list[str]:
    """Name what a job keeps: the newest night and the pages of all nights, not every night again each night."""
    folder = f"{schedule.results}/nightly/*"
    return [f"{folder}/latest/", f"{folder}/index.html", f"{folder}/trends.html"]


def _secret(schedule: Schedule) -> dict[str, object]:
    names = [WEBHOOK_VARIABLE] if schedule.store is None else [STORE_VARIABLE, WEBHOOK_VARIABLE]
    return {"env": {name: "${{ secrets." + name + " }}" for name in names}}
