"""Tiny checkpoints with random weights of the model families that transformers has.

The list of families is transformers' own mapping of its auto classes. Every configuration is made small by the keys
that it has, at all depths; what that does not settle stands in `SPECIAL`.
"""

from __future__ import annotations

import re
import signal
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import Any, Literal

import torch
import transformers
from tokenizers import AddedToken, Tokenizer, models, pre_tokenizers, processors
from transformers.models.auto import modeling_auto

Role = Literal["causal", "head", "seq2seq"]
WORDS = re.findall(
    r"\S+",
    "red blue green small large old new river house train ship cloud stone paper glass water fire wind salt iron the "
    "of to in on one two three port crate driver customs order Question Answer Summary Label : . yes no alpha beta "
    "gamma",
)
PAD, UNKNOWN, BEGIN, END = range(4)
SPECIAL_TOKENS = ("<pad>", "<unk>", "<s>", "</s>")
CONTEXT = 64
"""Positions of every model that has a table of them, or names a limit."""
MOST_PARAMETERS = 20_000_000
"""Of a model that is made; a configuration that stays larger is of parts for images or sound."""
MAKING_S = 30
"""Seconds that making one model may take."""
AUTO = {
    "causal": (transformers.AutoModelForCausalLM, modeling_auto.MODEL_FOR_CAUSAL_LM_MAPPING_NAMES),
    "head": (
        transformers.AutoModelForSequenceClassification,
        modeling_auto.MODEL_FOR_SEQUENCE_CLASSIFICATION_MAPPING_NAMES,
    ),
    "seq2seq": (transformers.AutoModelForSeq2SeqLM, modeling_auto.MODEL_FOR_SEQ_TO_SEQ_CAUSAL_LM_MAPPING_NAMES),
}
"""By role: the class that loads, and the names that transformers maps to classes."""
FRAMES = {"causal": "<s> $A", "head": "<s> $A </s>", "seq2seq": "$A </s>"}
"""What stands around a text in the tokenizer of each role."""
LABELS = ("alpha", "beta", "gamma")

