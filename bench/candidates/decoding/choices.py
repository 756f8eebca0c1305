"""Scores texts that may follow a prompt: labels of a classification, choices of a question.

A prompt is run once. A causal model then reads all continuations of all prompts in a second pass over the prompts' key
and value caches (`continuations`); an encoder-decoder reads them in its decoder over the prompts' encodings. A prompt
is cut by what its own choices leave of the context, so that a score does not depend on the batch.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import accumulate, chain, pairwise
from typing import TypeVar

import torch

from bench.candidates.decoding.continuations import score_continuations
from bench.candidates.decoding.logits import IGNORED, log_probability
from bench.candidates.huggingface import HuggingFaceModel
from bench.candidates.interface import Classified
from bench.candidates.joining import joined
from bench.candidates.untyped import Options, Tensors
from bench.errors import UnsupportedError

V = TypeVar("V")
Ids = list[int]
Choices = Sequence[Sequence[str]]
LINE = "\n"
"""What a choice stands behind while it is tokenised."""


def by_prompt(values: Sequence[V], choices: Choices) -> list[tuple[V, ...]]:
    """Group one value per choice into one tuple per prompt.

    >>> by_prompt([1, 2, 3], [["a", "b"], ["c"]])
    [(1, 2), (3,)]
    """
    places = [0, *accumulate(map(len, choices))]
    return [tuple(values[start:end]) for start, end in pairwise(places)]


def choose_after(
    model: HuggingFaceModel, prompts: Sequence[str], choices: Choices, **options: bool
) -> list[Classified]:
    """Compute log P(choice | prompt) in nats of a decoder-only model, summed over the choice's tokens.

    Args:
        model: with a tokenizer that pads on the left.
        prompts: finished.
        choices: of each prompt.
        options: of the tokenizer's call for the prompts.

    Raises:
        UnsupportedError: a choice alone is longer than the model reads.
    """
    if not prompts:
        return []
    if model.plain and len(prompts) > 1:
        pairs = zip(prompts, choices, strict=True)
        return [answer for prompt, own in pairs for answer in choose_after(model, [prompt], [own], **options)]
    flat = [joined(prompt, choice)[1] for prompt, own in zip(prompts, choices, strict=True) for choice in own]
    ids = _continued(model, flat)
    bare = [prompt.rstrip(" ") for prompt in prompts]
    rows, cut = _cut(model, _encoded(model, bare, **options), by_prompt(ids, choices))
    scores = score_continuations(model, rows, by_prompt(ids, choices))
    return _answers(list(chain.from_iterable(scores)), ids, [len(row) for row in rows], cut, choices)


def choose_in_decoder(model: HuggingFaceModel, texts: Sequence[str], choices: Choices) -> list[Classified]:
    """Compute log P(choice | text) in nats of an encoder-decoder, summed over the choice's tokens and its end."""
    if not texts:
        return []
    if model.plain and (len(texts) > 1 or len(choices[0]) > 1):
        return [_one_choice_at_a_time(model, text, own) for text, own in zip(texts, choices, strict=True)]
    batch, cut = model.tokenize(texts, model.max_tokens)
    mask = batch["attention_mask"]
    ids = _encoded(model, list(chain.from_iterable(choices)))
    owners = torch.tensor([place for place, own in enumerate(choices) for _ in own], device=model.device)
    _check_room(model, ids)
    if (stand := model.stand) is not None:
        rows = [row[keep.bool()].tolist() for row, keep in zip(batch["input_ids"], mask, strict=True)]
        judged = stand.judge(rows, by_prompt(ids, choices))
        return _answers(list(chain.from_iterable(judged)), ids, [len(row) for row in rows], cut, choices)
    targets = padded(ids, IGNORED, model.device)
    logits = model.module(
        **_read(model, batch, owners),
        attention_mask=mask[owners],
        decoder_input_ids=_shifted(model, targets),
        use_cache=False,  # with one FSMT takes its input for a single new token, and masks nothing
    ).logits
    return _answers(log_probability(logits, targets).tolist(), ids, mask.sum(1).tolist(), cut, choices)


def _read(model: HuggingFaceModel, batch: Tensors, owners: torch.Tensor) -> Options:
    """Run the encoder once, and give what it made to each of the owners' choices; the plain path leaves that to the
    model."""
    if model.plain:
        return {"input_ids": batch["input_ids"]}
    made = model.module.get_encoder()(**batch)
    return {"encoder_outputs": type(made)(last_hidden_state=made.last_hidden_state[owners])}


