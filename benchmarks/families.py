"""The sweep: many model families of transformers with tiny random weights, by likelihood, choices, generation, head.

What bench answers after admission is held against a plain pass written here, with nothing of bench in it: one example
at a time, no padding, no cache. A family is `equal`, or left its fast path with a doubt (`plain`), or is refused with
an error (`refused`); none may be `SILENT`, that is different without a word.

    python benchmarks/families.py [--only 'gpt*'] [--json]
"""

from __future__ import annotations

import fnmatch
import os
import sys
import tempfile
import time
import warnings
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

os.environ.setdefault("HF_HUB_OFFLINE", "1")

import torch
import transformers
from contract import Contract, make_parser
from tokenizers import AddedToken, Tokenizer, models, pre_tokenizers

from bench.admission.admit import admit
from bench.candidates.interface import Context
from bench.data.base import Example
from bench.errors import BenchError
from bench.suite import DataSpec, ModelSpec, TaskSpec, VariantSpec
from bench.tasks import KINDS
from bench.tasks.base import Bound

CAUSAL = (
    "gpt2",
    "gpt_neo",
    "gpt_neox",
    "gptj",
    "gpt_bigcode",
    "opt",
    "bloom",
    "mpt",
    "falcon",
    "codegen",
    "openai-gpt",
    "ctrl",
    "xglm",
    "biogpt",
    "llama",
    "mistral",
    "mixtral",
    "qwen2",
    "qwen2_moe",
    "qwen3",
    "qwen3_moe",
    "gemma",
    "gemma2",
    "gemma3_text",
    "phi",
    "phi3",
    "phimoe",
    "stablelm",
    "starcoder2",
    "olmo",
    "olmo2",
    "olmoe",
    "cohere",
    "cohere2",
    "granite",
    "granitemoe",
    "persimmon",
    "nemotron",
    "smollm3",
    "glm",
    "glm4",
    "helium",
    "exaone4",
    "ernie4_5",
    "deepseek_v3",
    "jetmoe",
    "dbrx",
    "mamba",
    "mamba2",
    "falcon_mamba",
    "recurrent_gemma",
    "rwkv",
    "jamba",
    "bamba",
    "zamba",
    "gpt_oss",
    "xlnet",
    "arcee",
    "seed_oss",
    "minimax",
)
ENCODERS = (
    "bert",
    "roberta",
    "distilbert",
    "albert",
    "electra",
    "deberta",
    "deberta-v2",
    "mpnet",
    "xlm-roberta",
    "camembert",
    "longformer",
    "big_bird",
    "funnel",
    "fnet",
    "modernbert",
    "roformer",
    "nystromformer",
    "mobilebert",
    "squeezebert",
    "convbert",
    "layoutlm",
    "ernie",
    "xlm",
    "flaubert",
    "xlnet",
    "megatron-bert",
    "roberta-prelayernorm",
    "ibert",
    "rembert",
    "data2vec-text",
    "yoso",
    "xmod",
    "gpt2",
    "llama",
    "mistral",
    "qwen2",
    "opt",
    "bloom",
    "falcon",
    "gpt_neo",
    "t5",
    "bart",
)
SEQ2SEQ = (
    "t5",
    "bart",
    "mbart",
    "pegasus",
    "marian",
    "m2m_100",
    "led",
    "blenderbot",
    "blenderbot-small",
    "prophetnet",
    "mt5",
    "longt5",
    "umt5",
    "fsmt",
    "plbart",
    "bigbird_pegasus",
    "switch_transformers",
    "nllb-moe",
    "encoder-decoder",
)
WORDS = [
    "red",
    "blue",
    "green",
    "small",
    "large",
    "old",
    "new",
    "river",
    "house",
    "train",
    "ship",
    "cloud",
    "stone",
    "paper",
    "glass",
    "water",
    "fire",
    "wind",
    "salt",
    "iron",
    "the",
    "of",
    "to",
    "in",
    "on",
    "one",
    "two",
    "three",
    "port",
    "crate",
    "driver",
    "customs",
    "order",
    "Question",
    "Answer",
    "Summary",
    "Label",
    ":",
    ".",
    "yes",
    "no",
    "alpha",
    "beta",
    "gamma",
]
TEXTS = (
    "red",
    "blue green small",
    "river house train ship cloud stone paper glass water",
    "the port of iron",
    "one two three crate driver customs order red blue green old new river the house on fire salt wind",
)
CHOICES = ("yes", "no alpha", "beta gamma red")
LABELS = ("alpha", "beta", "gamma")
TOLERANCE = 1e-3
NEW = 6
SIZES: dict[str, Any] = {
    "hidden_size": 32,
    "d_model": 32,
    "n_embd": 32,
    "dim": 32,
    "emb_dim": 32,
    "embedding_size": 32,
    "word_embed_proj_dim": 32,
    "num_hidden_layers": 2,
    "n_layer": 2,
    "n_layers": 2,
    "num_layers": 2,
    "encoder_layers": 2,
    "decoder_layers": 2,
    "num_encoder_layers": 2,
    "num_decoder_layers": 2,
    "num_attention_heads": 4,
    "n_head": 4,
    "n_heads": 4,
    "num_heads": 4,
    "attention_heads": 4,
    "encoder_attention_heads": 4,
    "decoder_attention_heads": 4,
    "num_encoder_attention_heads": 4,
    "num_decoder_attention_heads": 4,
    "num_key_value_heads": 2,
    "intermediate_size": 48,
    "encoder_ffn_dim": 48,
    "decoder_ffn_dim": 48,
    "ffn_dim": 48,
    "hidden_dim": 48,
    "d_ff": 48,
    "n_inner": 48,
    "dff": 48,
    "d_inner": 64,
    "d_kv": 8,
    "head_dim": 8,
    "d_head": 8,
    "max_position_embeddings": 64,
    "n_positions": 64,
    "num_experts": 4,
    "num_local_experts": 4,
    "n_routed_experts": 4,
    "num_experts_per_tok": 2,
    "moe_intermediate_size": 24,
    "shared_expert_intermediate_size": 24,
    "qkv_bias": True,
    "attention_window": 8,
    "max_encoder_position_embeddings": 64,
    "max_decoder_position_embeddings": 64,
    "sliding_window": 8,
    "state_size": 8,
    "time_step_rank": 4,
    "lru_width": 32,
    "attention_window_size": 8,
    "rotary_dim": 8,
}
"""Values given to whichever of these keys a configuration has."""
EXTRA: dict[str, dict[str, Any]] = {
    "gpt_neo": {"attention_types": [[["global", "local"], 1]], "window_size": 8},
    "funnel": {"block_sizes": [1, 1], "d_model": 32, "n_head": 4, "d_head": 8, "d_inner": 48},
    "mamba2": {"num_heads": 8, "head_dim": 8, "n_groups": 1, "expand": 2, "chunk_size": 8},
    "bamba": {
        "mamba_n_heads": 8,
        "mamba_d_head": 8,
        "mamba_n_groups": 1,
        "mamba_d_state": 8,
        "mamba_chunk_size": 8,
        "attn_layer_indices": [1],
    },
    "zamba": {
        "mamba_dt_rank": 4,
        "n_mamba_heads": 2,
        "attention_hidden_size": 64,
        "attention_head_dim": 16,
        "num_hidden_layers": 4,
        "layers_block_type": ["mamba", "hybrid", "mamba", "mamba"],
        "num_key_value_heads": 4,
    },
    "jamba": {
        "mamba_dt_rank": 4,
        "attn_layer_period": 2,
        "attn_layer_offset": 1,
        "expert_layer_period": 2,
        "expert_layer_offset": 1,
        "use_mamba_kernels": False,
    },
    "deepseek_v3": {
        "q_lora_rank": 16,
        "kv_lora_rank": 16,
        "qk_rope_head_dim": 8,
        "qk_nope_head_dim": 8,
        "v_head_dim": 8,
        "n_group": 1,
        "topk_group": 1,
        "first_k_dense_replace": 1,
        "head_dim": 8,
        "num_key_value_heads": 4,
    },
    "recurrent_gemma": {"block_types": ["recurrent", "attention"]},
    "rwkv": {"attention_hidden_size": 32, "context_length": 64},
    "mobilebert": {"true_hidden_size": 32, "intra_bottleneck_size": 32, "embedding_size": 32, "use_bottleneck": True},
    "xmod": {"languages": ["en_XX"], "default_language": "en_XX"},
    "big_bird": {"attention_type": "original_full"},
    "bigbird_pegasus": {"attention_type": "original_full"},
    "minimax": {"block_size": 4, "layer_types": ["full_attention", "linear_attention"], "num_key_value_heads": 4},
    "prophetnet": {"num_encoder_layers": 2, "num_decoder_layers": 2, "ngram": 2},
    "dbrx": {
        "attn_config": {"kv_n_heads": 2, "clip_qkv": None},
        "ffn_config": {"ffn_hidden_size": 48, "moe_num_experts": 4, "moe_top_k": 2},
    },
    "led": {"attention_window": [8, 8]},
    "gpt_oss": {"layer_types": ["sliding_attention", "full_attention"]},
}