SIZES: dict[str, Any] = {
    **dict.fromkeys(("hidden_size", "d_model", "n_embd", "dim", "emb_dim", "embedding_size"), 32),
    "word_embed_proj_dim": 32,
    **dict.fromkeys(("model_dim", "lru_width", "hidden_size_per_layer_input", "router_hidden_size"), 32),
    **dict.fromkeys(("num_hidden_layers", "n_layer", "n_layers", "num_layers", "encoder_layers", "decoder_layers"), 2),
    **dict.fromkeys(("num_encoder_layers", "num_decoder_layers"), 2),
    **dict.fromkeys(("num_attention_heads", "n_head", "n_heads", "num_heads", "attention_heads"), 4),
    **dict.fromkeys(("encoder_attention_heads", "decoder_attention_heads"), 4),
    **dict.fromkeys(("num_encoder_attention_heads", "num_decoder_attention_heads"), 4),
    "num_key_value_heads": 2,
    **dict.fromkeys(("intermediate_size", "encoder_ffn_dim", "decoder_ffn_dim", "ffn_dim", "hidden_dim", "d_ff"), 48),
    **dict.fromkeys(("n_inner", "dff", "shared_intermediate_size", "feed_forward_size"), 48),
    "d_inner": 64,
    **dict.fromkeys(("d_kv", "head_dim", "d_head", "rotary_dim", "state_size", "index_head_dim"), 8),
    **dict.fromkeys(("qk_rope_head_dim", "qk_nope_head_dim", "v_head_dim"), 8),
    **dict.fromkeys(("q_lora_rank", "kv_lora_rank", "o_lora_rank"), 16),
    **dict.fromkeys(("linear_key_head_dim", "linear_value_head_dim"), 8),
    **dict.fromkeys(("linear_num_key_heads", "linear_num_value_heads", "index_n_heads"), 2),
    **dict.fromkeys(("max_position_embeddings", "n_positions", "max_seq_len"), CONTEXT),
    **dict.fromkeys(("max_encoder_position_embeddings", "max_decoder_position_embeddings"), CONTEXT),
    **dict.fromkeys(("max_source_positions", "max_target_positions"), CONTEXT),
    **dict.fromkeys(("num_experts", "num_local_experts", "n_routed_experts", "moe_num_experts"), 4),
    **dict.fromkeys(("num_experts_per_tok", "moe_k"), 2),
    **dict.fromkeys(("n_group", "topk_group", "n_shared_experts", "first_k_dense_replace"), 1),
    **dict.fromkeys(("moe_intermediate_size", "shared_expert_intermediate_size", "expert_ffn_hidden_size"), 24),
    "qkv_bias": True,
    **dict.fromkeys(("attention_window", "sliding_window", "attention_window_size"), 8),
    "time_step_rank": 4,
    **dict.fromkeys(("mamba_chunk_size", "attention_chunk_size", "mamba_d_state", "ssm_state_size"), 8),
}
"""Values given to whichever of these keys a configuration has."""
SPECIAL: dict[str, dict[str, Any]] = {
    "apertus": {"hidden_act": "xielu"},
    "bamba": {
        "mamba_n_heads": 8,
        "mamba_d_head": 8,
        "mamba_n_groups": 1,
        "mamba_d_state": 8,
        "mamba_chunk_size": 8,
        "attn_layer_indices": [1],
    },
    "big_bird": {"attention_type": "original_full"},
    "bigbird_pegasus": {"attention_type": "original_full"},
    "dbrx": {
        "attn_config": {"kv_n_heads": 2, "clip_qkv": 8.0, "rope_theta": 10000.0},
        "ffn_config": {"ffn_hidden_size": 48, "moe_num_experts": 4, "moe_top_k": 2, "hidden_size": 32},
    },
    "cohere_compass_text": {
        "rope_parameters": {
            layer: {"rope_type": "default", "rope_theta": 10000.0} for layer in ("full_attention", "sliding_attention")
        },
    },
    "dots1": {"n_routed_experts": 4, "n_shared_experts": 1, "num_key_value_heads": 4},
    "esmc": {"num_key_value_heads": 4},
    "falcon_h1": {"mamba_d_ssm": 64, "mamba_n_heads": 8, "mamba_d_head": 8},
    "funnel": {"block_sizes": [1, 1], "block_repeats": [1, 1], "d_inner": 48},
    "gpt_neo": {"attention_types": [[["global", "local"], 1]], "window_size": 8},
    "gpt_oss": {"layer_types": ["sliding_attention", "full_attention"]},
    "granitemoehybrid": {
        "layer_types": ["mamba", "attention"],
        "mamba_n_heads": 8,
        "mamba_d_head": 8,
        "mamba_d_state": 8,
        "mamba_chunk_size": 8,
    },
    "internlm3": {"qkv_bias": False, "bias": False},
    "jamba": {
        "mamba_dt_rank": 4,
        "attn_layer_period": 2,
        "attn_layer_offset": 1,
        "expert_layer_period": 2,
        "expert_layer_offset": 1,
        "use_mamba_kernels": False,
    },
    "layoutlmv3": {"coordinate_size": 4, "shape_size": 8},
    "led": {"attention_window": [8, 8]},
    "lfm2_moe": {"layer_types": ["conv", "full_attention"], "num_dense_layers": 1},
    "lilt": {"hidden_size": 48},
    "luke": {"entity_vocab_size": 8, "entity_emb_size": 16},
    "mamba2": {"num_heads": 8, "head_dim": 8, "n_groups": 1, "expand": 2, "chunk_size": 8},
    "minimax": {"block_size": 4, "layer_types": ["full_attention", "linear_attention"], "num_key_value_heads": 4},
    "mobilebert": {"true_hidden_size": 32, "intra_bottleneck_size": 32, "use_bottleneck": True},
    "nemotron_h": {"mamba_num_heads": 8, "mamba_head_dim": 8, "n_groups": 1, "chunk_size": 8},
    "prophetnet": {"ngram": 2},
    "recurrent_gemma": {"block_types": ["recurrent", "attention"]},
    "reformer": {
        "is_decoder": True,
        "attention_head_size": 8,
        "attn_layers": ["local", "local"],
        "axial_pos_shape": [8, 8],
        "axial_pos_embds_dim": [16, 16],
        "local_attn_chunk_length": 8,
    },
    "roc_bert": {"pronunciation_vocab_size": 8, "shape_vocab_size": 8},
    "rwkv": {"attention_hidden_size": 32, "context_length": CONTEXT},
    "xmod": {"languages": ["en_XX"], "default_language": "en_XX"},
    "zamba": {
        "mamba_dt_rank": 4,
        "n_mamba_heads": 2,
        "attention_hidden_size": 64,
        "attention_head_dim": 16,
        "num_hidden_layers": 5,
        "layers_block_type": ["mamba", "mamba", "hybrid", "mamba", "hybrid"],
        "num_key_value_heads": 4,
    },
    "zamba2": {
        "num_hidden_layers": 5,
        "layer_types": ["mamba", "mamba", "hybrid", "mamba", "hybrid"],
        "mamba_d_state": 8,
        "n_mamba_heads": 8,
        "mamba_headdim": 8,
        "attention_hidden_size": 64,
        "attention_head_dim": 16,
        "num_key_value_heads": 4,
        "kv_channels": 8,
        "chunk_size": 8,
        "adapter_rank": 4,
        "hybrid_layer_ids": [2, 4],
        "use_mem_rope": True,
    },
    "zaya": {"num_experts_per_tok": 1},
}
"""What the sizes alone do not settle."""
LEFT_OUT = {
    "falcon": ("max_position_embeddings", "head_dim"),
    "funnel": ("num_hidden_layers",),
    "prophetnet": ("num_hidden_layers",),
    "xlnet": ("max_position_embeddings", "head_dim"),
    "deepseek_v3": ("n_shared_experts",),
}
"""Keys of a family that follow from others."""
VARIANTS: dict[str, tuple[str, dict[str, Any]]] = {
    "falcon, ALiBi": ("falcon", {"alibi": True, "new_decoder_architecture": False}),
    "opt, norm behind": ("opt", {"do_layer_norm_before": False}),
    "gpt2, scaled by layer": ("gpt2", {"scale_attn_by_inverse_layer_idx": True}),
    "gpt_neo, local alone": ("gpt_neo", {"attention_types": [[["local"], 2]], "window_size": 4}),
    "mistral, no window": ("mistral", {"sliding_window": None}),
    "gemma2, tied head": ("gemma2", {"tie_word_embeddings": True}),
    "llama, one shared key head": ("llama", {"num_key_value_heads": 1}),
    "llama, rope scaled": (
        "llama",
        {
            "rope_parameters": {
                "rope_type": "dynamic",
                "factor": 2.0,
                "rope_theta": 10000.0,
                "original_max_position_embeddings": 16,
            }
        },
    ),
    "phi3, long rope": (
        "phi3",
        {
            "original_max_position_embeddings": 16,
            "rope_parameters": {
                "rope_type": "longrope",
                "short_factor": [1.0] * 4,
                "long_factor": [4.0] * 4,
                "rope_theta": 10000.0,
                "original_max_position_embeddings": 16,
            },
        },
    ),
}
"""Kinds of a family that behave as another: by a name, the model type and what its configuration says."""
ENCODER_DECODER = "encoder-decoder"


