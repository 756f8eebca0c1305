"""Log-probabilities of targets: those of a softmax over the whole vocabulary, whatever is looked at together."""

from __future__ import annotations

import pytest
import torch

from bench.candidates.decoding import logits as module
from bench.candidates.decoding.logits import IGNORED, log_probability, target_log_probabilities


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_equal_to_a_log_softmax_over_everything(dtype: torch.dtype) -> None:
    torch.manual_seed(0)
    logits = (torch.randn(3, 7, 501) * 5).to(dtype)
    targets = torch.randint(0, 501, (3, 7))
    targets[0, 4:] = targets[2, 0] = IGNORED
    found = target_log_probabilities(logits, targets)
    whole = logits.double().log_softmax(-1).gather(-1, targets.clamp(min=0).unsqueeze(-1)).squeeze(-1)
    assert found.dtype == torch.float32
    assert torch.allclose(found.double(), torch.where(targets == IGNORED, 0.0, whole), atol=1e-5)
    assert torch.allclose(log_probability(logits, targets), found.double().sum(1))


def test_a_target_does_not_depend_on_what_is_looked_at_with_it(monkeypatch: pytest.MonkeyPatch) -> None:
    torch.manual_seed(0)
    logits, targets = torch.randn(5, 9, 300), torch.randint(0, 300, (5, 9))
    found = []
    for rows in (1, 4, 1000):
        monkeypatch.setattr(module, "CHUNK_BYTES", {"cpu": rows * 4 * 300, "cuda": 1})
        found.append(target_log_probabilities(logits, targets))
    assert torch.equal(found[0], found[1]) and torch.equal(found[0], found[2])
    assert torch.equal(target_log_probabilities(logits, torch.full((5, 9), IGNORED)), torch.zeros(5, 9))