@dataclass(frozen=True, slots=True)
class Row:
    """One family under one way of asking."""

    family: str
    way: str
    verdict: str
    detail: str
    seconds: float


def tokenizer() -> Any:
    """Return a tokenizer of whole words."""
    special = ["<pad>", "<unk>", "<s>", "</s>"]
    vocab = {token: index for index, token in enumerate([*special, *WORDS])}
    made = Tokenizer(models.WordLevel(vocab, unk_token="<unk>"))
    made.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    made.add_special_tokens([AddedToken(token, special=True, normalized=False) for token in special])
    names = {"bos_token": "<s>", "eos_token": "</s>", "pad_token": "<pad>", "unk_token": "<unk>"}
    return transformers.PreTrainedTokenizerFast(tokenizer_object=made, **names)


def configuration(kind: str, words: Any, **more: Any) -> Any:
    """Return a tiny configuration of a model type."""
    if kind == "encoder-decoder":
        part = {
            "hidden_size": 32,
            "num_hidden_layers": 2,
            "num_attention_heads": 4,
            "intermediate_size": 48,
            "vocab_size": len(words),
            "max_position_embeddings": 64,
        }
        made = transformers.EncoderDecoderConfig.from_encoder_decoder_configs(
            transformers.BertConfig(**part), transformers.BertConfig(**part, is_decoder=True, add_cross_attention=True)
        )
        made.decoder_start_token_id, made.pad_token_id, made.eos_token_id = 2, 0, 3
        made.vocab_size = len(words)
        return made
    default = transformers.AutoConfig.for_model(kind)
    known = default.to_dict()
    settings = {key: value for key, value in SIZES.items() if key in known or hasattr(default, key)}
    if isinstance(known.get("layer_types"), list):
        settings["layer_types"] = known["layer_types"][:1] + known["layer_types"][-1:]
    if kind in ("prophetnet", "funnel"):
        settings.pop("num_hidden_layers", None)
    if kind in ("xlnet", "falcon"):
        settings = {key: value for key, value in settings.items() if key not in ("max_position_embeddings", "head_dim")}
    settings |= {"vocab_size": len(words), "bos_token_id": 2, "eos_token_id": 3, "pad_token_id": 0}
    if getattr(default, "is_encoder_decoder", False):
        settings["decoder_start_token_id"] = 2
    for key in ("src_vocab_size", "tgt_vocab_size"):
        if key in known:
            settings[key] = len(words)
    return transformers.AutoConfig.for_model(kind, **{**settings, **EXTRA.get(kind, {}), **more})


