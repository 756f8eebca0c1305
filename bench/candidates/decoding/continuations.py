"""The log-likelihood of several continuations of each prompt, by a decoder-only model.

A prompt is run once. Its continuations then lie one behind the other in the same row, each of them masked from the
others and with positions that go on from the prompt, so that neither the prompt nor its keys and values exist more
than once. Logits are made where a token is scored, nowhere else; what all prompts begin with is run once.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from transformers.cache_utils import DynamicCache

from bench.candidates.decoding.greedy import common_prefix
from bench.candidates.decoding.logits import IGNORED, log_probability, target_log_probabilities
from bench.candidates.decoding.rows import supports_rows
from bench.candidates.huggingface import HuggingFaceModel
from bench.candidates.untyped import KeyValues

Ids = Sequence[int]


def score_continuations(
    model: HuggingFaceModel, prompts: Sequence[Ids], choices: Sequence[Sequence[Ids]]
) -> list[list[float]]:
    """Compute log P(choice | prompt) in nats, summed over the choice's tokens, for every choice of every prompt.

    Args:
        model: a decoder-only model.
        prompts: token ids, cut so that the longest choice fits into the context behind them; none is empty.
        choices: for each prompt the token ids of its choices; none is empty.
    """
    if not prompts:
        return []
    if (stand := model.stand) is not None:
        return stand.judge(prompts, choices)
    if model.plain or not supports_rows(model.module):
        return _one_by_one(model, prompts, choices)
    with torch.inference_mode():
        cache, mask, first = _run_prompts(model, prompts)
        scores = [
            [float(row[choice[0]]) for choice in prompt_choices]
            for row, prompt_choices in zip(first, choices, strict=True)
        ]
        if any(len(choice) > 1 for prompt_choices in choices for choice in prompt_choices):
            rest = _run_choices(model, cache, mask, prompts, choices)
            scores = [[a + b for a, b in zip(one, two, strict=True)] for one, two in zip(scores, rest, strict=True)]
    return scores


def _one_by_one(model: HuggingFaceModel, prompts: Sequence[Ids], choices: Sequence[Sequence[Ids]]) -> list[list[float]]:
    """Score the same by a plain pass over each prompt with each of its choices.

    For models whose layers do not all see all tokens (sliding windows, states): they make their own masks, which a
    tree of choices would take from them.
    """
    rows = [
        (list(prompt), list(choice))
        for prompt, prompt_choices in zip(prompts, choices, strict=True)
        for choice in prompt_choices
    ]
    sums: list[float] = []
    for at in range(0, len(rows), len(prompts)):
        sums += _plain_scores(model, rows[at : at + len(prompts)])
    scores = iter(sums)
    return [[next(scores) for _ in prompt_choices] for prompt_choices in choices]


@torch.inference_mode()
def _plain_scores(model: HuggingFaceModel, rows: Sequence[tuple[list[int], list[int]]]) -> list[float]:
    longest = max(len(prompt) + len(choice) for prompt, choice in rows) - 1
    ids, mask = (torch.zeros(len(rows), longest, dtype=torch.long) for _ in range(2))
    targets = torch.full((len(rows), longest), IGNORED)
    for row, (prompt, choice) in enumerate(rows):
        end = len(prompt) + len(choice) - 1
        ids[row, :end] = torch.tensor([*prompt, *choice[:-1]])
        mask[row, :end] = 1
        targets[row, len(prompt) - 1 : end] = torch.tensor(choice)
    logits = model.module(input_ids=ids.to(model.device), attention_mask=mask.to(model.device), use_cache=False).logits
    scores: list[float] = log_probability(logits, targets.to(model.device)).tolist()
    return scores


def _run_prompts(model: HuggingFaceModel, prompts: Sequence[Ids]) -> tuple[KeyValues, torch.Tensor, torch.Tensor]:
    """Run the prompts; return the cache, the mask of its columns `(batch, columns)`, and the next token's
    log-probabilities."""
    prefix, device = common_prefix(prompts), model.device
    shared = len(prefix)
    cache = _after(model, prefix, len(prompts))
    rests = [list(prompt[shared:]) for prompt in prompts]
    ids, real = _padded_left(rests, device)
    mask = torch.cat([real.new_ones(len(rests), shared), real], 1)
    output = model.module(
        input_ids=ids,
        attention_mask=mask.long(),
        position_ids=model.first_position + shared + (real.long().cumsum(1) - 1).clamp(min=0),
        past_key_values=cache,
        use_cache=True,
        logits_to_keep=1,
    )
    return output.past_key_values, mask, output.logits[:, -1].float().log_softmax(-1).cpu()


def _after(model: HuggingFaceModel, prefix: Ids, rows: int) -> DynamicCache:
    cache = DynamicCache(config=model.module.config)
    if prefix:
        ids = torch.tensor([list(prefix)], device=model.device)
        model.module(input_ids=ids, past_key_values=cache, use_cache=True, logits_to_keep=1)
        cache.batch_repeat_interleave(rows)
    return cache


def _padded_left(rows: Sequence[Ids], device: str) -> tuple[torch.Tensor, torch.Tensor]:
    """Pad rows on the left: ids and mask, `(batch, longest)`; what pads is masked and may be any token."""
    longest = max(map(len, rows))
    ids = torch.tensor([[0] * (longest - len(row)) + list(row) for row in rows], device=device)
    widths = torch.tensor([len(row) for row in rows], device=device)
    return ids, torch.arange(longest, device=device) >= (longest - widths).unsqueeze(1)


def _run_choices(
    model: HuggingFaceModel,
    cache: KeyValues,
    mask: torch.Tensor,
    prompts: Sequence[Ids],
    choices: Sequence[Sequence[Ids]],
) -> list[list[float]]:
    """Compute the log-likelihood of all tokens of each choice but its first."""
    width = max(sum(len(choice) - 1 for choice in prompt_choices) for prompt_choices in choices)
    batch, device = len(prompts), model.device
    ids, positions = (torch.zeros(batch, width, dtype=torch.long) for _ in range(2))
    owner, targets = torch.full((batch, width), -1), torch.full((batch, width), IGNORED)
    for row, (prompt, prompt_choices) in enumerate(zip(prompts, choices, strict=True)):
        at = 0
        for number, choice in enumerate(prompt_choices):
            end = at + len(choice) - 1
            ids[row, at:end] = torch.tensor(choice[:-1])
            targets[row, at:end] = torch.tensor(choice[1:])
            positions[row, at:end] = model.first_position + torch.arange(len(prompt), len(prompt) + end - at)
            owner[row, at:end] = number
            at = end
    found = _log_probabilities(
        model, cache, _tree_mask(mask, owner.to(device)), ids.to(device), positions.to(device), targets.to(device)
    ).cpu()
    return [
        [float(found[row][owner[row] == number].double().sum()) for number in range(len(prompt_choices))]
        for row, prompt_choices in enumerate(choices)
    ]


def _tree_mask(mask: torch.Tensor, owner: torch.Tensor) -> torch.Tensor:
    """Build the mask that is True where a choice's token may look: its prompt, itself, and the tokens of its choice
    before it.

    Args:
        mask: of the prompts' columns, `(batch, columns)`.
        owner: which choice each token is of, −1 for padding, `(batch, width)`.

    Returns:
        Shape `(batch, 1, width, columns + width)`. Padding sees itself, since a row that sees nothing is not a number.
    """
    width = owner.shape[1]
    same = owner.unsqueeze(2) == owner.unsqueeze(1)
    before = torch.ones(width, width, dtype=torch.bool, device=owner.device).tril()
    prompts = mask.unsqueeze(1).expand(-1, width, -1)
    return torch.cat([prompts, same & before], 2).unsqueeze(1)


def _log_probabilities(
    model: HuggingFaceModel,
    cache: KeyValues,
    allowed: torch.Tensor,
    ids: torch.Tensor,
    positions: torch.Tensor,
    targets: torch.Tensor,
) -> torch.Tensor:
    """Compute log P of each target, `(batch, width)`; 0 for padding."""
    config = model.module.config
    dtype = next(model.module.parameters()).dtype
    if getattr(config, "_attn_implementation", None) != "sdpa":
        allowed = torch.zeros_like(allowed, dtype=dtype).masked_fill(~allowed, torch.finfo(dtype).min)
    logits = model.module(
        input_ids=ids, attention_mask=allowed, position_ids=positions, past_key_values=cache, use_cache=True
    ).logits
    return target_log_probabilities(logits, targets)
