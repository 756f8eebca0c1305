"""A Kubernetes CronJob with the volume that keeps its history, or a night on several machines by KubeRay.

Requests equal limits and are whole CPUs, so that the static CPU manager gives the night cores of its own; the
node selector keeps it on machines of one kind, for timings of different machines are different series.
Source: https://kubernetes.io/docs/tasks/administer-cluster/cpu-management-policies/
"""

from __future__ import annotations

import shlex

from ruamel.yaml.scalarstring import DoubleQuotedScalarString

from bench.errors import UsageError
from bench.schedule.entry import Schedule
from bench.schedule.pipeline import STORE_VARIABLE, WEBHOOK_VARIABLE, minutes, to_yaml

IMAGE = "bench:latest"
MOUNT = "/results"
WANTS_FOLDER = "a CronJob keeps results on its volume; leave --results out, or take a RayJob: --ray"
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
        f"--from-literal=webhook=...{store}\n{_other_variables(schedule)}"
    )
    return comment + to_yaml(_claim(schedule), _cron_job(schedule, image))


CLUSTER_MACHINES = 3
"""Machines of the cluster that a night gets; to be set to as many as there are."""
RAY_VERSION = "2.60.0"
"""To be set to the one in the image."""
HEAD_CPUS, HEAD_MEMORY = "1", "4Gi"
"""Of the head, which only commits what comes."""
KEPT_S = 60
"""For which a cluster outlives its night: its nodes do nothing then, and the log is read at once."""
RAY_JOB_CHARACTERS = 47
"""Of a RayJob's name at most. Source: KubeRay, `MaxRayJobNameLength`."""
GENERATED_CHARACTERS = 5
"""That Kubernetes appends to a `generateName`."""


def ray_job(schedule: Schedule, image: str = IMAGE) -> str:
    """Write a RayJob of KubeRay as YAML: a cluster for one night, whose head runs `bench nightly --on ray`.

    Each worker is a machine: a pod that has a node for itself. What is kept lies in an object store and a database,
    since the head's disk ends with the night.

    Raises:
        UsageError: results or database would be lost with the cluster.

    Source: docs.ray.io, "RayJob Quickstart", and KubeRay's API reference (ray.io/v1).
    """
    _check_lasting(schedule)
    comment = (
        "# Written by bench schedule; `kubectl create -f` this file starts one night. KubeRay 1.5.1 or later must be "
        "installed.\n"
        "# The image holds bash, wget, ray[default] (KubeRay asks its dashboard), bench[postgres,ray,s3], the suite "
        "and its models.\n"
        f"# Label the nodes: kubectl label node NODE {SELECTOR}=true\n"
        f"# The database: kubectl create secret generic {schedule.name} --from-literal=store=... "
        f"--from-literal=webhook=...\n{_other_variables(schedule)}"
    )
    return comment + to_yaml(_ray_job(schedule, image))


def _check_lasting(schedule: Schedule) -> None:
    if schedule.address is None:
        raise UsageError("a RayJob's disk ends with the night; name an object store: --results s3://BUCKET/PATH")
    if schedule.store is None:
        raise UsageError("an object store keeps no database; name one: --store postgresql+psycopg://USER@HOST/NAME")


