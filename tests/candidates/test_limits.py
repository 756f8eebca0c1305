"""Limits are those of the position tables, held against the library: one token more fails, the limit does not."""

import pytest
import torch
import transformers

from bench.candidates.limits import UNBOUNDED, first_position, token_limits

SMALL = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 16, "vocab_size": 50}
BART = {
    "vocab_size": 50,
    "d_model": 16,
    "encoder_layers": 1,
    "decoder_layers": 1,
    "encoder_attention_heads": 2,
    "decoder_attention_heads": 2,
    "encoder_ffn_dim": 16,
    "decoder_ffn_dim": 16,
    "pad_token_id": 1,
    "eos_token_id": 2,
    "decoder_start_token_id": 2,
}
GPT = {"vocab_size": 50, "n_embd": 16, "n_layer": 1, "n_head": 2, "n_positions": 30}
OPT = {
    "vocab_size": 50,
    "hidden_size": 16,
    "num_hidden_layers": 1,
    "num_attention_heads": 2,
    "ffn_dim": 16,
    "word_embed_proj_dim": 16,
    "max_position_embeddings": 30,
}


def made(name: str, **settings: object) -> tuple[torch.nn.Module, object]:
    config = getattr(transformers, f"{name}Config")(**settings)
    return getattr(transformers, f"{name}Model")(config).eval(), config


@pytest.mark.parametrize(
    ("name", "settings", "limit"),
    [
        ("Bert", {**SMALL, "max_position_embeddings": 30}, 30),
        ("Roberta", {**SMALL, "max_position_embeddings": 32, "pad_token_id": 1}, 30),
        ("Camembert", {**SMALL, "max_position_embeddings": 36, "pad_token_id": 5}, 30),
        ("MPNet", {**SMALL, "max_position_embeddings": 32, "pad_token_id": 1}, 30),
        ("Electra", {**SMALL, "embedding_size": 16, "max_position_embeddings": 30}, 30),
        ("GPT2", GPT, 30),
        ("OPT", OPT, 30),
    ],
)
def test_the_limit_is_what_the_table_takes(name: str, settings: dict[str, object], limit: int) -> None:
    module, config = made(name, **settings)
    assert token_limits(module, config, 10**30).input_tokens == limit  # type: ignore[arg-type]
    module(input_ids=torch.full((1, limit), 7))
    with pytest.raises((IndexError, RuntimeError)):
        module(input_ids=torch.full((1, limit + 1), 7))


def test_encoder_and_decoder_have_limits_of_their_own() -> None:
    module, config = made(
        "LED", **BART, attention_window=4, max_encoder_position_embeddings=64, max_decoder_position_embeddings=20
    )
    limits = token_limits(module, config, 10**30)  # type: ignore[arg-type]
    assert (limits.input_tokens, limits.decoder_tokens) == (64, 20)
    module, config = made("Bart", **BART, max_position_embeddings=24)
    limits = token_limits(module, config, 10**30)  # type: ignore[arg-type]
    assert (limits.input_tokens, limits.decoder_tokens) == (24, 24)


def test_a_composite_model_is_limited_by_its_encoder_and_its_decoder() -> None:
    encoder = transformers.BertConfig(**SMALL, max_position_embeddings=40)
    decoder = transformers.BertConfig(**SMALL, max_position_embeddings=20, is_decoder=True, add_cross_attention=True)
    config = transformers.EncoderDecoderConfig.from_encoder_decoder_configs(encoder, decoder)
    limits = token_limits(transformers.EncoderDecoderModel(config), config, 10**30)
    assert (limits.input_tokens, limits.decoder_tokens) == (40, 20)


def test_words_for_no_limit_are_none_and_a_tokenizer_may_limit_less() -> None:
    module, config = made("XLNet", vocab_size=50, d_model=16, n_layer=1, n_head=2, d_inner=16)
    assert token_limits(module, config, 10**30).input_tokens == UNBOUNDED  # type: ignore[arg-type]
    assert token_limits(module, config, 12).input_tokens == 12  # type: ignore[arg-type]
    module, config = made("Bloom", vocab_size=50, hidden_size=16, n_layer=1, n_head=2)
    assert token_limits(module, config, -1).input_tokens == UNBOUNDED  # type: ignore[arg-type]


def test_the_first_position_is_the_one_that_the_model_itself_counts_from() -> None:
    roberta, _ = made("Roberta", **SMALL, max_position_embeddings=32, pad_token_id=5)
    ids = torch.tensor([[7, 8, 9]])
    counted = roberta(input_ids=ids).last_hidden_state
    positions = first_position(roberta) + torch.arange(3).unsqueeze(0)
    assert first_position(roberta) == 6
    assert torch.allclose(counted, roberta(input_ids=ids, position_ids=positions).last_hidden_state)
    for name, settings in (("Bert", SMALL), ("OPT", OPT), ("GPT2", GPT)):
        assert first_position(made(name, **settings)[0]) == 0


def test_tables_for_images_limit_no_text() -> None:
    module = torch.nn.Module()
    module.vision_tower = torch.nn.Module()
    module.vision_tower.position_embedding = torch.nn.Embedding(5, 4)
    module.position_embedding = torch.nn.Embedding(30, 4)
    assert token_limits(module, transformers.BertConfig(), UNBOUNDED).input_tokens == 30
