"""Text generation with transformers' own `generate`, deterministic, with a call after each token."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from bench.candidates.huggingface import HuggingFaceModel
from bench.candidates.interface import Decoding, Generated, OnToken
from bench.candidates.untyped import Loader, Options, Tensors
from bench.errors import UnsupportedError


class TokenCalls:
    """A streamer that calls back for each output token. `generate` hands over the prompt first, which is left
    out.

    A batch of one only: that is transformers' own limit for streamers.
    """

    def __init__(self, on_token: OnToken, skip: int) -> None:
        self._on_token = on_token
        self._skip = skip

    def put(self, value: torch.Tensor) -> None:
        """Takes the newest token ids, already on the host."""
        if self._skip:
            self._skip -= 1
            return
        self._on_token()

    def end(self) -> None:
        """Takes the end of the generation; nothing to do."""


def generate(
    model: HuggingFaceModel,
    texts: Sequence[str],
    decoding: Decoding,
    on_token: OnToken | None,
    *,
    encoder_decoder: bool,
    **options: bool,
) -> list[Generated]:
    """Returns what the model writes for each prompt.

    Args:
        model: the family's object.
        texts: finished prompts.
        decoding: limits, beams and stop strings.
        on_token: called after each output token; for one prompt and greedy decoding.
        encoder_decoder: whether the output holds the decoder's tokens alone.
        options: of the tokenizer's call.
    """
    if not texts:
        return []
    limit = model.max_tokens if encoder_decoder else prompt_limit(model, decoding)
    batch, cut = model.tokenize(texts, limit, **options)
    output = _run(model, batch, decoding, on_token)
    start = 1 if encoder_decoder else batch["input_ids"].shape[1]
    counts = batch["attention_mask"].sum(1).tolist()
    rows = zip(output[:, start:].tolist(), counts, cut, strict=True)
    return [answer_of(model, row, decoding, count, was_cut) for row, count, was_cut in rows]


def prompt_limit(model: HuggingFaceModel, decoding: Decoding) -> int:
    """Returns the longest prompt in tokens that leaves room for the output in a decoder-only model's context.

    Raises:
        UnsupportedError: there is no room for a prompt.
    """
    room = model.context_tokens - decoding.max_new_tokens
    if room < 1:
        raise UnsupportedError(
            f"'{model.spec.name}' holds {model.context_tokens} tokens, prompt and output together, and "
            f"'max_new_tokens: {decoding.max_new_tokens}' leaves no room for a prompt; lower it"
        )
    return min(model.max_tokens, room)


def answer_of(model: HuggingFaceModel, row: list[int], decoding: Decoding, count: int, cut: bool) -> Generated:
    """Returns the answer that generated token ids stand for, without what follows an end or a stop string."""
    kept = _until_end(row, end_ids(model), model.tokenizer.pad_token_id if decoding.stop else None)
    text = model.tokenizer.decode(kept, skip_special_tokens=True)
    return Generated(_stopped(text, decoding.stop), count, len(kept), cut)


def _run(model: HuggingFaceModel, batch: Tensors, decoding: Decoding, on_token: OnToken | None) -> torch.Tensor:
    """Returns token ids, shape `(batch, prompt + new)`, or `(batch, 1 + new)` of an encoder-decoder."""
    streamer = None if on_token is None or decoding.num_beams > 1 else TokenCalls(on_token, skip=1)
    extra: Options = {"stop_strings": list(decoding.stop), "tokenizer": model.tokenizer} if decoding.stop else {}
    output: torch.Tensor = model.module.generate(
        input_ids=batch["input_ids"],
        attention_mask=batch["attention_mask"],
        generation_config=_config(model, decoding),
        streamer=streamer,
        **extra,
    )
    return output


def _config(model: HuggingFaceModel, decoding: Decoding) -> Loader:
    from transformers import GenerationConfig

    stored = model.module.generation_config
    maker: Loader = GenerationConfig
    return maker(
        max_new_tokens=decoding.max_new_tokens,
        num_beams=decoding.num_beams,
        length_penalty=decoding.length_penalty,
        do_sample=False,
        eos_token_id=end_ids(model),
        pad_token_id=model.tokenizer.pad_token_id,
        bos_token_id=stored.bos_token_id,
        decoder_start_token_id=getattr(stored, "decoder_start_token_id", None),
        forced_bos_token_id=getattr(stored, "forced_bos_token_id", None),  # the language that a translator writes
        forced_eos_token_id=getattr(stored, "forced_eos_token_id", None),
        use_cache=True,
    )


def end_ids(model: HuggingFaceModel) -> list[int]:
    """Returns the token ids that end an output."""
    stored = model.module.generation_config.eos_token_id
    found = stored if isinstance(stored, list) else [stored] if stored is not None else []
    return sorted({*found, *([model.tokenizer.eos_token_id] if model.tokenizer.eos_token_id is not None else [])})


def _until_end(row: list[int], ends: list[int], pad: int | None) -> list[int]:
    """Returns the tokens up to and including the first end; `pad` is what fills rows that a stop string ended."""
    for place, token in enumerate(row):
        if token in ends:
            return row[: place + 1]
    while pad is not None and row and row[-1] == pad:
        row = row[:-1]
    return row


def _stopped(text: str, stops: Sequence[str]) -> str:
    places = [place for place in (text.find(stop) for stop in stops) if place >= 0]
    return (text[: min(places)] if places else text).strip()
