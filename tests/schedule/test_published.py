"""Workflow, job and CronJob against the schemas that their makers publish, as two packages carry them."""

import json
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
import yaml as yaml_1_1
from ruamel.yaml import YAML

from bench.errors import UsageError
from bench.nightly.night import LATEST, folder_of
from bench.schedule import KINDS
from bench.schedule.pipeline import minutes
from tests.schedule.entries import entry

ODD_SUITE = "suites/a b%h $(HOME) 'q\": #x.yaml"
STORE = "postgresql+psycopg://u:secret@h/n"
PUBLISHED = {"github": "vendor.github-workflows", "gitlab": "vendor.gitlab-ci"}


def remote(**changed):
    """A schedule with paths of a checkout instead of this machine's."""
    fields = {"suite": ODD_SUITE, "results": Path("results"), "log": Path("results/nightly.log"), "deadline": "06:00"}
    return entry(**(fields | changed))


def read(text):
    return list(YAML(typ="safe").load_all(text))


@pytest.mark.parametrize("kind", PUBLISHED)
@pytest.mark.parametrize("made", [remote(), remote(suite="quickstart", deadline=None, store=STORE)])
def test_ci_services_accept_the_entry(tmp_path, kind, made):
    pytest.importorskip("check_jsonschema")
    path = tmp_path / "entry.yml"
    path.write_text(KINDS[kind].render(made))
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", PUBLISHED[kind], str(path)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def test_ci_services_keep_what_a_night_leaves():
    """The paths are those of `bench.nightly.night`: its folder, and the copy of the newest night in it."""
    for kind in ("github", "gitlab"):
        text = KINDS[kind].render(remote())
        assert "results/nightly/*/latest/" in text and "results/nightly/*/index.html" in text
    assert "junit: results/nightly/*/latest/junit.xml" in KINDS["gitlab"].render(remote())
    assert (LATEST, folder_of(Path("results"), "s")) == ("latest", Path("results/nightly/s"))


def test_the_check_finds_a_mistake(tmp_path):
    pytest.importorskip("check_jsonschema")
    path = tmp_path / "entry.yml"
    path.write_text(KINDS["github"].render(remote()).replace("runs-on:", "run-on:"))
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", PUBLISHED["github"], str(path)]
    assert subprocess.run(command, capture_output=True).returncode != 0


@pytest.mark.parametrize("store", [None, STORE])
def test_kubernetes_accepts_both_documents(store):
    validator = pytest.importorskip("kubernetes_validate")
    documents = read(KINDS["kubernetes"].render(remote(store=store)))
    assert [document["kind"] for document in documents] == ["PersistentVolumeClaim", "CronJob"]
    for document in documents:
        validator.validate(document, validator.latest_version(), strict=True)
    documents[1]["spec"]["jobTemplate"]["spec"]["template"]["spec"]["restartPolicy"] = 1
    with pytest.raises(validator.ValidationError):
        validator.validate(documents[1], validator.latest_version(), strict=True)


def test_a_night_on_several_machines_is_a_ray_job():
    """Kubernetes' own schema holds the pods; the rest of a RayJob is KubeRay's."""
    validator = pytest.importorskip("kubernetes_validate")
    address = "s3://bench/team"
    [job] = read(KINDS["kubernetes-ray"].render(remote(address=address, store=STORE)))
    assert (job["apiVersion"], job["kind"]) == ("ray.io/v1", "RayJob")
    words = shlex.split(job["spec"]["entrypoint"])
    assert words[:4] == ["python", "-m", "bench", "nightly"]
    assert words[4:] == [ODD_SUITE, "--on", "ray", "--results", "s3://bench/team", "--deadline", "06:00"]
    cluster = job["spec"]["rayClusterSpec"]
    [machines] = cluster["workerGroupSpecs"]
    assert json.loads(json.loads(machines["rayStartParams"]["resources"])) == {"bench_machine": 1}
    for template in (cluster["headGroupSpec"]["template"], machines["template"]):
        pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "x"}, **template}
        validator.validate(pod, validator.latest_version(), strict=True)
    [head] = cluster["headGroupSpec"]["template"]["spec"]["containers"]
    assert {variable["name"] for variable in head["env"]} == {"BENCH_STORE", "BENCH_WEBHOOK"}
    assert [each["secretRef"]["optional"] for each in head["envFrom"]] == [True]
    assert not any({"env", "envFrom"} & set(container) for container in machines["template"]["spec"]["containers"])
    for lost in (remote(store=STORE), remote(address=address)):
        with pytest.raises(UsageError, match=r"name an object store|name one"):
            KINDS["kubernetes-ray"].render(lost)