def shaken(module: Any) -> Any:
    """Return the module with large random matrices, so that its answers are no ties."""
    draw = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for _, weight in module.named_parameters():
            if weight.dim() >= 2:
                weight.copy_(torch.randn(weight.shape, generator=draw) * 0.25)
    module.tie_weights()
    return module.eval()


def saved(auto_class: Any, kind: str, folder: Path, **more: Any) -> tuple[Any, Any]:
    """Return a tiny random model and its tokenizer, both also saved in the folder."""
    words = tokenizer()
    torch.manual_seed(0)
    module = shaken(auto_class.from_config(configuration(kind, words, **more)))
    module.save_pretrained(folder)
    words.save_pretrained(folder)
    return auto_class.from_pretrained(folder).eval(), words  # some tables are not saved, and made anew


class Plain:
    """The library's plain pass, written without bench."""

    def __init__(self, module: Any, words: Any, *, two_parts: bool) -> None:
        self.module, self.words, self.two_parts = module, words, two_parts

    @torch.inference_mode()
    def head(self, text: str) -> list[float]:
        """Return the log-probabilities of a head."""
        ids = torch.tensor([self.words(text)["input_ids"]])
        scores: list[float] = (
            self.module(input_ids=ids, attention_mask=torch.ones_like(ids)).logits[0].float().log_softmax(-1).tolist()
        )
        return scores

    @torch.inference_mode()
    def continuation(self, prompt: str, choice: str) -> float:
        """Return log P(choice | prompt) in nats."""
        first = self.words(prompt)["input_ids"]
        second = self.words(choice, add_special_tokens=False)["input_ids"]
        if self.two_parts:
            second = self.words(choice)["input_ids"]
            labels = torch.tensor([second])
            logits = self.module(input_ids=torch.tensor([first]), labels=labels).logits[0]
            rows = logits.float().log_softmax(-1)
            return float(sum(rows[place, token] for place, token in enumerate(second)))
        rows = self._rows([*first, *second])
        return float(sum(rows[len(first) - 1 + place, token] for place, token in enumerate(second)))

    @torch.inference_mode()
    def nats(self, text: str) -> float:
        """Return the negative log-likelihood of a text behind the start token."""
        ids = [2, *self.words(text, add_special_tokens=False)["input_ids"]]
        rows = self._rows(ids)
        return -float(sum(rows[place, token] for place, token in enumerate(ids[1:])))

    def _rows(self, ids: list[int]) -> torch.Tensor:
        output = self.module(input_ids=torch.tensor([ids]), use_cache=False)
        rows: torch.Tensor = output.logits[0].float().log_softmax(-1)
        return rows

    @torch.inference_mode()
    def writes(self, text: str) -> str:
        """Return what `generate` writes, greedily and without a cache."""
        ids = torch.tensor([self.words(text)["input_ids"]])
        output = self.module.generate(
            ids, attention_mask=torch.ones_like(ids), max_new_tokens=NEW, do_sample=False, use_cache=False, num_beams=1
        )[0].tolist()
        output = output[1:] if self.two_parts else output[ids.shape[1] :]
        if 3 in output:
            output = output[: output.index(3)]
        return str(self.words.decode(output, skip_special_tokens=True)).strip()