class TooSlowError(Exception):
    """Making a model took longer than it may."""


class TooLargeError(Exception):
    """A configuration is not tiny."""


@dataclass(frozen=True, slots=True)
class Tiny:
    """One family in one role, as it is to be made."""

    name: str
    """Its model type, or a name in `VARIANTS`."""
    role: Role
    changes: Mapping[str, Any] = field(default_factory=dict)
    """What its configuration says beside the sizes."""
    frame: str | None = None
    """What stands around a text in its tokenizer; None for what is usual in the role."""
    pads: bool = True
    """Whether tokenizer and configuration name a padding token."""

    @property
    def kind(self) -> str:
        """The model type of transformers."""
        return VARIANTS[self.name][0] if self.name in VARIANTS else self.name

    def save(self, folder: Path) -> tuple[Any, Any]:
        """Make the model and its tokenizer with random weights, and save both in the folder.

        Returns:
            The module as it is read from there, since some tables are not saved and made anew, and the tokenizer; it
            was tried on a text.

        Raises:
            Exception: whatever transformers raises of a configuration that it does not take.
        """
        auto_class = AUTO[self.role][0]
        words = tokenizer(self.frame or FRAMES[self.role], pads=self.pads)
        with at_most(MAKING_S):
            config = self.configuration(len(words))
            with torch.device("meta"):
                count = sum(weight.numel() for weight in auto_class.from_config(config).parameters())
            if count > MOST_PARAMETERS:
                raise TooLargeError(
                    f"{count:,} parameters: it has parts for images or sound, or tables of a fixed size"
                )
            torch.manual_seed(0)
            module = shaken(auto_class.from_config(config))
            module.save_pretrained(folder)
            words.save_pretrained(folder)
            module = auto_class.from_pretrained(folder).eval()
            with torch.inference_mode():
                module(**words("red blue green small .", return_tensors="pt"), **self._decoder_input())
            return module, words

    def _decoder_input(self) -> dict[str, torch.Tensor]:
        return {"decoder_input_ids": torch.tensor([[BEGIN, END + 1]])} if self.role == "seq2seq" else {}

    def configuration(self, vocabulary: int) -> Any:
        """Make the tiny configuration."""
        if self.kind == ENCODER_DECODER:
            return bert_to_bert(vocabulary)
        more = {**SPECIAL.get(self.kind, {}), **(VARIANTS[self.name][1] if self.name in VARIANTS else {})}
        maker = transformers.AutoConfig.for_model
        default = maker(self.kind)
        tokens = {"bos_token_id": BEGIN, "eos_token_id": END, "pad_token_id": PAD if self.pads else None}
        settings = shrunk(default, self.kind) | tokens
        if getattr(default, "is_encoder_decoder", False):
            settings["decoder_start_token_id"] = BEGIN
        vocabularies = ("vocab_size", "src_vocab_size", "tgt_vocab_size")
        settings |= {key: vocabulary for key in vocabularies if hasattr(default, key)}
        if self.role == "head":
            settings |= {"id2label": dict(enumerate(LABELS)), "label2id": {x: i for i, x in enumerate(LABELS)}}
        if self.role == "causal" and default.to_dict().get("is_decoder") is False:
            settings["is_decoder"] = True  # of an encoder that may read from left to right
        config = maker(self.kind, **{**settings, **more, **self.changes})
        text = config.get_text_config()
        if text is not config:
            for key, value in (tokens | {"vocab_size": vocabulary}).items():
                setattr(text, key, value)
        return config


