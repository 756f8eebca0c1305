"""Text generation with transformers' own `generate`, with a call after each token.

It is deterministic: the likeliest token is taken, or a token is drawn by a seed that depends on the prompt alone
(`bench.candidates.decoding.sampling`).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import torch

from bench.candidates.decoding.sampling import sampler
from bench.candidates.decoding.settings import READS_PROMPT, READS_SOURCE, asked_processors, samples
from bench.candidates.decoding.stops import Stops
from bench.candidates.engine import Order, Stand
from bench.candidates.huggingface import HuggingFaceModel
from bench.candidates.interface import Decoding, Generated, OnToken
from bench.candidates.untyped import Loader, Network, Options, Tensors
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
        """Take the newest token ids, already on the host."""
        if self._skip:
            self._skip -= 1
            return
        self._on_token()

    def end(self) -> None:
        """Do nothing at the end of the generation."""


def generate(
    model: HuggingFaceModel,
    texts: Sequence[str],
    decoding: Decoding,
    on_token: OnToken | None,
    *,
    encoder_decoder: bool,
    **options: bool,
) -> list[Generated]:
    """Write the model's answer to each prompt.

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
    if model.plain and len(texts) > 1:
        return [
            answer
            for text in texts
            for answer in generate(model, [text], decoding, None, encoder_decoder=encoder_decoder, **options)
        ]
    if encoder_decoder:
        _check_room(model, decoding)
    limit = model.max_tokens if encoder_decoder else prompt_limit(model, decoding)
    if (stand := model.stand) is not None:
        return _written(model, stand, texts, limit, decoding, on_token, **options)
    groups = _of_one_length(model, texts, limit, **options) if _reads_padding(model, encoder_decoder) else []
    if len(groups) > 1:
        answers: dict[int, Generated] = {}
        for places in groups:
            part = [texts[place] for place in places]
            some = generate(model, part, decoding, on_token, encoder_decoder=encoder_decoder, **options)
            answers.update(zip(places, some, strict=True))
        return [answers[place] for place in range(len(texts))]
    batch, cut = model.tokenize(texts, limit, **options)
    output = _run(model, batch, decoding, on_token)
    start = 1 if encoder_decoder else batch["input_ids"].shape[1]
    counts = batch["attention_mask"].sum(1).tolist()
    rows = zip(output[:, start:].tolist(), counts, cut, strict=True)
    return [answer_of(model, row, decoding, count, was_cut) for row, count, was_cut in rows]


def _written(
    model: HuggingFaceModel,
    stand: Stand,
    texts: Sequence[str],
    limit: int,
    decoding: Decoding,
    on_token: OnToken | None,
    **options: bool,
) -> list[Generated]:
    """Let the runtime that stands in torch's place write.

    Raises:
        UnsupportedError: the checkpoint asks for a setting that it is not told.
    """
    asked = asked_processors(model)
    more = {*model.begins, *(("do_sample",) if samples(model) else ())}
    untold = sorted({*asked, *more} - stand.follows)
    if untold:
        raise UnsupportedError(
            f"'{model.spec.name}' is to write with '{untold[0]}', which its runtime is not told; run it under torch, "
            "or leave out the settings of its generation_config.json ('generation: {checkpoint: false}')"
        )
    rows, cut = model.encode(texts, limit, **options)
    stops = Stops(model.tokenizer, decoding.stop) if decoding.stop else None
    order = Order(
        decoding.max_new_tokens,
        tuple(end_ids(model)),
        model.pad_id,
        decoding.num_beams,
        decoding.length_penalty,
        None if stops is None else stops.ended,
        asked,
    )
    written = stand.write(rows, order, on_token)
    answers = zip(written, rows, cut, strict=True)
    return [answer_of(model, row, decoding, len(read), was_cut) for row, read, was_cut in answers]


def least_margin(
    model: HuggingFaceModel, text: str, decoding: Decoding, *, encoder_decoder: bool, **options: bool
) -> float:
    """Measure by how much the likeliest next token leads the second one, in logits, in the closest step of one answer.

    Two correct ways of computing may choose differently where this is within rounding.
    """
    limit = model.max_tokens if encoder_decoder else prompt_limit(model, decoding)
    batch, _ = model.tokenize([text], limit, **options)
    drawn = samples(model)  # a draw is decided by the logits with what the draw adds to them
    config = _config(model, decoding)
    with _nothing_filled_in(model.module):
        output = model.module.generate(
            input_ids=batch["input_ids"],
            attention_mask=batch["attention_mask"],
            generation_config=config,
            output_logits=not drawn,
            output_scores=drawn,
            return_dict_in_generate=True,
            **_extra(model, batch),
        )
    steps = output.scores if drawn else output.logits
    best = torch.stack([step[0] for step in steps]).float().topk(2, dim=-1).values
    return float((best[:, 0] - best[:, 1]).min())


def regret(
    model: HuggingFaceModel,
    text: str,
    written: Sequence[int],
    decoding: Decoding,
    *,
    encoder_decoder: bool,
    **options: bool,
) -> float:
    """Measure by how much one plain pass over an answer prefers another token to one that was written, in logits.

    The likeliest token leads by nothing: 0 says that a search without cache or padding would have written the same.
    """
    limit = model.max_tokens if encoder_decoder else prompt_limit(model, decoding)
    batch, _ = model.tokenize([text], limit, **options)
    tokens = torch.tensor([list(written)], device=model.device)
    if encoder_decoder:
        stored = model.module.generation_config
        first = stored.bos_token_id if stored.decoder_start_token_id is None else stored.decoder_start_token_id
        begun = torch.cat([torch.full_like(tokens[:, :1], first), tokens[:, :-1]], 1)
        read = {name: batch[name] for name in ("input_ids", "attention_mask")} | {"decoder_input_ids": begun}
    else:
        ids = torch.cat([batch["input_ids"], tokens[:, :-1]], 1)
        read = {"input_ids": ids, **_positions(model, {"attention_mask": torch.ones_like(ids)})}
    logits = model.module(**read, use_cache=False).logits[0, -len(written) :].float()
    return float((logits.max(-1).values - logits[range(len(written)), list(written)]).max())