RAY_JOB_FIELDS = {
    "entrypoint": str,
    "submissionMode": str,
    "shutdownAfterJobFinishes": bool,
    "ttlSecondsAfterFinished": int,
    "activeDeadlineSeconds": int,
    "backoffLimit": int,
    "rayClusterSpec.rayVersion": str,
    "rayClusterSpec.authOptions.mode": str,
    "rayClusterSpec.headGroupSpec.rayStartParams": dict,
    "rayClusterSpec.headGroupSpec.template": dict,
    "rayClusterSpec.workerGroupSpecs.groupName": str,
    "rayClusterSpec.workerGroupSpecs.replicas": int,
    "rayClusterSpec.workerGroupSpecs.minReplicas": int,
    "rayClusterSpec.workerGroupSpecs.maxReplicas": int,
    "rayClusterSpec.workerGroupSpecs.rayStartParams": dict,
    "rayClusterSpec.workerGroupSpecs.template": dict,
}
"""Of the RayJob's specification, down to what Kubernetes' schema holds; checked against the CRDs of KubeRay 1.5.1,
1.6.2 and 1.7.0. A new field is looked up there first."""


def test_a_ray_job_has_the_fields_of_kuberay():
    """Start parameters are text, or KubeRay refuses them; its name has room for what Kubernetes appends."""
    [job] = read(KINDS["kubernetes-ray"].render(remote(address="s3://bench/team", store=STORE, suite="long " * 20)))
    fields = dict(leaves(job["spec"], ""))
    assert {name: type(value) for name, value in fields.items()} == RAY_JOB_FIELDS
    assert all(type(value) is str for name in fields if "Params" in name for value in fields[name].values())
    prefix = job["metadata"]["generateName"]
    assert prefix.startswith("bench-nightly-long-") and len(prefix) + len("abcde") <= 47
    assert prefix.endswith(f"{remote(address='s3://bench/team', store=STORE, suite='long ' * 20).name[-7:]}-")


def leaves(value, path):
    """Yields what stands at each place, of a list what its parts have; free maps and pods are places, too."""
    if isinstance(value, list):
        value = {name: part for item in value for name, part in item.items()}
    if not isinstance(value, dict) or path.endswith(("rayStartParams", "template")):
        yield path, value
        return
    for name, part in value.items():
        yield from leaves(part, f"{path}.{name}" if path else name)


def test_the_shell_of_a_runner_gets_the_suite_as_it_is():
    said = ["bench", "nightly", ODD_SUITE, "--results", "results", "--deadline", "06:00"]
    [workflow] = read(KINDS["github"].render(remote()))
    assert shlex.split(workflow["jobs"]["nightly"]["steps"][1]["run"]) == said
    [job] = read(KINDS["gitlab"].render(remote()))
    assert shlex.split(job[remote().name]["script"][0]) == said


def test_kubernetes_gets_the_suite_as_it_is_and_expands_nothing():
    job = read(KINDS["kubernetes"].render(remote()))[1]
    [container] = job["spec"]["jobTemplate"]["spec"]["template"]["spec"]["containers"]
    assert [word.replace("$$(", "$(") for word in container["args"]] == [
        "nightly",
        ODD_SUITE,
        "--results",
        "/results",
        "--deadline",
        "06:00",
    ]
    assert "$$(HOME)" in container["args"][1]


@pytest.mark.parametrize("kind", ["github", "gitlab", "kubernetes"])
def test_old_and_new_yaml_read_the_same(kind):
    """In YAML 1.1 a bare 06:00 is 360, and `on` is true."""
    text = KINDS[kind].render(remote())
    old = [{"on" if key is True else key: value for key, value in d.items()} for d in yaml_1_1.safe_load_all(text)]
    assert old == read(text)


@pytest.mark.parametrize("kind", ["github", "gitlab", "kubernetes"])
def test_an_address_never_stands_in_a_file_that_is_committed(kind):
    text = KINDS[kind].render(remote(store=STORE))
    assert "secret@" not in text
    assert "BENCH_STORE" in text


@pytest.mark.parametrize(("deadline", "expected"), [("06:00", 240), ("02:00", 1440), ("23:59", 1319), (None, 1410)])
def test_a_job_may_last_until_its_deadline_and_a_little(deadline, expected):
    assert minutes(remote(deadline=deadline)) == expected


def test_options_of_the_runner():
    [workflow] = read(KINDS["github"].render(remote(), runner="self-hosted,gpu"))
    assert workflow["jobs"]["nightly"]["runs-on"] == ["self-hosted", "gpu"]
    assert "image: reg/bench:1" in KINDS["kubernetes"].render(remote(), image="reg/bench:1")


def test_the_times_are_where_each_service_looks():
    [workflow] = read(KINDS["github"].render(remote()))
    assert workflow["on"]["schedule"] == [{"cron": "30 2 * * *"}]
    job = read(KINDS["kubernetes"].render(remote()))[1]
    assert (job["spec"]["schedule"], job["spec"]["timeZone"]) == ("30 2 * * *", "Etc/UTC")
    assert '"30 2 * * *"' in KINDS["gitlab"].render(remote())


@pytest.mark.parametrize("kind", ["github", "kubernetes"])
def test_the_alerts_address_comes_from_a_secret(kind):
    text = KINDS[kind].render(remote())
    assert "BENCH_WEBHOOK" in text and ("secrets.BENCH_WEBHOOK" in text or "optional: true" in text)