def asked(way: str, family: str, folder: Path) -> tuple[Any, Any, str | None]:
    """Return bench's answers to all texts after admission, the model, and what it said."""
    kinds = {
        "head": "classification",
        "choices": "multiple-choice",
        "writes": "summarisation",
        "nats": "language-modelling",
    }
    kind = kinds[way]
    column = {"head": "text", "choices": "question", "writes": "document", "nats": "text"}[way]
    spec = ModelSpec(name="tiny", family=family, checkpoint=str(folder))
    task = TaskSpec(name="t", kind=kind, data=DataSpec(path=Path("none")), max_new_tokens=NEW)
    labels = LABELS if way == "head" else ()
    context = Context(
        device="cpu",
        ability=KINDS[kind].ability,
        labels=labels,
        scoring={"head": "head", "choices": "likelihood"}.get(way, ""),
    )
    model = loaded(family, spec, context)
    columns = {"choices": list(CHOICES), "answer": CHOICES[0], "label": LABELS[0], "summary": "red"}
    examples = tuple(Example(i, str(i), {column: text, **columns}, None) for i, text in enumerate(TEXTS))
    workload = workload_of(kind, task, Bound(model, examples, labels, "{" + column + "}", context.scoring, labels))
    admission = admit("tiny", model, workload, "float32", TEXTS)
    everything = list(range(len(TEXTS)))
    if getattr(workload, "streams", False):
        rows = [row for index, answer in workload.stream(everything, 3) for row in workload.samples([index], [answer])]
    else:
        rows = workload.samples(everything, workload.request(everything)(None))
    return sorted(rows, key=lambda row: row.index), model, admission.left


def loaded(family: str, spec: ModelSpec, context: Context) -> Any:
    """Return a loaded model of one of bench's families."""
    from bench.candidates import FAMILIES

    return FAMILIES[family].load(spec, VariantSpec(), context)


def workload_of(kind: str, task: TaskSpec, bound: Bound) -> Any:
    """Return the workload of a kind of task."""
    return KINDS[kind].workload(task, bound)


