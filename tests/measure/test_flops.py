from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from bench.measure.flops import count_flops, why_uncountable
from bench.measure.requests import Requests
from tests.measure.fakes import FakeClock, FakeWorkload, steady


class Calls(FakeWorkload):
    """Runs `self.run(length)` for each example."""

    run: Any = None

    def _classify(self, batch: tuple[int, ...]) -> list[Any]:
        for index in batch:
            self.run(self.lengths[index])
        return super()._classify(batch)


def counted(module: Any, run: Any, lengths: list[int], examples: int = 10, process: int = 0) -> Any:
    workload = Calls(FakeClock(), lengths, steady(lengths))
    workload.run = run
    facts = count_flops(module, Requests(workload), lengths, examples, process)
    return facts[0] if facts else None


@pytest.mark.parametrize("mode", [torch.no_grad, torch.inference_mode])
def test_linear_layers_by_hand(mode: Any) -> None:
    """A linear layer of 8 → 16 costs 2 · 8 · 16 per row."""
    module = torch.nn.Linear(8, 16)

    def run(length: int) -> None:
        with mode():
            module(torch.ones(length, 8))

    fact = counted(module, run, [6, 1, 2, 2, 2], examples=3)
    assert fact.value == 2 * 8 * 16 * (1 + 2 + 6) / 3  # the middles of the thirds of 1 2 2 2 6
    assert (fact.source, fact.unit, fact.process) == ("flop_counter", "FLOP", 0)


def test_the_cpus_fused_attention_counts() -> None:
    """Two products of (length × 8)(8 × length) and (length × length)(length × 8) per head, of 2 heads."""

    def run(length: int) -> None:
        with torch.inference_mode():
            query = torch.ones(1, 2, length, 8)
            torch.nn.functional.scaled_dot_product_attention(query, query, query)

    assert counted(torch.nn.Identity(), run, [32]).value == 2 * 2 * (2 * 32 * 32 * 8)


def test_the_fused_encoder_layer_counts() -> None:
    """Per token of width 8: 3 + 1 projections of 8 × 8 and two of 8 × 16; per pair of tokens two products of
    8."""
    layer = torch.nn.TransformerEncoderLayer(8, 2, 16, batch_first=True, norm_first=True).eval()

    def run(length: int) -> None:
        with torch.inference_mode():
            layer(torch.ones(1, length, 8))

    expected = 2 * 10 * (4 * 8 * 8 + 2 * 8 * 16) + 2 * 2 * 10 * 10 * 8
    assert counted(layer, run, [10]).value == expected
    assert torch.backends.mha.get_fastpath_enabled()


def test_no_module_no_figure() -> None:
    fact = counted(None, lambda length: None, [1])
    assert fact.value is None
    assert "no torch module" in fact.reason


def test_nothing_counted_is_no_zero() -> None:
    fact = counted(torch.nn.Identity(), lambda length: torch.ones(3) + 1, [1])
    assert fact.value is None
    assert "saw no operator" in fact.reason


def test_compiled_modules_are_not_counted_low() -> None:
    module = torch.nn.Linear(2, 2)
    assert why_uncountable(module) is None
    assert "compiled" in (why_uncountable(torch.compile(module)) or "")
    module.compile()
    assert "compiled" in (why_uncountable(torch.nn.Sequential(module)) or "")


def test_quantised_modules_are_not_counted_low() -> None:
    kind = type("Linear", (torch.nn.Module,), {"__module__": "torch.ao.nn.quantized.dynamic.modules.linear"})
    assert "quantised" in (why_uncountable(torch.nn.Sequential(kind())) or "")


def test_the_median_length_is_counted_once_and_the_fact_says_so() -> None:
    asked: list[int] = []
    module = torch.nn.Linear(8, 16)

    def run(length: int) -> None:
        asked.append(length)
        module(torch.ones(length, 8))

    fact = counted(module, run, [9, 4, 4, 30, 5], examples=1)
    assert (asked, fact.value) == ([5], 2 * 8 * 16 * 5)
    assert "median length (5)" in fact.reason
    asked.clear()
    assert counted(module, run, [4, 4, 4, 4], examples=3).value == 2 * 8 * 16 * 4
    assert asked == [4]


def test_a_later_process_counts_nothing_again() -> None:
    assert counted(torch.nn.Linear(8, 16), lambda length: None, [1], process=1) is None


@pytest.mark.parametrize("family", ["causal-lm", "encoder", "seq2seq", "transformer"])
def test_the_count_is_that_of_torchs_own_counter(family: str, checkpoints: dict[str, Path]) -> None:
    from torch.utils.flop_counter import FlopCounterMode, sdpa_flop_count

    from bench.candidates import FAMILIES
    from bench.candidates.interface import Context
    from bench.suite import ModelSpec, VariantSpec
    from tests.checkpoints import LABELS, TEXTS

    context = Context("cpu", "classify", tuple(LABELS), tuple(LABELS), scoring="head")
    context = replace(context, scoring="likelihood") if family in ("causal-lm", "seq2seq") else context
    spec = ModelSpec(name="m", family=family, checkpoint=str(checkpoints[family]))
    model = FAMILIES[family].load(spec, VariantSpec(), context)
    fact = counted(model.facts().module, lambda length: model.classify([TEXTS[length]]), [3], examples=1)

    def fused(query: Any, key: Any, value: Any, *_: Any, **__: Any) -> int:
        return int(sdpa_flop_count(query, key, value))  # type: ignore[no-untyped-call]

    theirs = {torch.ops.aten._scaled_dot_product_flash_attention_for_cpu: fused}
    torch.backends.mha.set_fastpath_enabled(False)
    with FlopCounterMode(display=False, custom_mapping=theirs) as counter:
        model.classify([TEXTS[3]])
    torch.backends.mha.set_fastpath_enabled(True)
    assert fact.value == counter.get_total_flops() > 0
