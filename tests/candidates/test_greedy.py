"""Many prompts in few rows: every answer is what transformers' own greedy search gives to the prompt alone."""

from __future__ import annotations

import random
from collections import Counter
from typing import Any

import pytest

from bench.candidates.decoding.greedy import common_prefix
from bench.candidates.decoding.stops import Stops
from bench.candidates.interface import Decoding
from bench.errors import UnsupportedError
from tests.checkpoints import TEXTS, load, make_checkpoint


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A model that ends its answers now and then: three of the tokens that it writes at times count as ends."""
    made = load("causal-lm", make_checkpoint("causal-lm", tmp_path_factory.mktemp("greedy")), "translation")
    written: Counter[int] = Counter()
    for text in TEXTS:
        ids = made.tokenize([text], 80)[0]
        output = made.module.generate(**ids, max_new_tokens=40, do_sample=False, pad_token_id=0)
        written.update(output[0, ids["input_ids"].shape[1] :].tolist())
    rare = [token for token, count in written.most_common() if count < 7]
    made.module.generation_config.eos_token_id = [made.tokenizer.eos_token_id, *rare[:3]]
    return made


@pytest.fixture(scope="module")
def texts() -> list[str]:
    draw, words = random.Random(1), " ".join(TEXTS).split()
    return [" ".join(draw.choices(words, k=draw.randint(1, 14))) for _ in range(30)]


@pytest.mark.parametrize(
    ("new_tokens", "stop", "prefix"), [(1, (), ""), (40, (), ""), (40, ("e", "ab"), ""), (40, (), TEXTS[2] + " ")]
)
def test_answers_do_not_depend_on_rows_or_order(
    model: Any, texts: list[str], new_tokens: int, stop: Any, prefix: str
) -> None:
    texts = [prefix + text for text in texts]
    shared = common_prefix([model.tokenizer(text)["input_ids"] for text in texts])
    assert bool(shared) == bool(prefix)
    decoding = Decoding(max_new_tokens=new_tokens, stop=stop)
    alone = [model.generate([text], decoding)[0] for text in texts]
    if new_tokens > 1:
        assert len({answer.output_tokens for answer in alone}) > 5, "the rows must end at different steps"
    by_length = sorted(range(len(texts)), key=lambda index: len(texts[index]))
    for rows in (1, 5, 100):
        for order in (by_length, by_length[::-1], list(range(len(texts)))):
            found = dict(model.generate_many([texts[index] for index in order], decoding, rows))
            assert [found[place] for place in range(len(order))] == [alone[index] for index in order]


def test_at_most_so_many_rows_are_run_at_a_time(model: Any, texts: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[int] = []
    forward = type(model.module).forward

    def counted(self: Any, input_ids: Any = None, **arguments: Any) -> Any:
        seen.append(input_ids.shape[0])
        return forward(self, input_ids=input_ids, **arguments)

    monkeypatch.setattr(type(model.module), "forward", counted)
    answers = dict(model.generate_many(texts, Decoding(max_new_tokens=40), 5))
    assert max(seen) == 5
    steps = sum(answer.output_tokens for answer in answers.values())
    in_batches = sum(
        5 * max(answers[place].output_tokens for place in range(start, start + 5)) for start in range(0, 30, 5)
    )
    assert steps <= sum(seen) < in_batches


def test_what_all_prompts_share_is_run_once_though_all_rows_end_together(
    model: Any, texts: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    prompts = [TEXTS[2] + " " + text for text in texts]
    shared = len(common_prefix([model.tokenizer(text)["input_ids"] for text in prompts]))
    seen: list[int] = []
    forward = type(model.module).forward

    def counted(self: Any, input_ids: Any = None, **arguments: Any) -> Any:
        seen.append(input_ids.shape[1])
        return forward(self, input_ids=input_ids, **arguments)

    monkeypatch.setattr(type(model.module), "forward", counted)
    found = dict(model.generate_many(prompts, Decoding(max_new_tokens=2), 5))  # no answer ends before its limit
    assert len(found) == 30 and seen.count(shared) == 1


def test_long_prompts_are_cut_alike(model: Any) -> None:
    long, decoding = " ".join(TEXTS * 20), Decoding(max_new_tokens=12)
    assert dict(model.generate_many([long, "red"], decoding, 2))[0] == model.generate([long], decoding)[0]


def test_a_model_with_a_sliding_window_is_left_to_transformers(model: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from bench.candidates.decoding import greedy

    monkeypatch.setattr(greedy, "supports_rows", lambda module: False)
    decoding = Decoding(max_new_tokens=5)
    found = dict(model.generate_many(TEXTS, decoding, 2))
    assert [found[place] for place in range(len(TEXTS))] == [model.generate([text], decoding)[0] for text in TEXTS]


def test_sliding_windows_are_known() -> None:
    from types import SimpleNamespace

    from transformers import GPT2Config, MistralConfig

    from bench.candidates.decoding.rows import supports_rows

    assert supports_rows(SimpleNamespace(config=GPT2Config(n_layer=2)))
    assert not supports_rows(SimpleNamespace(config=MistralConfig(num_hidden_layers=2, sliding_window=8)))


def test_a_stop_string_over_two_tokens_is_seen(model: Any) -> None:
    ids = model.tokenizer("house", add_special_tokens=False)["input_ids"]
    stops = Stops(model.tokenizer, ("ous", ""))
    ends = [place for place in range(1, len(ids) + 1) if stops.ended(ids[:place])]
    assert model.tokenizer.decode(ids[: ends[0]]).startswith("hous")
    assert not Stops(model.tokenizer, ()).ended(ids)


def test_an_empty_prompt_is_read_as_the_beginning_of_a_text(model: Any) -> None:
    decoding = Decoding(max_new_tokens=6)
    start = model.tokenizer.decode([model.start_id])
    assert model.tokenizer(start)["input_ids"] == [model.start_id]
    expected = model.generate([start], decoding)[0]
    assert expected.output_tokens > 0
    assert model.generate([""], decoding)[0] == expected
    assert model.generate(["", TEXTS[0]], decoding)[0] == expected
    assert dict(model.generate_many([TEXTS[0], ""], decoding, 2))[1] == expected


def test_more_new_tokens_than_the_model_holds_are_refused_before_anything_is_cut(model: Any) -> None:
    decoding = Decoding(max_new_tokens=model.context_tokens)
    with pytest.raises(UnsupportedError, match="leaves no room for a prompt; lower it"):
        model.generate([TEXTS[0]], decoding)
    with pytest.raises(UnsupportedError, match="leaves no room for a prompt; lower it"):
        dict(model.generate_many([TEXTS[0]], decoding, 1))


def test_a_special_token_may_be_the_stop_string(model: Any) -> None:
    word = model.tokenizer("house", add_special_tokens=False)["input_ids"]
    special = model.start_id
    stops = Stops(model.tokenizer, (model.tokenizer.decode([special]),))
    assert stops.ended([*word, special]) and not stops.ended(word)
