"""`seq2seq`: T5 and any AutoModelForSeq2SeqLM.

Writes text by generation, and classifies by the log-likelihood of each label as output, the encoder run once
per text.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from bench.candidates.engine import Role
from bench.candidates.failures import explained
from bench.candidates.family import LIKELIHOODS, Family, Look
from bench.candidates.gradients import without_gradients
from bench.candidates.huggingface import HuggingFaceLearning, HuggingFaceModel, load_pretrained
from bench.candidates.interface import Classified, Context, Decoding, Generated, Model, OnToken
from bench.candidates.languages import option_mistakes, set_languages
from bench.candidates.learning import EOS_ID, PAD_ID, Batch, Setting, Shape
from bench.candidates.limits import UNBOUNDED
from bench.candidates.untyped import Loader, Network, Options, Tokenizer
from bench.errors import UnsupportedError
from bench.suite import ModelSpec, VariantSpec

if TYPE_CHECKING:
    import torch
    from torch import nn

    from bench.candidates.graphs import Graph, Sizes


class Seq2Seq(HuggingFaceModel):
    """An encoder-decoder."""

    abilities = frozenset({"classify", "choose", "generate", "stream"})

    def __init__(self, spec: ModelSpec, variant: VariantSpec, context: Context) -> None:
        from transformers import AutoModelForSeq2SeqLM

        loaded = load_pretrained(AutoModelForSeq2SeqLM, spec, variant, context)
        super().__init__(spec, loaded, context)
        if not getattr(loaded.module.config, "is_encoder_decoder", False):
            raise UnsupportedError(f"model '{spec.name}': {_why_not_two_parts(loaded.module.config.model_type)}")
        self.begins = set_languages(spec, self.tokenizer)

    def prompts(self, texts: Sequence[str]) -> tuple[list[str], Options]:
        """Write the prefix before each text where the suite asks for one."""
        return super().prompts(with_prefix(self.spec, texts))

    def classify(self, texts: Sequence[str]) -> list[Classified]:
        """Compute log P(label | text) in nats for every label, summed over its tokens and the end."""
        return self.choose(texts, [self.context.label_texts] * len(texts))

    @explained
    @without_gradients
    def choose(self, texts: Sequence[str], choices: Sequence[Sequence[str]]) -> list[Classified]:
        """Compute log P(choice | text) in nats of each text's own choices, summed over their tokens and the end."""
        from bench.candidates.decoding.choices import choose_in_decoder

        if self.begins:
            raise UnsupportedError(
                f"model '{self.spec.name}': texts are not compared in the language of 'options: {{tgt_lang: …}}'; have "
                "the label written ('scoring: generated'), or leave the option out"
            )
        return choose_in_decoder(self, self.prompts(texts)[0], choices)

    @explained
    @without_gradients
    def generate(self, texts: Sequence[str], decoding: Decoding, on_token: OnToken | None = None) -> list[Generated]:
        """Write the decoder's text for each source, greedily or by beams."""
        from bench.candidates.decoding.generate import generate

        return generate(self, self.prompts(texts)[0], decoding, on_token, encoder_decoder=True)

    @explained
    @without_gradients
    def regret(self, text: str, written: Sequence[int], decoding: Decoding) -> float:
        """Measure by how much a plain pass prefers another token to one that was written, in logits."""
        from bench.candidates.decoding.generate import regret

        return regret(self, text, written, decoding, encoder_decoder=True)

    @explained
    @without_gradients
    def least_margin(self, text: str, decoding: Decoding) -> float:
        """Measure by how much the likeliest token leads in the closest step of one answer, in logits."""
        from bench.candidates.decoding.generate import least_margin

        return least_margin(self, self.prompts([text])[0][0], decoding, encoder_decoder=True)


def with_prefix(spec: ModelSpec, texts: Sequence[str]) -> list[str]:
    """Put the prefix of a model's options before each text."""
    return [f"{spec.options.get('prefix', '')}{text}" for text in texts]


def _why_not_two_parts(model_type: str) -> str:
    """Explain that a network is no encoder-decoder, though transformers lists some such under that name."""
    from transformers.models.auto.modeling_auto import MODEL_FOR_CAUSAL_LM_MAPPING_NAMES

    remedy = (
        "give it the family 'causal-lm'"
        if model_type in MODEL_FOR_CAUSAL_LM_MAPPING_NAMES
        else "save its language model (`model.language_model`) alone, and give that the family 'causal-lm'"
    )
    return f"its network ({model_type}) is no encoder-decoder: it writes behind its prompt; {remedy}"