def _shifted(model: HuggingFaceModel, targets: torch.Tensor) -> torch.Tensor:
    """Build what the decoder reads for these targets: its start token, then all but the last of them.

    Some kinds begin otherwise (mBART with the language's token); what the model's own method says wins.
    """
    own = getattr(model.module, "prepare_decoder_input_ids_from_labels", None)
    if own is not None:
        shifted: torch.Tensor = own(labels=targets)
        return shifted
    start = model.module.config.decoder_start_token_id
    if start is None:
        raise UnsupportedError(f"'{model.spec.name}' names no 'decoder_start_token_id', with which its decoder begins")
    begun = torch.cat([torch.full_like(targets[:, :1], start), targets[:, :-1]], 1)
    return begun.masked_fill(begun == IGNORED, model.pad_id)


def _one_choice_at_a_time(model: HuggingFaceModel, text: str, choices: Sequence[str]) -> Classified:
    answers = [choose_in_decoder(model, [text], [[choice]])[0] for choice in choices]
    return replace(
        answers[0],
        scores=tuple(answer.scores[0] for answer in answers),
        choice_tokens=tuple(answer.choice_tokens[0] for answer in answers),
    )


def _check_room(model: HuggingFaceModel, ids: Sequence[Ids]) -> None:
    longest, room = max(map(len, ids)), model.limits.decoder_tokens
    if longest > room:
        raise UnsupportedError(
            f"a choice of {longest} tokens is longer than the decoder of '{model.spec.name}' holds ({room}); shorten it"
        )


def padded(rows: Sequence[Ids], fill: int, device: str) -> torch.Tensor:
    """Pad the rows to one tensor of shape `(rows, longest)`, filled up on the right."""
    longest = max(map(len, rows))
    return torch.tensor([row + [fill] * (longest - len(row)) for row in rows], device=device)


def _encoded(model: HuggingFaceModel, texts: Sequence[str], **options: bool) -> list[Ids]:
    """Encode each text as token ids, at least one; a text that occurs twice is tokenised once."""
    distinct = list(dict.fromkeys(texts))
    rows = model.token_ids(distinct, **options)
    ids_by_text = dict(zip(distinct, rows, strict=True))
    return [ids_by_text[text] or [model.start_id] for text in texts]


def _continued(model: HuggingFaceModel, texts: Sequence[str]) -> list[Ids]:
    """Encode each text as a continuation, at least one token.

    A tokenizer of SentencePiece's kind (Llama 2, Mistral) puts a space before whatever it is given, which would then
    stand between prompt and choice. So a text is tokenised behind a line's end, whose tokens are left out again.
    Where the two grow together, as two line ends may, the text is tokenised alone.
    """
    distinct, lead = list(dict.fromkeys(texts)), model.line_ids
    behind = model.token_ids([LINE + text for text in distinct], add_special_tokens=False)
    pairs = zip(distinct, behind, strict=True)
    ids_by_text = {text: row[len(lead) :] for text, row in pairs if row[: len(lead)] == lead and len(row) > len(lead)}
    rest = [text for text in distinct if text not in ids_by_text]
    if rest:
        ids_by_text |= dict(zip(rest, _encoded(model, rest, add_special_tokens=False), strict=True))
    return [ids_by_text[text] for text in texts]


def _cut(model: HuggingFaceModel, rows: list[Ids], choices: list[tuple[Ids, ...]]) -> tuple[list[Ids], list[bool]]:
    """Cut each prompt to the end that fits before its longest choice, and say which prompts were cut."""
    kept, cut = [], []
    for row, own in zip(rows, choices, strict=True):
        longest = max(map(len, own))
        room = model.context_tokens - (longest - 1)  # the last token of a choice is never read
        if room < 1:
            raise UnsupportedError(
                f"a choice of {longest} tokens is longer than '{model.spec.name}' reads ({model.context_tokens}); "
                "shorten it, or take a model with a longer context"
            )
        limit = min(model.max_tokens, room)
        kept.append(row[-limit:])
        cut.append(len(row) > limit)
    return kept, cut


def _answers(
    scores: list[float], ids: list[Ids], counts: list[int], cut: list[bool], choices: Choices
) -> list[Classified]:
    own, lengths = by_prompt(scores, choices), by_prompt([len(row) for row in ids], choices)
    return [Classified(*answer) for answer in zip(own, counts, cut, lengths, strict=True)]
