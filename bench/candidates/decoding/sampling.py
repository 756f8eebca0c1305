"""Draws tokens so that a prompt is answered the same in any batch, process and order.

A token is drawn by adding Gumbel noise to the logits, behind temperature and cuts, and taking the largest: that is a
draw from the softmax of the logits (Gumbel, 1954; Maddison et al., "A* Sampling", 2014). The noise of a row depends on
the seed, the prompt and the place of the token alone, so that the greedy paths, their audits and the reuse of answers
hold for draws too. Equal prompts are answered equally.
"""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha256

import torch

from bench.candidates.decoding.settings import asked_sampling
from bench.candidates.huggingface import HuggingFaceModel
from bench.candidates.untyped import Loader, Options, Tensors

LEAST = 2.0**-64
"""Smallest uniform draw: its logarithm must be finite."""


class Sampler:
    """Cuts the logits of each step and adds the noise of a draw to them, as transformers' processors are called."""

    def __init__(self, cuts: Sequence[Loader], keys: Sequence[bytes], seed: int) -> None:
        self._cuts, self._keys, self._seed = cuts, keys, seed
        self._step = 0

    def __call__(self, input_ids: torch.Tensor, scores: torch.Tensor) -> torch.Tensor:
        """Change the logits of shape `(rows, vocabulary)` of the next step."""
        for cut in self._cuts:
            scores = cut(input_ids, scores)
        noise = torch.stack([self._noise(key, scores[0]) for key in self._keys])
        self._step += 1
        return scores.float() + noise

    def _noise(self, key: bytes, like: torch.Tensor) -> torch.Tensor:
        digest = sha256(key + self._step.to_bytes(8, "little") + self._seed.to_bytes(8, "little")).digest()
        draws = torch.Generator(like.device).manual_seed(int.from_bytes(digest[:8], "little") >> 1)
        uniform = torch.rand(like.shape, generator=draws, device=like.device, dtype=torch.float64)
        return -torch.log(-torch.log(uniform.clamp(min=LEAST))).float()


def sampler(model: HuggingFaceModel, batch: Tensors) -> Sampler:
    """Make the sampler of one batch.

    Args:
        model: whose settings say how to draw.
        batch: its prompts, padded.
    """
    rows = zip(batch["input_ids"].tolist(), batch["attention_mask"].tolist(), strict=True)
    prompts = ([token for token, real in zip(ids, mask, strict=True) if real] for ids, mask in rows)
    keys = [sha256(repr(prompt).encode()).digest() for prompt in prompts]
    return Sampler(_cuts(asked_sampling(model)), keys, model.context.seed)


def _cuts(settings: Options) -> list[Loader]:
    """Make transformers' own warpers, in its order."""
    from transformers.generation import logits_process

    warpers = {
        "temperature": logits_process.TemperatureLogitsWarper,
        "top_k": logits_process.TopKLogitsWarper,
        "top_p": logits_process.TopPLogitsWarper,
        "min_p": logits_process.MinPLogitsWarper,
        "typical_p": logits_process.TypicalLogitsWarper,
    }
    neutral = {"temperature": 1.0, "top_k": 0, "top_p": 1.0, "typical_p": 1.0}
    cuts: list[Loader] = []
    for name, warper in warpers.items():
        value = settings.get(name)
        if value is not None and value != neutral.get(name):
            cuts.append(warper(float(value) if name == "temperature" else value))
    return cuts
