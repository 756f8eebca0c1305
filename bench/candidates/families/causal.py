"""`causal-lm`: GPT-2 and any AutoModelForCausalLM, GGUF files included.

Classifies, and answers multiple choice, by the log-likelihood of each label or choice after the prompt; the prompt
is run once and its key/value cache is shared by all of them (`bench.candidates.decoding.choices`). Batches are padded
on the left, with position ids that leave the padding out, so that padding does not change a result.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from bench.candidates.checkpoint import why_no_head
from bench.candidates.engine import Role
from bench.candidates.failures import explained, explaining
from bench.candidates.family import LIKELIHOODS, Family, Look
from bench.candidates.gradients import without_gradients
from bench.candidates.huggingface import (
    HuggingFaceLearning,
    HuggingFaceModel,
    head_logits,
    head_order,
    head_scores,
    label_names,
    load_pretrained,
)
from bench.candidates.interface import Classified, Context, Decoding, Generated, Model, ModelFacts, OnToken, Scored
from bench.candidates.learning import BOS_ID, EOS_ID, IGNORED, PAD_ID, Batch, Setting, Shape
from bench.candidates.untyped import Loader, Network, Options, Tokenizer
from bench.errors import UnsupportedError
from bench.suite import ModelSpec, Shot, VariantSpec

if TYPE_CHECKING:
    import torch
    from torch import nn

    from bench.candidates.graphs import Graph, Sizes


class CausalLM(HuggingFaceModel):
    """A decoder-only language model."""

    abilities = frozenset({"classify", "choose", "generate", "generate_many", "log_likelihood", "stream"})

    def __init__(self, spec: ModelSpec, variant: VariantSpec, context: Context) -> None:
        from transformers import AutoModelForCausalLM, AutoModelForSequenceClassification

        from bench.candidates.decoding.rows import supports_rows

        self._headed = context.scoring == "head"
        auto_class: Loader = AutoModelForSequenceClassification if self._headed else AutoModelForCausalLM
        loaded = load_pretrained(auto_class, spec, variant, context)
        module = loaded.module
        loaded.tokenizer.padding_side = "right" if self._headed else "left"
        super().__init__(spec, loaded, context)
        if context.engine is not None or not supports_rows(module):
            self.abilities = self.abilities - {"generate_many"}
        self.goes_on = not self._headed
        if self._headed:
            self._order = head_order(spec, module.config, context.labels)

    @property
    def reads_turns(self) -> bool:
        """Tell whether texts are turns of the tokenizer's chat template, as the suite asks."""
        templated = self.spec.chat_template and self.tokenizer.chat_template is not None
        return templated and self.context.ability != "log_likelihood"

    def prompts(self, texts: Sequence[str]) -> tuple[list[str], Options]:
        """Write the texts in the tokenizer's chat template where the suite asks for it."""
        if not self.reads_turns:
            return super().prompts(texts)
        return in_chat(self.spec, self.tokenizer, texts, self.context.shots), {"add_special_tokens": False}

    def token_ids(self, texts: Sequence[str], **options: bool) -> list[list[int]]:
        """Encode each text as token ids; a prompt without the end token that some tokenizers put behind it.

        An end belongs behind the answer; a prompt that ends tells the model to begin another text.
        """
        rows = super().token_ids(texts, **options)
        if self._headed or not options.get("add_special_tokens", True):
            return rows
        end = self.tokenizer.eos_token_id
        written = str(self.tokenizer.eos_token)
        pairs = zip(texts, rows, strict=True)
        return [row[:-1] if row[-1:] == [end] and not text.endswith(written) else row for text, row in pairs]

    @explained
    @without_gradients
    def classify(self, texts: Sequence[str]) -> list[Classified]:
        """Compute log P(label | prompt) in nats for every label, summed over the label's tokens; or the head's."""
        if self._headed:
            prompts, options = self.prompts(texts)
            return head_scores(self, prompts, self._order, **options)
        return self.choose(texts, [self.context.label_texts] * len(texts))

    @explained
    @without_gradients
    def choose(self, texts: Sequence[str], choices: Sequence[Sequence[str]]) -> list[Classified]:
        """Compute log P(choice | prompt) in nats of each prompt's own choices, summed over the choice's tokens."""
        from bench.candidates.decoding.choices import choose_after

        prompts, options = self.prompts(texts)
        return choose_after(self, prompts, choices, **options)

    @explained
    @without_gradients
    def generate(self, texts: Sequence[str], decoding: Decoding, on_token: OnToken | None = None) -> list[Generated]:
        """Write the continuation of each prompt, greedily or by beams."""
        from bench.candidates.decoding.generate import generate

        prompts, options = self.prompts(texts)
        return generate(self, prompts, decoding, on_token, encoder_decoder=False, **options)

    @without_gradients
    def reads_ahead(self, text: str, most_tokens: int) -> float:
        """Measure by how much the last token of a text changes the predictions before it, in logits; 0 for a head."""
        import torch

        ids = [self.start_id, *self.token_ids([text], add_special_tokens=False)[0]][: min(most_tokens, self.max_tokens)]
        if self._headed or len(ids) < 3:
            return 0.0
        other = next((token for token in ids if token != ids[-1]), self.pad_id)
        pair = torch.tensor([ids, [*ids[:-1], other]], device=self.device)
        with explaining(self):
            one, another = self.module(input_ids=pair, use_cache=False).logits.float()[:, :-1]
        return float((one - another).abs().max())

    @explained
    @without_gradients
    def regret(self, text: str, written: Sequence[int], decoding: Decoding) -> float:
        """Measure by how much a plain pass prefers another token to one that was written, in logits."""
        from bench.candidates.decoding.generate import regret

        prompts, options = self.prompts([text])
        return regret(self, prompts[0], written, decoding, encoder_decoder=False, **options)

    @explained
    @without_gradients
    def least_margin(self, text: str, decoding: Decoding) -> float:
        """Measure by how much the likeliest token leads in the closest step of one answer, in logits."""
        from bench.candidates.decoding.generate import least_margin

        prompts, options = self.prompts([text])
        return least_margin(self, prompts[0], decoding, encoder_decoder=False, **options)

    def generate_many(self, texts: Sequence[str], decoding: Decoding, rows: int) -> Iterator[tuple[int, Generated]]:
        """Generate continuations; yield position and continuation of each prompt as it ends; at most `rows` are under
        way at a time."""
        from bench.candidates.decoding.greedy import generate_many

        prompts, options = self.prompts(texts)
        return generate_many(self, prompts, decoding, rows, **options)

    @explained
    @without_gradients
    def log_likelihood(self, texts: Sequence[str]) -> list[Scored]:
        """Compute −log P of each text by sliding windows, every token scored once."""
        from bench.candidates.decoding.windows import score_windows

        return score_windows(self, texts)

    def facts(self) -> ModelFacts:
        """Describe the loaded model; for language modelling the windows too, which perplexity hangs
        on, and whether there is a chat template where the suite asks for it."""
        facts = super().facts()
        if self.spec.chat_template:
            facts.notes["chat_template"] = self.tokenizer.chat_template is not None
        if self.context.ability == "log_likelihood":
            from bench.candidates.decoding.windows import STRIDE_SHARE, window_tokens

            size = window_tokens(self)
            vocabulary = self.module.config.get_text_config().vocab_size
            facts.notes.update(window_tokens=size, stride_tokens=max(size // STRIDE_SHARE, 1), vocabulary=vocabulary)
        return facts


def in_chat(spec: ModelSpec, tokenizer: Tokenizer, texts: Sequence[str], shots: Sequence[Shot] = ()) -> list[str]:
    """Wrap each text as a user's turn of the tokenizer's chat template, behind the system's turn and solved examples.

    Args:
        spec: with the system prompt, and in its options variables of the template, such as `enable_thinking`.
        tokenizer: with a template.
        texts: what the user says.
        shots: what was asked and answered before.

    Raises:
        UnsupportedError: the template refuses the turns.
    """
    from jinja2 import TemplateError

    fixed: Options = {"tokenize": False, "add_generation_prompt": True}
    before = [] if spec.system is None else [{"role": "system", "content": spec.system}]
    for shot in shots:
        before += [{"role": "user", "content": shot.prompt}, {"role": "assistant", "content": shot.answer}]
    turns = ([*before, {"role": "user", "content": text}] for text in texts)
    try:
        return [str(tokenizer.apply_chat_template(turn, **spec.options, **fixed)) for turn in turns]
    except TemplateError as error:
        remedy = "; leave out 'system', or write it into the prompt" if spec.system is not None else ""
        raise UnsupportedError(f"model '{spec.name}': its chat template says: {error}{remedy}") from error


class CausalLearning(HuggingFaceLearning):
    """GPT-2 from scratch, or any checkpoint; prompt and answer are one sequence."""

    one_sequence = True
    lead = " "
    head_or_text = True

    def adapter_task(self, labels: Sequence[str]) -> str | None:
        """Name what an adapter is trained for."""
        return "SEQ_CLS" if labels else "CAUSAL_LM"

    def auto_class(self, labels: tuple[str, ...]) -> Loader:
        """Choose the class that writes, or the one with a head."""
        from transformers import AutoModelForCausalLM, AutoModelForSequenceClassification

        return AutoModelForSequenceClassification if labels else AutoModelForCausalLM

    def scratch(self, shape: Shape, vocabulary: int, labels: tuple[str, ...]) -> nn.Module:
        """Make a GPT-2 with random weights."""
        from transformers import GPT2Config, GPT2ForSequenceClassification, GPT2LMHeadModel

        config = GPT2Config(
            vocab_size=vocabulary,
            n_positions=shape.max_length,
            n_embd=shape.d_model,
            n_layer=shape.layers,
            n_head=shape.heads,
            n_inner=shape.d_ff,
            resid_pdrop=shape.dropout,
            embd_pdrop=shape.dropout,
            attn_pdrop=shape.dropout,
            bos_token_id=BOS_ID,
            eos_token_id=EOS_ID,
            pad_token_id=PAD_ID,
            **(label_names(labels) if labels else {}),
        )
        return GPT2ForSequenceClassification(config) if labels else GPT2LMHeadModel(config)

    def prepare(self, net: Network, tokenizer: Tokenizer, labels: tuple[str, ...]) -> None:
        """Tell a head what padding is: it reads the last token that is none."""
        if labels:
            net.config.pad_token_id = tokenizer.pad_token_id

    def prompts(
        self, spec: ModelSpec, tokenizer: Tokenizer, prompts: Sequence[str]
    ) -> tuple[list[str], dict[str, bool]]:
        """Write the prompts in the chat template where the suite will score with it."""
        if not spec.chat_template or tokenizer.chat_template is None:
            before = "" if spec.system is None else f"{spec.system}\n\n"
            return [before + prompt for prompt in prompts], {}
        return in_chat(spec, tokenizer, prompts), {"add_special_tokens": False}

    def logits(self, net: Network, batch: Batch, setting: Setting) -> tuple[torch.Tensor, torch.Tensor]:
        """Compute the logits of the next token with the answers' tokens, or those of the head."""
        if batch["mode"] == "label":
            return head_logits(net, batch)
        logits = net(input_ids=batch["source"], attention_mask=batch["source_mask"].long()).logits[:, :-1]
        return logits, batch["target"][:, 1:].masked_fill(in_prompt(batch), IGNORED)

    def prompt_targets(self, batch: Batch) -> torch.Tensor | None:
        """List the tokens of the prompts, which the same logits predict."""
        if batch["mode"] != "text":
            return None
        return batch["target"][:, 1:].masked_fill(~in_prompt(batch), IGNORED)


def in_prompt(batch: Batch) -> torch.Tensor:
    """Mark which of the predicted tokens belong to the prompt; shape `(batch, length - 1)`."""
    import torch

    ids = batch["source"]
    return torch.arange(1, ids.shape[1], device=ids.device) < batch["prompt"].unsqueeze(1)


CHAT_ARGUMENTS = frozenset(
    {"tokenize", "add_generation_prompt", "conversation", "continue_final_message", "return_dict", "return_tensors"}
)
"""Arguments of transformers' `apply_chat_template` that decide what it returns."""


class CausalFamily(Family):
    """A decoder-only language model of transformers."""

    name = "causal-lm"
    summary = "GPT-2 and any AutoModelForCausalLM, GGUF included; labels and choices by their likelihood"
    title = "causal LM"
    abilities = frozenset({"classify", "choose", "generate", "log_likelihood"})
    scorings = {"classify": (*LIKELIHOODS, "generated", "head"), "choose": LIKELIHOODS}
    style = "continue"
    lead = " "
    reads_prompt = True
    needs = ("checkpoint", "fit")
    keys = frozenset({"chat_template", "options", "system", "shots", "answer", "generation"})
    shares_load = True
    spreads = True
    executable = frozenset({"head", "text"})
    modules = (
        "transformers.models.gpt2.modeling_gpt2",
        "transformers.models.llama.modeling_llama",
        "bench.candidates.decoding.choices",
        "bench.candidates.decoding.greedy",
        "bench.candidates.decoding.windows",
    )
    look = Look("#D55E00", "#F08A3C", "s", "square")
    learning = CausalLearning()
    paths = {"generate": "transformers.generate", "generate_many": "bench.candidates.decoding.greedy.generate_many"}

    def load(self, spec: ModelSpec, variant: VariantSpec, context: Context) -> CausalLM:
        """Load a language model, or its variant with a head."""
        return CausalLM(spec, variant, context)

    def graphs(self, model: Model, role: Role) -> tuple[Mapping[str, Graph], Sizes]:
        """Name the graphs of the network."""
        from bench.candidates.graphs import head_graphs, text_graphs

        network: Network = model
        if role == "text":
            return text_graphs(network.module)
        if not network.padding_is_own:
            raise UnsupportedError(
                "its head looks for padding, and its config.json names no 'pad_token_id', which a graph must know"
            )
        return head_graphs(network.module)

    def mistakes(self, spec: ModelSpec) -> list[tuple[str, str]]:
        """Refuse switches without the template that would read them, and what is no variable of a template."""
        if spec.options and not spec.chat_template:
            why = "the options of a causal-lm are switches of its chat template; set 'chat_template: true' too"
            return [("options", why)]
        taken = [name for name in spec.options if name in CHAT_ARGUMENTS]
        return [("options", f"'{name}' is not for a suite to set: bench asks for a prompt as text") for name in taken]

    def why_no_head(self, spec: ModelSpec, labels: Sequence[str]) -> str | None:
        """Explain why the checkpoint's head cannot score the labels."""
        return why_no_head(spec, labels)
