"""The losses by hand and against torch's own arithmetic."""

from __future__ import annotations

import math
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch import nn

from bench.candidates.families.causal import CausalLearning
from bench.candidates.families.torch_module import TorchModuleLearning
from bench.errors import FitError
from bench.fit.batches import Encoded, collate
from bench.fit.objectives import Losses, Objective, divergence


class Fixed(nn.Module):
    """Answers every text with the same logits."""

    def __init__(self, *logits: float) -> None:
        super().__init__()
        self.logits = nn.Parameter(torch.tensor(logits))

    def classify(self, texts: list[str], labels: list[str]) -> torch.Tensor:
        return self.logits.expand(len(texts), -1)


def own_batch(place: int, soft: tuple[float, ...] | None = None) -> dict[str, Any]:
    return collate([Encoded((), (place,), "own", soft=soft, text="text", answer="b")], TorchModuleLearning(), 0, "cpu")


def test_divergence_by_hand() -> None:
    # Teacher (3/4, 1/4), student (1/2, 1/2): KL = 3/4 ln(3/2) + 1/4 ln(1/2).
    teacher, student = torch.tensor([[math.log(3.0), 0.0]]), torch.zeros(1, 2)
    expected = 0.75 * math.log(1.5) + 0.25 * math.log(0.5)
    assert divergence(student, teacher, 1.0).item() == pytest.approx(expected, rel=1e-5)
    soft = torch.tensor([3**0.5, 1.0]) / (3**0.5 + 1)
    expected = 4 * float((soft * (soft / 0.5).log()).sum())
    assert divergence(student, teacher, 2.0).item() == pytest.approx(expected, rel=1e-5)


def test_the_teachers_part_is_mixed_by_alpha_and_only_while_training() -> None:
    teacher = (math.log(0.75), math.log(0.25))
    objective = Objective(
        TorchModuleLearning(), Fixed(0.0, 0.0), Losses(alpha=0.25, temperature=1.0, labels=("a", "b"))
    )
    loss, targets, _ = objective.train()(own_batch(1, teacher))
    kl = 0.75 * math.log(1.5) + 0.25 * math.log(0.5)
    assert loss.item() == pytest.approx(0.75 * math.log(2) + 0.25 * kl, rel=1e-5) and targets == 1
    loss, _, right = objective.eval()(own_batch(0, teacher))
    assert loss.item() == pytest.approx(math.log(2)) and right == 1


def test_label_smoothing_by_hand_and_only_while_training() -> None:
    objective = Objective(TorchModuleLearning(), Fixed(math.log(3.0), 0.0), Losses(smoothing=0.2, labels=("a", "b")))
    # Smoothed target (0.9, 0.1) against the student's (3/4, 1/4).
    expected = -0.9 * math.log(0.75) - 0.1 * math.log(0.25)
    assert objective.train()(own_batch(0))[0].item() == pytest.approx(expected, rel=1e-5)
    assert objective.eval()(own_batch(0))[0].item() == pytest.approx(-math.log(0.75), rel=1e-5)


def test_logits_without_a_gradient_or_of_a_wrong_shape_are_refused() -> None:
    detached = Fixed(0.0, 0.0)
    detached.logits.requires_grad_(False)
    with pytest.raises(FitError, match="carry a gradient"):
        Objective(TorchModuleLearning(), detached, Losses(labels=("a", "b"))).train()(own_batch(0))
    with pytest.raises(FitError, match=r"shape \(1, 2\) instead of \(1, 3\)"):
        Objective(TorchModuleLearning(), Fixed(0.0, 0.0), Losses(labels=("a", "b", "c"))).train()(own_batch(0))


def test_token_level_distillation_leaves_prompt_and_padding_out() -> None:
    """Against an independent sum over the target positions."""
    from tests.fit.jobs import SHAPE

    torch.manual_seed(0)
    student, teacher = (CausalLearning().scratch(SHAPE, 50, ()).eval() for _ in range(2))
    batch = collate([Encoded((5, 6), (7, 1), "text"), Encoded((5,), (1,), "text")], CausalLearning(), 0, "cpu")
    objective = Objective(CausalLearning(), student, Losses(alpha=1.0, temperature=3.0), teacher)
    objective.training = True  # the parts stay in evaluation mode: no dropout
    loss, targets, _ = objective(batch)
    assert targets == 3
    terms = []
    for row, place in ((0, 1), (0, 2), (1, 0)):
        ids = batch["source"][row : row + 1, : place + 1]
        with torch.no_grad():
            p = (teacher(input_ids=ids).logits[0, -1] / 3).softmax(-1)
            q = (student(input_ids=ids).logits[0, -1] / 3).softmax(-1)
        terms.append(9 * float((p * (p / q).log()).sum()))
    assert loss.item() == pytest.approx(sum(terms) / 3, rel=1e-3)
    assert all(not name.startswith("_teacher") for name, _ in objective.named_parameters())


def test_a_batch_of_whole_texts_has_no_prompt_and_a_finite_loss():
    torch.manual_seed(0)

    class Net(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.scores = torch.nn.Embedding(10, 10)

        def forward(self, input_ids, **rest):
            return SimpleNamespace(logits=self.scores(input_ids))

    batch = collate([Encoded((0,), (3, 4, 5), "text"), Encoded((0,), (6, 7), "text")], CausalLearning(), 0, "cpu")
    losses = [Objective(CausalLearning(), Net(), Losses(prompt_loss=share)).train()(batch)[0] for share in (0.0, 0.2)]
    assert all(torch.isfinite(loss) for loss in losses)