def differences(way: str, rows: Sequence[Any], plain: Plain) -> list[str]:
    """Return what differs between bench's rows and the plain pass."""
    found = []
    for row, text in zip(rows, TEXTS, strict=True):
        if way == "writes":
            if row.prediction != plain.writes(text):
                found.append(f"{row.prediction!r} for {plain.writes(text)!r}")
            continue
        right = {
            "head": lambda text=text: plain.head(text),
            "choices": lambda text=text: [plain.continuation(text, choice) for choice in CHOICES],
            "nats": lambda text=text: [plain.nats(text)],
        }[way]()
        given = [row.nll] if way == "nats" else list(row.scores)
        worst = max(abs(a - b) for a, b in zip(given, right, strict=True))
        if not worst <= TOLERANCE * max(1.0, *map(abs, right)):
            found.append(f"{worst:.3g} nats at {text[:20]!r}")
    return found


def swept(only: str) -> Iterator[Row]:
    """Yield a row for each family and way."""
    plan = [(kind, "causal-lm", transformers.AutoModelForCausalLM, ("choices", "writes", "nats")) for kind in CAUSAL]
    plan += [(kind, "encoder", transformers.AutoModelForSequenceClassification, ("head",)) for kind in ENCODERS]
    plan += [(kind, "seq2seq", transformers.AutoModelForSeq2SeqLM, ("choices", "writes")) for kind in SEQ2SEQ]
    for kind, family, auto_class, ways in plan:
        if not fnmatch.fnmatch(kind, only):
            continue
        with tempfile.TemporaryDirectory() as place:
            folder = Path(place)
            names = dict(enumerate(LABELS))
            more = (
                {"id2label": names, "label2id": {name: i for i, name in names.items()}} if family == "encoder" else {}
            )
            try:
                module, words = saved(auto_class, kind, folder, **more)
            except Exception as error:  # noqa: BLE001 - a family that cannot be made here says nothing of bench
                yield Row(kind, family, "not made", f"{type(error).__name__}: {str(error)[:90]}", 0.0)
                continue
            plain = Plain(module, words, two_parts=family == "seq2seq")
            for way in ways:
                yield tried(kind, family, way, folder, plain)


def tried(kind: str, family: str, way: str, folder: Path, plain: Plain) -> Row:
    """Return the row of one family and way."""
    begun = time.perf_counter()
    label = f"{family} {way}"
    try:
        rows, _, left = asked(way, family, folder)
    except BenchError as error:
        return Row(kind, label, "refused", str(error)[:110], time.perf_counter() - begun)
    except Exception as error:  # noqa: BLE001 - in a run this becomes the cell's status
        return Row(kind, label, "refused", f"{type(error).__name__}: {str(error)[:90]}", time.perf_counter() - begun)
    try:
        wrong = differences(way, rows, plain)
    except Exception as error:  # noqa: BLE001 - the library's own pass fails: there is nothing to compare with
        return Row(kind, label, "no plain", f"{type(error).__name__}: {str(error)[:90]}", time.perf_counter() - begun)
    verdict = "SILENT" if wrong else "plain" if left else "equal"
    return Row(kind, label, verdict, "; ".join(wrong[:2]) or left or "", time.perf_counter() - begun)


def main() -> int:
    """Print the table; fail where a family is silently different."""
    parser = make_parser(__doc__)
    parser.add_argument("--only", default="*", help="families whose name fits this pattern")
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
    rows = []
    for row in swept(options.only):
        rows.append(row)
        print(f"{row.verdict:9} {row.family:22} {row.way:18} {row.seconds:5.1f} s  {row.detail}", flush=True)
    counts = Counter(row.verdict for row in rows)
    made = {row.family for row in rows if row.verdict != "not made"}
    shares = ", ".join(f"{number} {verdict}" for verdict, number in counts.most_common())
    print(f"{len(made)} families, {sum(counts.values())} rows, transformers {transformers.__version__}: {shares}")
    contract = Contract()
    contract.hold("silently different", counts["SILENT"], at_most=0)
    answered = counts["equal"] + counts["plain"]
    contract.hold("share answered", answered / max(1, answered + counts["refused"]), at_least=0.5)
    contract.hold("families that could be made", len(made), at_least=60 if options.only == "*" else 0)
    return contract.close(options.json)


if __name__ == "__main__":
    sys.exit(main())
