"""A Kubernetes CronJob with the volume that keeps its history.

Requests equal limits and are whole CPUs, so that the static CPU manager gives the night cores of its own; the
node selector keeps it on machines of one kind, for timings of different machines are different series.
Source: https://kubernetes.io/docs/tasks/administer-cluster/cpu-management-policies/
"""

from __future__ import annotations

from ruamel.yaml.scalarstring import DoubleQuotedScalarString

from bench.schedule.entry import Schedule
from bench.schedule.pipeline import STORE_VARIABLE, WEBHOOK_VARIABLE, minutes, to_yaml

IMAGE = "bench:latest"
MOUNT = "/results"
CPUS, MEMORY, DISK = "2", "8Gi", "20Gi"
"""To be set to what the models need; here the quickstart's with room."""
SELECTOR = "bench-nightly"
"""Label of the nodes that may run it."""
LATE_S = 3600
"""A night that cannot start within an hour is left out."""


def kubernetes(schedule: Schedule, image: str = IMAGE) -> str:
    """Write a PersistentVolumeClaim and a CronJob as YAML; the suite's path is one inside the image."""
    comment = (
        "# Written by bench schedule; `kubectl apply -f` this file. The time is UTC.\n"
        f"# The image holds bench, the suite and its models. Label the nodes: kubectl label node NODE {SELECTOR}=true\n"
    )
    store = "" if schedule.store is None else " --from-literal=store=..."
    comment += (
        f"# The webhook{' and the database' if store else ''}: kubectl create secret generic {schedule.name} "
        f"--from-literal=webhook=...{store}\n"
    )
    return comment + to_yaml(_claim(schedule), _cron_job(schedule, image))


def _claim(schedule: Schedule) -> dict[str, object]:
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {"name": schedule.name},
        "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": DISK}}},
    }


def _cron_job(schedule: Schedule, image: str) -> dict[str, object]:
    pod = {
        "restartPolicy": "Never",
        "nodeSelector": {SELECTOR: "true"},
        "containers": [_container(schedule, image)],
        "volumes": [{"name": "results", "persistentVolumeClaim": {"claimName": schedule.name}}],
    }
    job = {"backoffLimit": 0, "activeDeadlineSeconds": 60 * minutes(schedule)}
    return {
        "apiVersion": "batch/v1",
        "kind": "CronJob",
        "metadata": {"name": schedule.name},
        "spec": {
            "schedule": schedule.cron,
            "timeZone": "Etc/UTC",
            "concurrencyPolicy": "Forbid",
            "startingDeadlineSeconds": LATE_S,
            "jobTemplate": {"spec": {**job, "template": {"spec": pod}}},
        },
    }


def _container(schedule: Schedule, image: str) -> dict[str, object]:
    amounts = {"cpu": CPUS, "memory": MEMORY}
    words = ["nightly", _literal(schedule.suite), "--results", MOUNT, *map(_literal, schedule.options)]
    webhook = {"secretKeyRef": {"name": schedule.name, "key": "webhook", "optional": True}}
    variables: list[dict[str, object]] = [{"name": WEBHOOK_VARIABLE, "valueFrom": webhook}]
    if schedule.store is not None:
        store = {"secretKeyRef": {"name": schedule.name, "key": "store"}}
        variables.append({"name": STORE_VARIABLE, "valueFrom": store})
    return {
        "name": "bench",
        "image": image,
        "command": ["python", "-m", "bench"],
        "args": [DoubleQuotedScalarString(word) for word in words],  # 06:00 is the number 360 in YAML 1.1
        "resources": {"requests": amounts, "limits": dict(amounts)},
        "volumeMounts": [{"name": "results", "mountPath": MOUNT}],
        "env": variables,
    }


def _literal(text: str) -> str:
    """Write text of which Kubernetes expands nothing: `$(NAME)` is a reference, `$$(NAME)` its text."""
    return text.replace("$(", "$$(")