def _reads_padding(model: HuggingFaceModel, encoder_decoder: bool) -> bool:
    """Tell whether the checkpoint asks for a setting that would take a prompt's padding for a part of the prompt."""
    reading = READS_SOURCE if encoder_decoder else READS_PROMPT
    return any(name in reading for name in asked_processors(model))


def _of_one_length(model: HuggingFaceModel, texts: Sequence[str], limit: int, **options: bool) -> list[list[int]]:
    """Sort the places of prompts into groups of as many tokens, which need no padding."""
    groups: dict[int, list[int]] = {}
    for place, row in enumerate(model.encode(texts, limit, **options)[0]):
        groups.setdefault(len(row), []).append(place)
    return list(groups.values())


def _check_room(model: HuggingFaceModel, decoding: Decoding) -> None:
    room = model.limits.decoder_tokens  # the token that it begins with has a place, and the last output needs none
    if decoding.max_new_tokens > room:
        raise UnsupportedError(
            f"the decoder of '{model.spec.name}' holds {room} output tokens, fewer than 'max_new_tokens: "
            f"{decoding.max_new_tokens}'; lower it to {room}"
        )


def prompt_limit(model: HuggingFaceModel, decoding: Decoding) -> int:
    """Compute the longest prompt, in tokens, that leaves room for the output in a decoder-only model's context.

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
    """Decode generated token ids into an answer, without what follows an end or a stop string."""
    kept = _until_end(row, end_ids(model), model.pad_id if decoding.stop else None)
    text = str(model.tokenizer.decode(kept, skip_special_tokens=True))
    return Generated(_stopped(text, decoding.stop), count, len(kept), cut, tuple(kept))


def _run(model: HuggingFaceModel, batch: Tensors, decoding: Decoding, on_token: OnToken | None) -> torch.Tensor:
    """Generate token ids, shape `(batch, prompt + new)`, or `(batch, 1 + new)` of an encoder-decoder."""
    streamer = None if on_token is None or decoding.num_beams > 1 else TokenCalls(on_token, skip=1)
    extra: Options = {"stop_strings": list(decoding.stop), "tokenizer": model.tokenizer} if decoding.stop else {}
    extra |= _extra(model, batch)
    config = _config(model, decoding)
    with _nothing_filled_in(model.module):
        output: torch.Tensor = model.module.generate(
            input_ids=batch["input_ids"],
            attention_mask=batch["attention_mask"],
            generation_config=config,
            streamer=streamer,
            **extra,
        )
    return output


@contextmanager
def _nothing_filled_in(module: Network) -> Iterator[None]:
    """Keep transformers from filling in what a configuration leaves open from the checkpoint's own.

    It would follow settings that are said to be left out, or that the suite overrules.
    """
    stored = module.generation_config
    module.generation_config = type(stored)()
    try:
        yield
    finally:
        module.generation_config = stored


def _extra(model: HuggingFaceModel, batch: Tensors) -> Options:
    """Collect what `generate` is given beside its configuration: positions, a sampler, the start of the decoder."""
    extra = _positions(model, batch)
    if samples(model):
        extra["logits_processor"] = [sampler(model, batch)]
    return extra


def _positions(model: HuggingFaceModel, batch: Tensors) -> Options:
    """Give the position ids of prompts to `generate` where it would count them otherwise than the model does."""
    if model.first_position == 0 or getattr(model.module.config, "is_encoder_decoder", False):
        return {}
    counted = (batch["attention_mask"].cumsum(1) - 1).clamp(min=0)
    return {"position_ids": model.first_position + counted}


def _config(model: HuggingFaceModel, decoding: Decoding) -> Loader:
    """Configure how `generate` decodes: the suite's limits and beams, the checkpoint's own processors, no sampling."""
    from transformers import GenerationConfig

    stored = model.module.generation_config
    maker: Loader = GenerationConfig
    return maker(
        max_new_tokens=decoding.max_new_tokens,
        num_beams=decoding.num_beams,
        length_penalty=decoding.length_penalty,
        do_sample=False,
        eos_token_id=end_ids(model),
        pad_token_id=model.pad_id,
        bos_token_id=stored.bos_token_id,
        decoder_start_token_id=model.begins.get(
            "decoder_start_token_id", getattr(stored, "decoder_start_token_id", None)
        ),
        use_cache=not model.plain,
        cache_implementation=getattr(stored, "cache_implementation", None),
        **asked_processors(model),
    )


def end_ids(model: HuggingFaceModel) -> list[int]:
    """Collect the token ids that end an output."""
    stored = model.module.generation_config.eos_token_id
    ids = stored if isinstance(stored, list) else [stored] if stored is not None else []
    return sorted({*ids, *([model.tokenizer.eos_token_id] if model.tokenizer.eos_token_id is not None else [])})


def _until_end(row: list[int], ends: list[int], pad: int | None) -> list[int]:
    """Cut the tokens after the first end, which is kept; `pad` is what fills rows that a stop string ended."""
    for place, token in enumerate(row):
        if token in ends:
            return row[: place + 1]
    while pad is not None and row and row[-1] == pad:
        row = row[:-1]
    return row


def _stopped(text: str, stops: Sequence[str]) -> str:
    places = [place for place in (text.find(stop) for stop in stops) if place >= 0]
    return (text[: min(places)] if places else text).strip()
