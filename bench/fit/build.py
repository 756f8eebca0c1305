"""Makes the module and tokenizer that a recipe trains: from scratch in the words of `Architecture`, or from a
checkpoint."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from bench.candidates.checkpoint import locate
from bench.candidates.hub import explain_load_errors
from bench.candidates.huggingface import UNBOUNDED, Source
from bench.errors import FitError
from bench.fit.job import FitJob, FitTask, headed
from bench.fit.recipe import Architecture
from bench.fit.vocabulary import BOS_ID, EOS_ID, PAD_ID, train_tokenizer
from bench.tasks import INPUT_COLUMN, REFERENCE_COLUMN, render

HEAD_PREFIXES = ("classifier", "score", "pre_classifier", "pooler", "bert.pooler", "roberta.pooler")
"""Parameters that learn under `freeze: body`."""


def build(job: FitJob, tokenizer: Any = None) -> tuple[Any, Any]:
    """Returns `(module, tokenizer)` to train, with a label head where a classification task needs one.

    Args:
        job: what to train.
        tokenizer: taken by a model from scratch instead of one trained on its data.

    Raises:
        FitError: the family cannot be trained.
    """
    labels = head_labels(job)
    if (job.model.family == "torch-module") != (job.recipe.start == "factory"):
        raise FitError(f"model '{job.model.name}': 'start: factory' is for the family torch-module, and only that")
    if job.recipe.start == "factory":
        return _from_factory(job), None
    made = _scratch(job, labels, tokenizer) if job.recipe.architecture else _from_checkpoint(job, labels)
    module, tokenizer = made
    if job.model.family == "causal-lm" and labels:
        module.config.pad_token_id = tokenizer.pad_token_id  # the head reads the last token that is no padding
    if job.recipe.dropout is not None:
        _set_dropout(job, module, job.recipe.dropout)
    if job.recipe.freeze == "body":
        learning = 0
        for name, parameter in module.named_parameters():
            parameter.requires_grad_(name.startswith(HEAD_PREFIXES))
            learning += parameter.requires_grad
        if not learning:
            raise FitError(f"model '{job.model.name}': 'freeze: body' leaves nothing to learn; the model has no head")
    return module, tokenizer


def head_labels(job: FitJob) -> tuple[str, ...]:
    """Returns the labels of the one classification task, empty where there is none or the labels are written
    as text.

    Raises:
        FitError: two classification tasks ask for one head, or a head and texts for one causal model.
    """
    family, own = job.model.family, job.model.family == "torch-module"
    tasks = [t for t in job.tasks if headed(family, t.spec) or (own and t.spec.kind == "classification")]
    if family == "causal-lm" and tasks and len(tasks) < len(job.tasks):
        raise FitError(
            f"model '{job.model.name}': a causal model with a head writes no text, and its tasks need both; name one "
            f"kind in the recipe's 'tasks', or leave out 'scoring: head' of {tasks[0].spec.name}"
        )
    if len({task.labels for task in tasks}) > 1:
        names = ", ".join(task.spec.name for task in tasks)
        raise FitError(
            f"model '{job.model.name}': one head cannot learn the labels of {names}; name one in the recipe's 'tasks'"
        )
    return tasks[0].labels if tasks else ()


def context_tokens(family: str, net: Any, tokenizer: Any) -> int | None:
    """Returns the most tokens of one sequence that a network has positions for; None where any number will do.

    T5's positions are relative: its `n_positions` and its tokenizer's limit are what it was trained on, no bound.
    """
    if family == "torch-module":
        return None
    if family == "transformer":
        return int(net.config.max_length)
    limits = [getattr(net.config, "max_position_embeddings", None)]
    if family != "seq2seq":
        limits += [getattr(net.config, "n_positions", None), tokenizer.model_max_length]
    return min((int(limit) for limit in limits if limit and limit < UNBOUNDED), default=None)


def _set_dropout(job: FitJob, module: Any, share: float) -> None:
    """Sets every dropout of a pretrained network, also those that attention keeps as plain numbers."""
    import torch

    found = 0
    for part in module.modules():
        if isinstance(part, torch.nn.Dropout):
            part.p, found = share, found + 1
        for name in ("dropout", "attention_dropout", "activation_dropout"):
            if isinstance(getattr(part, name, None), float):
                setattr(part, name, share)
                found += 1
    if not found:
        raise FitError(f"model '{job.model.name}': the recipe sets 'dropout', and {type(module).__name__} has none")


def _texts(tasks: Sequence[FitTask]) -> list[str]:
    texts: dict[str, None] = {}
    for task in tasks:
        for example in task.train.examples:
            texts[render(task.template, example.columns)] = None
            texts[" " + str(example.columns[REFERENCE_COLUMN[task.spec.kind]])] = None
            texts[str(example.columns[INPUT_COLUMN[task.spec.kind]])] = None
    return list(texts)


def _from_factory(job: FitJob) -> Any:
    """Returns the module that the user's factory makes, its parameters drawn from the recipe's seed."""
    import torch

    from bench.plugins import load_object

    torch.manual_seed(job.recipe.seed)
    module = load_object(str(job.model.factory))(**job.model.options)
    if not isinstance(module, torch.nn.Module):
        raise FitError(f"model '{job.model.name}': only a torch.nn.Module can be trained, not {type(module).__name__}")
    labelled = all(task.spec.kind == "classification" for task in job.tasks) and hasattr(module, "classify")
    if not hasattr(module, "training_loss") and not labelled:
        raise FitError(
            f"model '{job.model.name}': {type(module).__name__} has no 'training_loss(texts, references)', which its "
            "tasks need; add it, or name only classification tasks in the recipe and give it 'classify'"
        )
    if hasattr(module, "training_loss") and job.teacher is not None:
        raise FitError(f"model '{job.model.name}': a module with a 'training_loss' of its own has no use for a teacher")
    return module


def _scratch(job: FitJob, labels: tuple[str, ...], tokenizer: Any = None) -> tuple[Any, Any]:
    import torch

    shape = job.recipe.architecture
    assert shape is not None
    family = job.model.family
    if tokenizer is None:
        tokenizer = train_tokenizer(_texts(job.tasks), shape.vocab_size, family=family, max_length=shape.max_length)
    makers = {"causal-lm": _gpt2, "encoder": _bert, "seq2seq": _t5, "transformer": _in_house}
    if family not in makers:
        raise FitError(f"model '{job.model.name}': family '{family}' cannot be trained from scratch")
    torch.manual_seed(job.recipe.seed)
    return makers[family](shape, len(tokenizer), labels), tokenizer


def _gpt2(shape: Architecture, vocab: int, labels: tuple[str, ...]) -> Any:
    from transformers import GPT2Config, GPT2ForSequenceClassification, GPT2LMHeadModel

    maker: Any = GPT2ForSequenceClassification if labels else GPT2LMHeadModel
    names = {"id2label": dict(enumerate(labels)), "label2id": {label: at for at, label in enumerate(labels)}}
    head: dict[str, Any] = names if labels else {}
    return maker(
        GPT2Config(
            vocab_size=vocab, n_positions=shape.max_length, n_embd=shape.d_model, n_layer=shape.layers,
            n_head=shape.heads, n_inner=shape.d_ff, resid_pdrop=shape.dropout, embd_pdrop=shape.dropout,
            attn_pdrop=shape.dropout, bos_token_id=BOS_ID, eos_token_id=EOS_ID, pad_token_id=PAD_ID,
            **head,
        )
    )  # fmt: skip


def _bert(shape: Architecture, vocab: int, labels: tuple[str, ...]) -> Any:
    from transformers import BertConfig, BertForSequenceClassification

    return BertForSequenceClassification(
        BertConfig(
            vocab_size=vocab, max_position_embeddings=shape.max_length, hidden_size=shape.d_model,
            num_hidden_layers=shape.layers, num_attention_heads=shape.heads, intermediate_size=shape.d_ff,
            hidden_dropout_prob=shape.dropout, attention_probs_dropout_prob=shape.dropout, pad_token_id=PAD_ID,
            id2label=dict(enumerate(labels)), label2id={label: index for index, label in enumerate(labels)},
        )
    )  # fmt: skip


def _t5(shape: Architecture, vocab: int, labels: tuple[str, ...]) -> Any:
    from transformers import T5Config, T5ForConditionalGeneration

    config: Any = T5Config
    return T5ForConditionalGeneration(
        config(
            vocab_size=vocab, d_model=shape.d_model, d_kv=shape.d_model // shape.heads, d_ff=shape.d_ff,
            num_layers=shape.layers, num_decoder_layers=shape.decoder_layers or shape.layers, num_heads=shape.heads,
            dropout_rate=shape.dropout, feed_forward_proj="relu", pad_token_id=PAD_ID, eos_token_id=EOS_ID,
            decoder_start_token_id=PAD_ID,
        )
    )  # fmt: skip


def _in_house(shape: Architecture, vocab: int, labels: tuple[str, ...]) -> Any:
    from bench.candidates.network import NetConfig, TransformerNet

    return TransformerNet(
        NetConfig(
            vocab_size=vocab, d_model=shape.d_model, heads=shape.heads, d_ff=shape.d_ff, encoder_layers=shape.layers,
            decoder_layers=shape.decoder_layers or shape.layers, max_length=shape.max_length, dropout=shape.dropout,
            labels=labels, pad_id=PAD_ID, eos_id=EOS_ID, bos_id=BOS_ID,
        )
    )  # fmt: skip


def _from_checkpoint(job: FitJob, labels: tuple[str, ...]) -> tuple[Any, Any]:
    import torch
    import transformers

    family = job.model.family
    torch.manual_seed(job.recipe.seed)
    if family == "transformer":
        from bench.candidates.network import TransformerNet

        folder = locate(str(job.model.checkpoint), Path()).folder
        if folder is None:
            raise FitError(f"model '{job.model.name}': the in-house Transformer starts from a folder")
        return TransformerNet.load(folder), transformers.PreTrainedTokenizerFast.from_pretrained(str(folder))
    classes = {
        "causal-lm": transformers.AutoModelForSequenceClassification if labels else transformers.AutoModelForCausalLM,
        "encoder": transformers.AutoModelForSequenceClassification,
        "seq2seq": transformers.AutoModelForSeq2SeqLM,
    }
    if family not in classes:
        raise FitError(f"model '{job.model.name}': family '{family}' cannot be fine-tuned from a checkpoint")
    source = Source.of(job.model)
    head = {"num_labels": len(labels), "id2label": dict(enumerate(labels))} if labels else {}
    if labels:
        head["label2id"] = {label: index for index, label in enumerate(labels)}
        head["ignore_mismatched_sizes"] = True
    with explain_load_errors(job.model):
        tokenizer = transformers.AutoTokenizer.from_pretrained(source.checkpoint.name, **source.shared)
        module = classes[family].from_pretrained(
            source.checkpoint.name, dtype=torch.float32, **source.shared, **source.weights, **head
        )
    if tokenizer.pad_token_id is None:
        tokenizer.pad_token = tokenizer.eos_token
    return module, tokenizer
