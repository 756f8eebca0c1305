"""What the machine is, the tests marked `gpu`, and whether the machine was left as it was found."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tomllib
from collections.abc import Callable
from functools import partial
from importlib import metadata
from pathlib import Path

from packaging.requirements import Requirement

from benchmarks.gpu.kit import outcomes
from benchmarks.gpu.kit.context import NEEDS_GPU, Context

ROOT = Path(__file__).parents[3]
FOUND = "found.json"
"""The state of the GPU before the first step, in the scratch folder."""
SAME_BYTES = 64 * 2**20
"""Memory by which the board may differ afterwards: the driver keeps some of its own."""


def machine(context: Context) -> None:
    """Tell what is here, check that bench's requirements are met, and note the state of the GPU."""
    ledger = context.ledger
    ledger.tell("Python", sys.version.split()[0])
    for name in ("torch", "transformers", "accelerate", "numpy", "nvidia-ml-py", "torchao", "triton"):
        ledger.tell(name, _version(name) or "not installed")
    lacking = unmet_requirements()
    ledger.require("requirements of bench", not lacking, "; ".join(lacking) or "all met")
    ledger.tell("requirements of those", "; ".join(unmet_further()) or "all met")
    if not context.on_gpu:
        ledger.skip("GPU", NEEDS_GPU)
        return
    from bench.host.gpu import gpu_facts

    facts = gpu_facts()
    ledger.require("NVML opens", bool(facts["devices"]), str(facts.get("reason") or f"driver {facts.get('driver')}"))
    for device in facts["devices"]:
        ledger.tell(f"GPU {device['index']}", ", ".join(f"{key} {value}" for key, value in device.items()))
    (context.scratch / FOUND).write_text(json.dumps(board_states()), encoding="utf-8")


def unmet_requirements() -> list[str]:
    """List the requirements of bench that the packages here do not meet."""
    return [why for requirement in _declared() if (why := _unmet(requirement))]


def unmet_further() -> list[str]:
    """List what packages that bench needs, directly or not, ask for and do not find: of wheels that were carried, or of
    the machine's own."""
    waiting = [requirement.name for requirement in _declared()]
    seen, lacking = set(waiting), list[str]()
    while waiting:
        name = waiting.pop()
        for requirement in map(Requirement, _requires(name)):
            if requirement.marker is not None and not requirement.marker.evaluate({"extra": ""}):
                continue
            if why := _unmet(requirement):
                lacking.append(f"{name} asks for {why}")
            if requirement.name not in seen:
                seen.add(requirement.name)
                waiting.append(requirement.name)
    return sorted(lacking)


def _declared() -> list[Requirement]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    declared = map(Requirement, project["dependencies"])
    return [requirement for requirement in declared if requirement.name != "vl-convert-python"]  # its output is carried


def _unmet(requirement: Requirement) -> str | None:
    """Say what is there instead of a requirement; None where it is met."""
    found = _version(requirement.name)
    if found is not None and requirement.specifier.contains(found, prereleases=True):
        return None
    return f"{requirement}, and {found or 'nothing'} is there"


def _requires(name: str) -> list[str]:
    try:
        return metadata.requires(name) or []
    except metadata.PackageNotFoundError:
        return []


def _version(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def board_states() -> list[dict[str, object]]:
    """Read what the kit must leave as it is: MIG, persistence, compute mode, power limit, memory in use."""
    from bench.host.nvml import all_devices, attempt, open_nvml

    pynvml = open_nvml()
    asked: dict[str, Callable[[object], object]] = {
        "mig": lambda handle: list(pynvml.nvmlDeviceGetMigMode(handle)),
        "persistence": pynvml.nvmlDeviceGetPersistenceMode,
        "compute": pynvml.nvmlDeviceGetComputeMode,
        "limit_mw": pynvml.nvmlDeviceGetPowerManagementLimit,
        "used_bytes": lambda handle: pynvml.nvmlDeviceGetMemoryInfo(handle).used,
    }
    return [
        {"uuid": device.uuid} | {name: attempt(pynvml, partial(read, device.handle))[0] for name, read in asked.items()}
        for device in all_devices(pynvml)
    ]


def tests(context: Context) -> None:
    """Run the tests marked `gpu`; each writes its own row."""
    plugins = ["-p", "benchmarks.gpu.kit.outcomes", "-p", "no:cacheprovider", "-n", "0"]
    lenient = ["-W", "default"]  # a newer library may warn of what is no mistake of bench's
    options = ["--basetemp", str(context.scratch / "pytest"), "--maxfail=1000" if context.on_gpu else "-x"]
    environment = os.environ | {outcomes.ROWS: str(context.ledger.path), outcomes.STEP: context.ledger.step}
    if not context.on_gpu:
        options.append("--collect-only")
    command = [sys.executable, "-m", "pytest", "-m", "gpu", "tests/gpu", *plugins, *lenient, *options]
    code = subprocess.run(command, cwd=ROOT, env=environment, check=False).returncode
    name = "tests marked gpu" if context.on_gpu else "tests marked gpu are collected"
    context.ledger.require(name, code == 0, f"pytest ended with {code}")


def left(context: Context) -> None:
    """Compare the state of the GPU with that before the first step."""
    ledger, found = context.ledger, context.scratch / FOUND
    if not context.on_gpu or not found.exists():
        ledger.skip("left as it was found", NEEDS_GPU if not context.on_gpu else "its state before is not known")
        return
    for before, after in zip(json.loads(found.read_text(encoding="utf-8")), board_states(), strict=True):
        used = [int(str(state.pop("used_bytes") or 0)) for state in (before, after)]
        ledger.require(f"settings of {before['uuid']}", before == after, json.dumps(after))
        ledger.hold(f"memory left on {before['uuid']}", used[1] - used[0], at_most=SAME_BYTES)