class Seq2SeqLearning(HuggingFaceLearning):
    """T5 from scratch, or any checkpoint; labels are written as text."""

    frame = "$A </s>"

    def prompts(
        self, spec: ModelSpec, tokenizer: Tokenizer, prompts: Sequence[str]
    ) -> tuple[list[str], dict[str, bool]]:
        """Write the prompts as they will be scored."""
        before = "" if spec.system is None else f"{spec.system}\n\n"
        return with_prefix(spec, [before + prompt for prompt in prompts]), {}

    def adapter_task(self, labels: Sequence[str]) -> str | None:
        """Name what an adapter is trained for."""
        return "SEQ_2_SEQ_LM"

    def auto_class(self, labels: tuple[str, ...]) -> Loader:
        """Choose the class that writes."""
        from transformers import AutoModelForSeq2SeqLM

        return AutoModelForSeq2SeqLM

    def scratch(self, shape: Shape, vocabulary: int, labels: tuple[str, ...]) -> nn.Module:
        """Make a T5 with random weights."""
        from transformers import T5Config, T5ForConditionalGeneration

        maker: Loader = T5Config
        config = maker(
            vocab_size=vocabulary,
            d_model=shape.d_model,
            d_kv=shape.d_model // shape.heads,
            d_ff=shape.d_ff,
            num_layers=shape.layers,
            num_decoder_layers=shape.decoder_layers or shape.layers,
            num_heads=shape.heads,
            dropout_rate=shape.dropout,
            feed_forward_proj="relu",
            pad_token_id=PAD_ID,
            eos_token_id=EOS_ID,
            decoder_start_token_id=PAD_ID,
        )
        return T5ForConditionalGeneration(config)

    def room(self, net: nn.Module, tokenizer: Tokenizer | None) -> int | None:
        """Count the positions of one sequence.

        T5's positions are relative: its `n_positions` and its tokenizer's limit are what it was trained on, no bound.
        """
        config: Loader = net.config
        limit = getattr(config, "max_position_embeddings", None)
        return int(limit) if limit and limit < UNBOUNDED else None

    def logits(self, net: Network, batch: Batch, setting: Setting) -> tuple[torch.Tensor, torch.Tensor]:
        """Compute the decoder's logits of the next token, and the tokens."""
        target = batch["target"]
        logits = net(
            input_ids=batch["source"],
            attention_mask=batch["source_mask"].long(),
            decoder_input_ids=net.prepare_decoder_input_ids_from_labels(labels=target),
        ).logits
        return logits, target


class Seq2SeqFamily(Family):
    """An encoder-decoder of transformers."""

    name = "seq2seq"
    summary = "T5 and any AutoModelForSeq2SeqLM; labels and choices by their likelihood in the decoder"
    title = "sequence to sequence"
    abilities = frozenset({"classify", "choose", "generate"})
    lacks = {"log_likelihood": "an encoder-decoder has no likelihood of a text without a source"}
    scorings = {"classify": (*LIKELIHOODS, "generated"), "choose": LIKELIHOODS}
    style = "prefix"
    reads_prompt = True
    needs = ("checkpoint", "fit")
    keys = frozenset({"options", "system", "shots", "answer", "generation"})
    shares_load = True
    spreads = True
    executable = frozenset({"source-text"})
    modules = (
        "transformers.models.t5.modeling_t5",
        "bench.candidates.decoding.choices",
        "bench.candidates.decoding.generate",
    )
    look = Look("#CC79A7", "#E09CC4", "D", "diamond")
    learning = Seq2SeqLearning()
    paths = {"generate": "transformers.generate"}

    def mistakes(self, spec: ModelSpec) -> list[tuple[str, str]]:
        """Refuse options that are none, and languages that nothing would be trained with."""
        return option_mistakes(spec)

    def load(self, spec: ModelSpec, variant: VariantSpec, context: Context) -> Seq2Seq:
        """Load an encoder-decoder."""
        return Seq2Seq(spec, variant, context)

    def role(self, scoring: str) -> Role:
        """Tell that it writes from a source, whatever is asked."""
        return "source-text"

    def graphs(self, model: Model, role: Role) -> tuple[Mapping[str, Graph], Sizes]:
        """Name the graphs of the network."""
        from bench.candidates.graphs import source_text_graphs

        network: Network = model
        return source_text_graphs(network.module)
