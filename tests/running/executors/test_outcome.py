"""What exceptions and exits mean."""

import errno

import pytest
import torch

from bench.errors import DataError, UnsupportedError
from bench.running.executors.outcome import REASON_LENGTH, died, failure_of, log_tail, timed_out


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (MemoryError(), "oom"),
        (OSError(errno.ENOMEM, "Cannot allocate memory"), "oom"),
        (torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB"), "oom"),
        (RuntimeError("CUDA error: out of memory"), "oom"),
        (RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`"), "oom"),
        (RuntimeError("CUDA error: an illegal memory access was encountered"), "failed"),
        (RuntimeError("[enforce fail at alloc_cpu.cpp] DefaultCPUAllocator: can't allocate memory"), "oom"),
        (RuntimeError("mat1 and mat2 shapes cannot be multiplied"), "failed"),
        (OSError(errno.ENOENT, "No such file"), "failed"),
        (UnsupportedError("no"), "unsupported"),
        (DataError("row 3"), "failed"),
        (SystemExit("Cannot allocate memory"), "failed"),
    ],
)
def test_exceptions_by_status(error, status):
    assert failure_of(error, "load", None).status == status


def test_a_real_refusal_of_torchs_allocator_is_oom():
    with pytest.raises(RuntimeError) as caught:
        torch.empty(2**58, dtype=torch.uint8)
    assert failure_of(caught.value, "load", None).status == "oom"


def test_a_bench_error_keeps_its_class_and_message():
    failure = failure_of(DataError("data.jsonl:3: not JSON"), "load", None)
    assert (failure.error, failure.reason) == (DataError, "data.jsonl:3: not JSON")


def test_a_long_message_is_cut_to_one_line():
    reason = failure_of(ValueError("x\n" * 1000), "load", None).reason
    assert "\n" not in reason
    assert len(reason) < REASON_LENGTH + 50


def test_oom_names_the_limit_only_where_there_is_one():
    assert "2.00 GiB" in failure_of(MemoryError(), "load", 2 * 2**30).reason
    assert "limit of" not in failure_of(MemoryError(), "load", None).reason


def test_exit_code_and_signal_of_a_dead_process(tmp_path):
    none = tmp_path / "none.log"
    assert "exit code 7" in died(7, "load", none, None).reason
    assert "SIGBUS" in died(-7, "load", none, None).reason
    assert "killer" not in died(-7, "load", none, None).reason
    assert "killer" in died(-9, "load", none, None).reason


def test_only_the_end_of_a_log_is_searched(tmp_path):
    log = tmp_path / "a.log"
    log.write_text("std::bad_alloc\n" + "." * 5000)
    assert died(-6, "load", log, None).status == "failed"
    assert len(log_tail(log)) == 4096
    log.write_text("." * 5000 + "\nstd::bad_alloc\n")
    assert died(-6, "load", log, None).status == "oom"


def test_a_time_limit_is_told_with_its_remedy():
    failure = timed_out(90, "warmup")
    assert failure.status == "timeout"
    assert "90.0 s" in failure.reason
    assert "timeout_s" in failure.reason