def _ray_job(schedule: Schedule, image: str) -> dict[str, object]:
    results = ("--results", schedule.place)
    words = ["python", "-m", "bench", "nightly", schedule.suite, "--on", "ray", *results, *schedule.options]
    resource = '"{\\"bench_machine\\": 1}"'
    workers = {
        "groupName": "machines",
        "replicas": CLUSTER_MACHINES,
        "minReplicas": CLUSTER_MACHINES,
        "maxReplicas": CLUSTER_MACHINES,
        "rayStartParams": {"resources": resource},
        "template": {"spec": _alone(_ray_container("machine", image, CPUS, MEMORY))},
    }
    commits = _ray_container("head", image, HEAD_CPUS, HEAD_MEMORY) | _variables(schedule)
    head = {
        "rayStartParams": {"num-cpus": "0"},
        "template": {"spec": {"containers": [commits]}},
    }
    return {
        "apiVersion": "ray.io/v1",
        "kind": "RayJob",
        "metadata": {"generateName": _generated_name(schedule)},
        "spec": {
            "entrypoint": shlex.join(words),
            "submissionMode": "K8sJobMode",
            "shutdownAfterJobFinishes": True,
            "ttlSecondsAfterFinished": KEPT_S,
            "activeDeadlineSeconds": 60 * minutes(schedule),
            "backoffLimit": 0,
            "rayClusterSpec": {
                "rayVersion": RAY_VERSION,
                "authOptions": {"mode": "token"},  # else whoever reaches the head can run code on all machines
                "headGroupSpec": head,
                "workerGroupSpecs": [workers],
            },
        },
    }


def _generated_name(schedule: Schedule) -> str:
    """Cut the entry's name so that it fits with what Kubernetes appends; the last piece, which tells entries apart,
    stays."""
    stem, _, identity = schedule.name.rpartition("-")
    room = RAY_JOB_CHARACTERS - GENERATED_CHARACTERS - len(f"-{identity}-")
    return f"{stem[:room].rstrip('-')}-{identity}-"


def _alone(container: dict[str, object]) -> dict[str, object]:
    """Put a machine's pod on a node of its own: two pods of one node would measure each other."""
    apart = {
        "labelSelector": {"matchLabels": {"ray.io/group": "machines"}},
        "topologyKey": "kubernetes.io/hostname",
    }
    affinity = {"podAntiAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [apart]}}
    return {"nodeSelector": {SELECTOR: "true"}, "affinity": affinity, "containers": [container]}


def _ray_container(name: str, image: str, cpus: str, memory: str) -> dict[str, object]:
    amounts = {"cpu": cpus, "memory": memory}
    return {"name": name, "image": image, "resources": {"requests": amounts, "limits": dict(amounts)}}


def _variables(schedule: Schedule) -> dict[str, object]:
    """Name where a container's variables come from: the night's own secrets, and all of the secret of other variables.

    The pod of a CronJob has them, and of a cluster the head alone: no other machine is to have them.
    """
    others = {"secretRef": {"name": _of_others(schedule), "optional": True}}
    return {"env": _secrets(schedule), "envFrom": [others]}


def _of_others(schedule: Schedule) -> str:
    """Name the secret whose keys are variables: what an object store and served models want."""
    return f"{schedule.name}-variables"


def _other_variables(schedule: Schedule) -> str:
    """Write the comment that says how that secret is made."""
    return (
        "# What an object store and served models want: kubectl create secret generic "
        f"{_of_others(schedule)} --from-literal=AWS_ACCESS_KEY_ID=...\n"
    )


def _secrets(schedule: Schedule) -> list[dict[str, object]]:
    """Name the secrets of whoever keeps and tells what a night finds: the webhook, and the database where one is
    named."""
    webhook = {"secretKeyRef": {"name": schedule.name, "key": "webhook", "optional": True}}
    variables: list[dict[str, object]] = [{"name": WEBHOOK_VARIABLE, "valueFrom": webhook}]
    if schedule.store is not None:
        store = {"secretKeyRef": {"name": schedule.name, "key": "store"}}
        variables.append({"name": STORE_VARIABLE, "valueFrom": store})
    return variables


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
    return {
        "name": "bench",
        "image": image,
        "command": ["python", "-m", "bench"],
        "args": [DoubleQuotedScalarString(word) for word in words],  # 06:00 is the number 360 in YAML 1.1
        "resources": {"requests": amounts, "limits": dict(amounts)},
        "volumeMounts": [{"name": "results", "mountPath": MOUNT}],
        **_variables(schedule),
    }


def _literal(text: str) -> str:
    """Write text of which Kubernetes expands nothing: `$(NAME)` is a reference, `$$(NAME)` its text."""
    return text.replace("$(", "$$(")
