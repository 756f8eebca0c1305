"""Times on a GPU: the host's clock against events on the device, and stamps of tokens that are really there."""

from __future__ import annotations

import statistics
import time
from functools import partial

import pytest

from tests.gpu.scene import Scene

pytestmark = pytest.mark.gpu

PRODUCTS, SIZE = 200, 4096
"""Some tens of milliseconds of work on a fast GPU."""


@pytest.mark.parametrize(
    ("candidate", "task"), [("gpt2", "write"), ("gpt2[bfloat16]", "write"), ("bert", "topic"), ("plain", "topic")]
)
def test_events_lie_within_the_hosts_clock(scene: Scene, candidate: str, task: str) -> None:
    """Every request that is timed alone ends on the device before the host's clock is read."""
    timings = [timing for timing in scene.record(candidate, task).timings if timing.phase == "latency"]
    assert timings
    for timing in timings:
        if scene.device == "cpu":
            assert timing.device_ns is None
        else:
            assert timing.device_ns is not None
            assert 0 < timing.device_ns <= timing.duration_ns


def test_clock_waits_for_work_that_was_only_given(cuda: str) -> None:
    """A request that returns at once with work under way takes as long as the work."""
    import torch

    from bench.measure.requests import time_request
    from bench.meters.clock import HostClock

    left, right = (torch.randn(SIZE, SIZE, device=cuda, dtype=torch.bfloat16) for _ in range(2))

    def request(_: object) -> list[object]:
        for _turn in range(PRODUCTS):
            torch.mm(left, right)
        return []

    clock = HostClock(cuda)
    request(None)
    timings = [time_request(clock, request, "latency", 0, turn, (0,), False)[0] for turn in range(7)]
    ratios = [timing.device_ns / timing.duration_ns for timing in timings if timing.device_ns]
    assert len(ratios) == 7
    assert statistics.median(ratios) == pytest.approx(1.0, abs=0.02)
    begin = time.perf_counter_ns()
    request(None)
    given_ns = time.perf_counter_ns() - begin
    torch.cuda.synchronize()
    assert statistics.median(timing.duration_ns for timing in timings) > 2 * given_ns


@pytest.mark.parametrize("candidate", ["gpt2", "gpt2[bfloat16]", "gpt2[float16]", "gpt2[compiled]"])
def test_every_token_has_a_stamp_in_order(scene: Scene, candidate: str) -> None:
    timings = [timing for timing in scene.record(candidate, "write").timings if timing.phase == "latency"]
    assert timings
    for timing in timings:
        assert len(timing.token_ns) == timing.output_tokens
        assert list(timing.token_ns) == sorted(set(timing.token_ns))
        assert timing.token_ns[0] > 0 and timing.token_ns[-1] <= timing.duration_ns


def test_first_token_is_stamped_when_it_is_there(cuda: str) -> None:
    """TTFT is no less than the forward of the prompt with its argmax on the host."""
    import torch
    from transformers import GPT2Config, GPT2LMHeadModel

    from bench.candidates.decoding.generate import TokenCalls

    torch.manual_seed(0)
    module = GPT2LMHeadModel(GPT2Config(n_layer=12, n_embd=768, n_head=12, eos_token_id=None)).to(cuda).eval()
    prompt = torch.randint(0, 1000, (1, 900), device=cuda)
    mask = torch.ones_like(prompt)
    forwards, firsts, gaps = [], [], []
    with torch.inference_mode():
        for _ in range(8):
            torch.cuda.synchronize()
            begin = time.perf_counter()
            int(module(prompt, attention_mask=mask, logits_to_keep=1).logits[0, -1].argmax())
            forwards.append(time.perf_counter() - begin)
            stamps: list[float] = []
            calls = TokenCalls(partial(_stamp, stamps), skip=1)
            begin = time.perf_counter()
            module.generate(
                prompt, attention_mask=mask, streamer=calls, max_new_tokens=8, do_sample=False, pad_token_id=0
            )
            firsts.append(stamps[0] - begin)
            gaps.append((stamps[-1] - stamps[0]) / (len(stamps) - 1))
    assert statistics.median(firsts[2:]) > 0.8 * statistics.median(forwards[2:])
    assert 0 < statistics.median(gaps[2:]) < statistics.median(firsts[2:]) * 4


def _stamp(stamps: list[float]) -> None:
    stamps.append(time.perf_counter())


def test_ttft_and_tpot_make_the_latency(scene: Scene) -> None:
    """Latency = TTFT + (tokens − 1) · TPOT + what comes after the last token, which is little."""
    for timing in scene.record("gpt2", "write").timings:
        if timing.phase == "latency" and timing.output_tokens > 1:
            after_ns = timing.duration_ns - timing.token_ns[-1]
            assert 0 <= after_ns < 0.5 * timing.duration_ns
