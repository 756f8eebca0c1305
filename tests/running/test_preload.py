"""The forkserver's imports: all there, without a thread; and the memory limit with a real torch on top."""

import json
import subprocess
import sys

import pytest
import torch

from bench.running import preload

SCRIPT = """
import json, sys
from pathlib import Path
from bench.errors import BenchError
from bench.running.executors.base import Call
from bench.running.executors.local import LocalExecutor
local, log = LocalExecutor(), Path(sys.argv[1]) / "call.log"
found = local.call("tests.running.executors.fakes:threads_of_server", {}, log_path=log)
answer = local.attempt(Call("tests.running.executors.fakes:torch_allocates", {}, log, memory_limit_bytes=256 * 2**20))
print(json.dumps([*found, answer.failure and [answer.failure.status, answer.failure.reason]]))
"""


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    """Threads of the forkserver, modules and environment of a child, failure of torch's large allocation."""
    command = [sys.executable, "-c", SCRIPT, str(tmp_path_factory.mktemp("preload"))]
    ran = subprocess.run(command, capture_output=True, text=True, check=True, timeout=120)
    return json.loads(ran.stdout)


def test_the_forkserver_has_one_thread(found):
    assert found[0] == 1


def test_children_start_with_everything_imported(found):
    assert {"torch", "bench.running.worker.cell", "bench.measure.session"} <= set(found[3])
    assert set(found[3]) <= set(found[1]), "a module that is misspelt is missed in silence"


def test_children_send_no_telemetry(found):
    assert found[2]["HF_HUB_DISABLE_TELEMETRY"] == "1"
    assert found[2]["TOKENIZERS_PARALLELISM"] == "false"


def test_the_memory_limit_stops_torch(found):
    status, reason = found[4]
    assert status == "oom"
    assert "256 MiB" in reason
    assert "phase load" in reason


@pytest.mark.parametrize(
    ("package", "cuda", "asks"), [(None, "13.0", False), ("torchao", None, False), ("torchao", "13.0", True)]
)
def test_a_package_that_asks_cuda_keeps_transformers_out_of_the_server(monkeypatch, package, cuda, asks):
    monkeypatch.setattr(preload, "find_spec", lambda name: name if name == package else None)
    monkeypatch.setattr(torch.version, "cuda", cuda)
    assert preload.importing_asks_cuda() is asks


@pytest.mark.slow
def test_what_is_imported_then_imports_no_models():
    code = """
import sys
from bench.running import preload
preload.importing_asks_cuda = lambda: True
import bench.running.preload.scoring, bench.running.preload.measuring
wanted = {"bench.running.worker.cell", "bench.running.executors.child", "multiprocessing.popen_forkserver"}
sys.exit("transformers.modeling_utils" in sys.modules or not wanted <= sys.modules.keys())
"""
    assert subprocess.run([sys.executable, "-c", code], check=False, timeout=120).returncode == 0
