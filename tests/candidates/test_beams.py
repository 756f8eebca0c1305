"""Beam search against every possible output, against transformers' own, and in the in-house Transformer."""

from __future__ import annotations

import itertools
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from bench.candidates.decoding.beams import Search, beam_search
from bench.candidates.interface import Decoding
from bench.candidates.network import NetConfig, TransformerNet
from tests.checkpoints import TEXTS, load

VOCABULARY, LIMIT = 5, 3
PAD, EOS, BOS = 0, 1, 2


@pytest.fixture(scope="module")
def net() -> TransformerNet:
    torch.manual_seed(3)
    made = TransformerNet(
        NetConfig(VOCABULARY, d_model=8, heads=2, d_ff=16, encoder_layers=1, decoder_layers=2, max_length=16)
    ).eval()
    with torch.no_grad():
        for parameter in made.parameters():
            parameter.normal_(std=0.7)
    return made


def every_output() -> list[list[int]]:
    """All outputs of at most `LIMIT` tokens: those that end, and those that the limit ends."""
    outputs = []
    for length in range(1, LIMIT + 1):
        for tokens in itertools.product(range(VOCABULARY), repeat=length):
            if EOS not in tokens[:-1] and (tokens[-1] == EOS or length == LIMIT):
                outputs.append(list(tokens))
    return outputs


def best_by_brute_force(net: TransformerNet, source: list[int], penalty: float) -> list[int]:
    ids = torch.tensor([source])
    mask = torch.ones_like(ids, dtype=torch.bool)

    def score(output: list[int]) -> float:
        with torch.inference_mode():
            logits = net(ids, mask, torch.tensor([[BOS, *output[:-1]]]))[0].log_softmax(-1)
        return sum(float(logits[place, token]) for place, token in enumerate(output)) / len(output) ** penalty

    return max(every_output(), key=score)


def searched(net: TransformerNet, sources: list[list[int]], beams: int, penalty: float) -> list[list[int]]:
    longest = max(map(len, sources))
    ids = torch.tensor([row + [PAD] * (longest - len(row)) for row in sources])
    mask = torch.arange(longest) < torch.tensor([[len(row)] for row in sources])
    with torch.inference_mode():
        caches = net.open_caches(ids, mask)
        rows = torch.arange(len(sources)).repeat_interleave(beams)
        for cache in caches:
            cache.select(rows)

        def step(newest: torch.Tensor, position: int, parents: torch.Tensor) -> torch.Tensor:
            for cache in caches:
                cache.select(parents, memory=False)
            return net.step(newest, position, caches, mask[rows])

        return beam_search(step, len(sources), Search(beams, LIMIT, penalty, BOS, EOS), "cpu")


@pytest.mark.parametrize("penalty", [0.0, 1.0, 2.0, -1.0])
def test_enough_beams_find_the_best_of_all_outputs(net: TransformerNet, penalty: float) -> None:
    sources = [[3, 4, 1], [4, 1], [3, 3, 4, 4, 1]]
    expected = [best_by_brute_force(net, source, penalty) for source in sources]
    assert searched(net, sources, VOCABULARY**LIMIT, penalty) == expected


def test_the_length_penalty_matters_here(net: TransformerNet) -> None:
    sources = [[3, 4, 1], [4, 1], [3, 3, 4, 4, 1]]
    assert searched(net, sources, 125, -1.0) != searched(net, sources, 125, 2.0)


@pytest.mark.parametrize("stops", [False, True])
@pytest.mark.parametrize(("beams", "penalty"), [(2, 1.0), (3, 0.0), (4, 2.0), (4, -1.0)])
def test_the_search_is_transformers_own(beams: int, penalty: float, stops: bool, checkpoints: dict[str, Path]) -> None:
    model = load("seq2seq", checkpoints["seq2seq"], "translation")
    batch = model.tokenizer(list(TEXTS), return_tensors="pt", padding=True)
    start, end = model.module.config.decoder_start_token_id, model.tokenizer.eos_token_id
    limit = 10
    rows = torch.arange(len(TEXTS)).repeat_interleave(beams)
    seen: list[torch.Tensor] = []

    def step(newest: torch.Tensor, position: int, parents: torch.Tensor) -> Any:
        seen[:] = [newest.unsqueeze(1)] if not seen else [torch.cat([seen[0][parents], newest.unsqueeze(1)], 1)]
        with torch.inference_mode():
            return model.module(
                input_ids=batch["input_ids"][rows],
                attention_mask=batch["attention_mask"][rows],
                decoder_input_ids=seen[0],
            ).logits[:, -1]

    search = Search(beams, limit, penalty, start, end)
    ours = beam_search(step, len(TEXTS), search, "cpu")
    ends = [end]
    if stops:  # what completes a stop string ends a hypothesis as the end token does
        before, last = ours, Counter(token for row in ours for token in row[2:-1]).most_common(1)[0][0]
        seen.clear()
        ours = beam_search(step, len(TEXTS), replace(search, stopped=lambda row: row[-1] == last), "cpu")
        assert ours != before
        ends.append(last)
    theirs = model.module.generate(
        **batch,
        num_beams=beams,
        length_penalty=penalty,
        max_new_tokens=limit,
        do_sample=False,
        early_stopping=False,
        eos_token_id=ends,
    )[:, 1:].tolist()
    for mine, other in zip(ours, theirs, strict=True):
        filled = next((place for place, token in enumerate(other, 1) if token in ends), len(other))
        assert mine == other[:filled]


def test_beams_in_house_do_not_depend_on_the_batch_and_stop_where_told(checkpoints: dict[str, Path]) -> None:
    model = load("transformer", checkpoints["transformer"], "translation")
    beams = Decoding(max_new_tokens=8, num_beams=3)
    together = model.generate(TEXTS, beams)
    assert together == [model.generate([text], beams)[0] for text in TEXTS]
    assert all(0 < answer.output_tokens <= 8 for answer in together)
    whole = max((answer.text for answer in together), key=len)
    place = next(i for i, answer in enumerate(together) if answer.text == whole)
    stop = whole[2:4]
    for searched_by in (1, 3):
        cut = model.generate([TEXTS[place]], Decoding(max_new_tokens=8, num_beams=searched_by, stop=(stop,)))[0].text
        assert stop not in cut


def test_a_beam_of_the_same_width_scores_no_lower_than_greedy(net: TransformerNet) -> None:
    ids, mask = torch.tensor([[3, 4, 1]]), torch.ones(1, 3, dtype=torch.bool)

    def log_p(output: list[int]) -> float:
        with torch.inference_mode():
            logits = net(ids, mask, torch.tensor([[BOS, *output[:-1]]]))[0].log_softmax(-1)
        return sum(float(logits[place, token]) for place, token in enumerate(output))

    narrow, wide = (searched(net, [[3, 4, 1]], beams, 0.0)[0] for beams in (1, 125))
    assert log_p(wide) >= log_p(narrow) - 1e-6
