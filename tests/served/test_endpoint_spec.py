"""What is wrong with a served model's entry is told in one line, with its place and a remedy."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from bench.__main__ import main
from bench.candidates import FAMILIES
from bench.candidates.served.launch import start
from bench.errors import EnvironmentLackError, SuiteError
from bench.planning import make_plan, open_suite
from bench.planning.checks import name_checks
from bench.planning.mistakes import Mistakes
from bench.suite import EndpointSpec, ModelSpec, Suite
from bench.suite.endpoint import LaunchSpec
from bench.suite.yaml_file import Located
from tests.served.conftest import KEY_VARIABLE, suite_of

URL = "http://127.0.0.1:9/v1"
BAD: dict[str, tuple[dict[str, Any], str, str]] = {
    "no scheme": ({"url": "127.0.0.1:8000/v1"}, "server.url", "http://127.0.0.1:8000/v1"),
    "a port that is none": ({"url": "http://host:99999/v1"}, "server.url", "http://127.0.0.1:8000/v1"),
    "a password in the address": ({"url": "https://me:secret@host/v1"}, "server.url", "api_key_env"),
    "a key in the address": ({"url": "https://host/v1?api_key=secret"}, "server.url", "api_key_env"),
    "a key in a header": ({"headers": {"Authorization": "Bearer secret"}}, "server.headers", "api_key_env"),
    "a header of two lines": ({"headers": {"X-A": "a\r\nX-B: b"}}, "server.headers", "give one"),
    "a key for its variable": ({"api_key_env": "sk-secret"}, "server.api_key_env", "give the name"),
    "an api that there is not": ({"api": "responses"}, "server.api", "completions"),
    "a time without unit": ({"timeout": "30"}, "server.timeout", "s"),
    "no time": ({"silence": "0 s"}, "server.silence", "s"),
    "a budget without prices": ({"budget": {"max_cost": 1.0}}, "server", "prices"),
    "a key of its own in extra": ({"extra": {"stream": False}}, "server", "leave it out"),
    "a launch without command": ({"launch": {"command": []}}, "server.launch.command", ""),
    "a typo": ({"modle": "x"}, "server.modle", "model"),
    "too many retries": ({"retries": 1000}, "server.retries", "20"),
}


@pytest.mark.parametrize("case", BAD)
def test_a_mistake_is_one_line_with_its_place_and_a_remedy(case: str, tmp_path: Path) -> None:
    keys, place, remedy = BAD[case]
    with pytest.raises(SuiteError) as refused:
        open_suite(str(suite_of(tmp_path, **({"url": URL} | keys))))
    (line,) = str(refused.value).splitlines()
    assert "suite.yaml:3:" in line and f"models[0].{place}" in line and remedy in line
    assert "secret" not in line.replace("holds a secret", "").replace("looks like a secret", "")


SLO = 'slo: {ttft_p95: "<= 1 s"}'
BAD_LOADS: dict[str, tuple[str, str, str]] = {
    "no rates": ("levels: []", "load.levels", "[5, 10, 20]"),
    "one rate": ("levels: 5", "load.levels", "[5, 10, 20]"),
    "a rate of nothing": ("levels: [0, 5]", "load.levels", "[5, 10, 20]"),
    "a word": ("levels: fast", "load.levels", "or auto"),
    "a rate twice": ("levels: [5, 5.0]", "load.levels", "leave one out"),
    "a window without requests": ("levels: [0.01]", "load", "lengthen it"),
    "more than can be sent": ("levels: [1.0e+12]", "load", "lower the rate"),
    "replicas of no SLO": ("levels: [5], target_per_s: 100", "load", "give 'slo'"),
    "a time that there is not": ('slo: {ttft_p94: "<= 1 s"}', "load.slo", "ttft_p9"),
    "a limit in bytes": ('slo: {ttft_p95: "<= 1 MB"}', "load.slo", "ms"),
    "a trace of another kind": ("trace: [0, 1, 2]", "load", "arrivals: trace"),
    "a share of no SLO": ("levels: [5]}\nconstraints: {good_share@5: '>= 90 %'", "constraints", "load.slo"),
    "a rate of no SLO": ("levels: [5]}\nconstraints: {slo_rate_per_s: '>= 5 /s'", "constraints", "load.slo"),
    "replicas of no rate": (f"levels: [5], {SLO}}}\nconstraints: {{replicas: '<= 5'", "constraints", "target_per_s"),
    "a level that is not offered": ("levels: [5]}\nconstraints: {latency_p95_s@9: '<= 1 s'", "constraints", "has 5"),
}


@pytest.mark.parametrize("case", BAD_LOADS)
def test_a_bad_load_is_one_line_with_its_place_and_a_remedy(case: str, tmp_path: Path) -> None:
    text, place, remedy = BAD_LOADS[case]
    path = suite_of(tmp_path, URL)
    path.write_text(f"{path.read_text()}load: {{{text}}}\n")
    with pytest.raises(SuiteError) as refused:
        make_plan(open_suite(str(path)), tmp_path / "results")
    (line,) = str(refused.value).splitlines()
    assert "suite.yaml:" in line and f" {place}" in line and remedy in line


@pytest.mark.parametrize(
    ("options", "needles"),
    [
        (["--slo", "ttft_p95 <= 300 ms", "--slo", "ttft_p95 <= 1 s"], ["--slo", "'ttft_p95' is limited twice"]),
        (["--slo", "ttft_p95 < 300 ms"], ["--slo", "'ttft_p95 <= 300 ms'"]),
        (["--rate", "5", "--rate", "5"], ["--rate", "leave one out"]),
        (["--rate", "1e12"], ["--rate", "lower the rate"]),
        (["--rate", "0.001"], ["--rate", "lengthen it"]),
        (["--key-env", "sk-secret"], ["--key-env", "give the name"]),
        (["--model", ""], ["--model", "should not be empty"]),
    ],
)
def test_a_bad_option_of_bench_load_is_one_line(
    options: list[str], needles: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["load", URL, "--model", "m", *options]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert all(needle in line for needle in needles) and "sk-secret" not in line


@pytest.mark.parametrize(
    ("old", "new", "needle"),
    [
        ("family: endpoint, server:", "family: causal-lm, checkpoint: x, server:", "'server' is for endpoint"),
        ("family: endpoint,", "family: endpoint, checkpoint: gpt2,", "leave 'checkpoint' out"),
        ("family: endpoint,", "family: endpoint, chat_template: true,", "'chat_template' is for causal-lm"),
    ],
)
def test_keys_of_other_families_are_refused(old: str, new: str, needle: str, tmp_path: Path) -> None:
    path = suite_of(tmp_path, URL)
    path.write_text(path.read_text().replace(old, new))
    with pytest.raises(SuiteError, match=r"suite\.yaml:3") as refused:
        make_plan(open_suite(str(path)), tmp_path / "results")
    assert needle in str(refused.value)


def identity(**keys: Any) -> str | None:
    spec = EndpointSpec.model_validate({"url": URL, "model": "m"} | keys)
    return FAMILIES["endpoint"].source_identity(ModelSpec(name="m", family="endpoint", server=spec))


@pytest.mark.parametrize("keys", [{"model": "n"}, {"api": "completions"}, {"seed": 1}, {"extra": {"top_k": 1}}])
def test_what_decides_the_answers_is_in_the_identity(keys: dict[str, Any]) -> None:
    assert identity(**keys) != identity()


@pytest.mark.parametrize(
    "keys",
    [{"retries": 1}, {"timeout": "1 s"}, {"api_key_env": "KEY"}, {"budget": {"max_requests": 1}}, {"url": URL + "/"}],
)
def test_how_long_one_tries_is_not(keys: dict[str, Any]) -> None:
    assert identity(**keys) == identity()


def test_choices_by_a_chat_endpoint_are_unsupported_before_anything_runs(tmp_path: Path) -> None:
    (tmp_path / "mc.jsonl").write_text('{"question": "q", "choices": ["a", "b"], "answer": "a"}\n')
    task = "  - {name: mc, kind: multiple-choice, data: {path: mc.jsonl}}\n"
    plan = make_plan(open_suite(str(suite_of(tmp_path, URL, tasks=task, api="chat"))), tmp_path / "results")
    reasons = {(cell.model, cell.task): cell.unsupported for cell in plan.cells}
    assert reasons["served", "questions"] is None and "api: completions" in str(reasons["served", "mc"])


def test_a_server_is_started_in_a_package_or_told_what_is_missing(tmp_path: Path) -> None:
    done = start(LaunchSpec(command=["test", "-f", "decoder.py"], folder="package:json"), tmp_path)
    assert done.wait(10) == 0
    with pytest.raises(EnvironmentLackError, match="pip install no-such-package"):
        start(LaunchSpec(command=["true"], folder="package:no_such_package"), tmp_path)
    spec = EndpointSpec.model_validate(
        {"url": URL, "model": "m", "launch": {"command": ["x"], "folder": "package:json"}}
    )
    assert spec.with_folder_from(tmp_path) == spec


@pytest.mark.parametrize(
    ("folder", "needle"), [("servers", "'server'"), ("package:no_such_package", "pip install"), ("suite.yaml", "file")]
)
def test_a_folder_to_launch_in_that_is_not_there_is_told_when_planning(
    folder: str, needle: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    suite = suite_of(tmp_path, URL, launch={"command": ["true"], "folder": folder})
    (tmp_path / "server").mkdir()
    assert main(["plan", str(suite), "--results", str(tmp_path / "results")]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert "suite.yaml:3:" in line and "models[0].server.launch.folder" in line and needle in line


@pytest.mark.parametrize("folder", ["made", "made/own", "made/own/vectors"])
def test_a_folder_to_launch_in_may_come_of_a_fit(folder: str, tmp_path: Path) -> None:
    suite = suite_of(tmp_path, URL, launch={"command": ["true"], "folder": folder})
    fitted = "  - {name: own, family: causal-lm, fit: {recipe: recipe.yaml, output: made/own}}\ntasks:"
    located = open_suite(str(suite))
    suite.write_text(suite.read_text().replace("tasks:", fitted))
    with_fit = open_suite(str(suite))
    assert [len(mistakes(opened)) for opened in (located, with_fit)] == [1, 0]
    (tmp_path / "made/own").mkdir(parents=True)
    assert len(mistakes(with_fit)) == folder.endswith("vectors"), "the checkpoint is there, and has no such folder"


def mistakes(suite: Located[Suite]) -> list[str]:
    gathered = Mistakes()
    gathered.gather(name_checks(suite))
    assert all("launch.folder" in line for line in gathered.lines)
    return list(gathered.lines)


@pytest.mark.parametrize("passes", [False, True])
def test_a_server_gets_the_key_only_where_it_asks_for_it(passes: bool, tmp_path: Path, key: str) -> None:
    launch = LaunchSpec(command=["sh", "-c", f'test -n "${KEY_VARIABLE}"'], passes_key=passes)
    assert (start(launch, tmp_path, KEY_VARIABLE).wait(10) == 0) is passes


def test_a_served_model_needs_no_torch() -> None:
    code = "import sys, bench.candidates.served.model, bench.measure.load.served; sys.exit('torch' in sys.modules)"
    assert not FAMILIES["endpoint"].needs_torch
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