def families(role: Role) -> list[Tiny]:
    """List every family that transformers maps to the role, and the variants that are declared."""
    names = [*AUTO[role][1], *(name for name, (kind, _) in VARIANTS.items() if kind in AUTO[role][1])]
    return [Tiny(name, role) for name in sorted(names)]


def shrunk(config: Any, kind: str) -> dict[str, Any]:
    """Collect the small values of the keys that a configuration has, and of those in it."""
    keys = config.to_dict()
    left_out = LEFT_OUT.get(kind, ())
    settings = {
        key: value for key, value in SIZES.items() if (key in keys or hasattr(config, key)) and key not in left_out
    }
    if "kv_lora_rank" in keys:
        settings["num_key_value_heads"] = SIZES["num_attention_heads"]  # every head has keys of its own
    for key in ("layer_types", "mlp_layer_types"):
        listed = keys.get(key)
        if isinstance(listed, list) and listed:
            settings[key] = [listed[0], listed[-1]]
    for name, part in vars(config).items():
        if isinstance(part, transformers.PreTrainedConfig):
            settings[name] = {**part.to_dict(), **shrunk(part, part.model_type)}
    return settings


def bert_to_bert(vocabulary: int) -> Any:
    """Make the configuration of an encoder-decoder of two BERTs."""
    part = {
        "hidden_size": 32,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "intermediate_size": 48,
        "vocab_size": vocabulary,
        "max_position_embeddings": CONTEXT,
    }
    made = transformers.EncoderDecoderConfig.from_encoder_decoder_configs(
        transformers.BertConfig(**part), transformers.BertConfig(**part, is_decoder=True, add_cross_attention=True)
    )
    made.decoder_start_token_id, made.pad_token_id, made.eos_token_id = BEGIN, PAD, END
    made.vocab_size = vocabulary
    return made


def tokenizer(frame: str, *, pads: bool = True) -> Any:
    """Make a tokenizer of whole words that puts a frame such as `<s> $A </s>` around a text."""
    vocabulary = {token: index for index, token in enumerate([*SPECIAL_TOKENS, *WORDS])}
    made = Tokenizer(models.WordLevel(vocabulary, unk_token="<unk>"))
    made.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    made.add_special_tokens([AddedToken(token, special=True, normalized=False) for token in SPECIAL_TOKENS])
    used = [token for token in SPECIAL_TOKENS if token in frame.split()]
    made.post_processor = processors.TemplateProcessing(
        single=frame, special_tokens=[(token, vocabulary[token]) for token in used]
    )
    names = {"bos_token": "<s>", "eos_token": "</s>", "unk_token": "<unk>"} | ({"pad_token": "<pad>"} if pads else {})
    return transformers.PreTrainedTokenizerFast(tokenizer_object=made, **names)


def shaken(module: Any) -> Any:
    """Fill a module with large random matrices, so that its answers are no ties."""
    draw = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for _, weight in module.named_parameters():
            if weight.dim() >= 2:
                weight.copy_(torch.randn(weight.shape, generator=draw) * 0.25)
    module.tie_weights()
    return module.eval()


@contextmanager
def at_most(seconds: int) -> Iterator[None]:
    """Raise `TooSlowError` in the main thread when what is done takes longer."""

    def stop(number: int, frame: FrameType | None) -> None:
        raise TooSlowError(f"it took more than {seconds} s")

    before = signal.signal(signal.SIGALRM, stop)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)
