"""A Ray cluster of several nodes on this machine, and a suite whose model takes its time."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from bench.fit.session import fit
from tests.fit.solved import solver_job

NODE: dict[str, Any] = {"num_cpus": 1, "object_store_memory": 100 * 2**20, "resources": {"bench_machine": 1}}
"""As small as a node may be."""

SOON = {"health_check_initial_delay_ms": 0, "health_check_period_ms": 500, "health_check_failure_threshold": 3}
"""A node that was killed is missed after seconds."""

MODEL = '''"""A model that answers by a table beside it, and leaves the id of its process."""

import os
import time
from pathlib import Path


class Own:
    def __init__(self, words, wait_s):
        self.words, self.wait_s = words, wait_s

    def classify(self, texts, labels):
        time.sleep(self.wait_s * len(texts))
        known = [self.words.index(text.split()[-1]) for text in texts]
        return [[number % (2 + place) * 0.1 for place, _ in enumerate(labels)] for number in known]


def make(name="m", wait_s=0.0, table=None, trace=None):
    if trace is not None:
        with open(Path(trace) / name, "a") as stream:
            stream.write(f"{os.getpid()} {Path(__file__)}\\n")
    return Own(Path(table).read_text().split(), wait_s)
'''
WORDS = "delay damage customs berth crane quay"


def write_suite(folder: Path, models: int, wait_s: float, trace: Path) -> str:
    """Write a suite of some models of a factory, each on two tasks, and return its path."""
    folder.mkdir(parents=True, exist_ok=True)
    words = WORDS.split()
    rows = [{"text": f"note {i} of {words[i % 6]}", "label": "xyz"[i % 3]} for i in range(12)]
    (folder / "data.jsonl").write_text("\n".join(map(json.dumps, rows)))
    (folder / "own.py").write_text(MODEL)
    (folder / "table.txt").write_text(WORDS)
    options = f"table: ./table.txt, wait_s: {wait_s}, trace: {trace}"
    lines = [
        f'  - {{name: m{number}, family: torch-module, factory: "own:make", options: {{name: m{number}, {options}}}}}'
        for number in range(models)
    ]
    tasks = [
        f"  - {{name: {name}, kind: classification, data: {{path: data.jsonl}}, prompt: '{name} {{text}}'}}"
        for name in ("topic", "cause")
    ]
    text = "\n".join(["name: s", "defaults: {device: cpu, threads: 1, share_load: false}", "models:", *lines])
    (folder / "suite.yaml").write_text(f'{text}\ntasks:\n{chr(10).join(tasks)}\nmeasure: "off"\n')
    return str(folder / "suite.yaml")


LIGHT = """\
name: light
defaults: {{device: cpu, threads: 1, memory_limit: 2 GiB{more}}}
models:
  - {{name: linear, family: linear, checkpoint: "{folder}"}}
  - {{name: near, family: baseline, strategy: nearest}}
  - {{name: often, family: baseline, strategy: majority}}
tasks:
  - {{name: colour, kind: classification, data: {{path: data}}, labels: [red, green, blue]}}
  - {{name: again, kind: classification, data: {{path: data}}, labels: [red, green, blue], max_examples: 7}}
measure: "off"
"""


def write_light(folder: Path) -> Path:
    """Write a suite of models without torch, one of which is trained here, and return its path."""
    job = solver_job("linear", folder / "fitted")
    fit(job, lambda _: None)
    (folder / "data").mkdir()
    for split in ("train", "test"):
        rows = [dict(example.columns) for example in job.tasks[0].train.examples]
        (folder / "data" / f"{split}.jsonl").write_text("\n".join(map(json.dumps, rows)))
    (folder / "suite.yaml").write_text(LIGHT.format(folder=job.output, more=""))
    return folder / "suite.yaml"


def write_one(light: Path) -> Path:
    """Write a suite of one cell, of the model that was trained for another suite, beside it."""
    text = light.read_text().replace("memory_limit", "batch_size: 2, memory_limit")
    others = [f"{{name: {name}," for name in ("near", "often", "again")]
    kept = [line for line in text.splitlines() if not any(other in line for other in others)]
    path = light.parent / "one.yaml"
    path.write_text("\n".join([*kept, ""]))
    return path


class Nodes:
    """The nodes of a cluster on this machine, each with a name, and folders of its own for what is temporary and what
    is kept."""

    def __init__(self, folder: Path) -> None:
        from ray.cluster_utils import Cluster

        self.cluster, self.folder = Cluster(), folder
        self.all: list[Any] = []

    def add(self, **more: Any) -> Any:
        """Start a node, and return it."""
        name = f"node-{len(self.all) + 1}"
        (self.folder / name).mkdir()
        own = {"TMPDIR": str(self.folder / name), "XDG_CACHE_HOME": str(self.folder / name / "cache")}
        self.all.append(self.cluster.add_node(**NODE, **more, node_name=name, env_vars=own))
        return self.all[-1]


@contextmanager
def a_cluster(folder: Path, nodes: int = 1) -> Iterator[Nodes]:
    """Start a cluster, and name it in this process's environment."""
    import ray

    here = Path(__file__).parents[3]
    before = {name: os.environ.get(name) for name in ("PYTHONPATH", "OMP_NUM_THREADS", "RAY_ADDRESS", "XDG_CACHE_HOME")}
    os.environ |= {"PYTHONPATH": str(here), "OMP_NUM_THREADS": "1", "XDG_CACHE_HOME": str(folder / "cache")}
    made = Nodes(folder)
    try:
        made.add(include_dashboard=False, include_log_monitor=False, _system_config=SOON)
        os.environ["RAY_ADDRESS"] = made.cluster.address
        for _ in range(nodes - 1):
            made.add(wait=False)  # they begin side by side
        made.cluster.wait_for_nodes()
        yield made
    finally:
        ray.shutdown()
        made.cluster.shutdown()
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
