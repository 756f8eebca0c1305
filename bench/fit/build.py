"""Make the module and tokenizer that a recipe trains: from scratch in the words of `Architecture`, or from a
checkpoint."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from bench.candidates import FAMILIES
from bench.candidates.adapters import with_lora
from bench.candidates.pairs import Pair
from bench.errors import FitError, UnsupportedError
from bench.fit.job import HEADS, FitJob, FitTask, head_of_all, learning_for
from bench.fit.vocabulary import train_tokenizer
from bench.suite import ShrinkSpec
from bench.tasks import KINDS

if TYPE_CHECKING:
    from torch import nn
    from transformers import PreTrainedTokenizerBase

HEAD_PREFIXES = ("classifier", "score", "pre_classifier", "pooler", "bert.pooler", "roberta.pooler")
"""Parameters that learn under `freeze: body`."""


def build(
    job: FitJob, tokenizer: PreTrainedTokenizerBase | None = None
) -> tuple[nn.Module, PreTrainedTokenizerBase | None]:
    """Make the module to train and its tokenizer, with a label head where a classification task needs one.

    Args:
        job: what to train.
        tokenizer: taken by a model from scratch instead of one trained on its data.

    Raises:
        FitError: the family cannot be trained.
    """
    import torch

    model, recipe, learning = job.model, job.training, learning_for(job)
    labels = head_labels(job)
    if learning.from_factory != (recipe.start == "factory"):
        owners = " and ".join(
            name for name, family in FAMILIES.items() if family.learning and family.learning.from_factory
        )
        raise FitError(f"model '{model.name}': 'start: factory' is for the family {owners}, and only that")
    torch.manual_seed(recipe.seed)
    try:
        if learning.from_factory:
            labelled = all(KINDS[task.spec.kind].labelled for task in job.tasks)
            if job.base is not None:
                model = model.with_paths_from(job.base)
            return learning.factory(model, labelled=labelled, taught=job.teacher is not None), None
        if recipe.architecture is None:
            net, tokenizer = learning.checkpoint(model, labels)
        else:
            shape = recipe.architecture
            if tokenizer is None:
                texts = _texts(job.tasks)
                pairs = learning.reads_pairs and any(isinstance(text, Pair) for text in texts)
                tokenizer = train_tokenizer(
                    texts, shape.vocab_size, learning=learning, max_length=shape.max_length, pairs=pairs
                )
                torch.manual_seed(recipe.seed)
            net = learning.scratch(shape, len(tokenizer), labels)
    except FitError as error:
        raise _named(job, error) from error
    learning.prepare(net, tokenizer, labels)
    return _prepared(job, net, labels), tokenizer


def _prepared(job: FitJob, net: nn.Module, labels: tuple[str, ...]) -> nn.Module:
    """Make of a network what the recipe says: its dropout, what is taken out, what learns."""
    recipe = job.training
    if recipe.dropout is not None:
        _set_dropout(job, net, recipe.dropout)
    if recipe.freeze == "body":
        _freeze_body(job, net)
    if recipe.shrink is not None:
        net = _shrunk(job, net, recipe.shrink)
    if recipe.lora is not None:
        net = with_lora(net, str(learning_for(job).adapter_task(labels)), **recipe.lora.model_dump())
    return net


def _named(job: FitJob, error: FitError) -> FitError:
    """Put the model's name before what its family says."""
    begin = f"model '{job.model.name}': "
    return error if str(error).startswith(begin) else FitError(begin + str(error))


def _shrunk(job: FitJob, net: nn.Module, shares: ShrinkSpec) -> nn.Module:
    """Take parts out of a checkpoint before it learns."""
    from bench.candidates.variants.shrink import shrink

    try:
        smaller: nn.Module = shrink(net, shares)[0]
    except UnsupportedError as error:
        raise FitError(f"model '{job.model.name}': {error}") from error
    return smaller


def _freeze_body(job: FitJob, net: nn.Module) -> None:
    """Let the head alone learn."""
    learning = 0
    for name, parameter in net.named_parameters():
        parameter.requires_grad_(name.startswith(HEAD_PREFIXES))
        learning += parameter.requires_grad
    if not learning:
        raise FitError(f"model '{job.model.name}': 'freeze: body' leaves nothing to learn; the model has no head")


def head_labels(job: FitJob) -> tuple[str, ...]:
    """Find the labels that the head learns, or a factory's `classify`; empty where labels are written as text.

    Raises:
        FitError: no single head can learn the tasks.
    """
    head = head_of_all(job.model, job.tasks)
    return () if head is None else head.labels


def _set_dropout(job: FitJob, module: nn.Module, share: float) -> None:
    """Set every dropout of a pretrained network, also those that attention keeps as plain numbers."""
    import torch

    changed = 0
    for part in module.modules():
        if isinstance(part, torch.nn.Dropout):
            part.p, changed = share, changed + 1
        for name in ("dropout", "attention_dropout", "activation_dropout"):
            if isinstance(getattr(part, name, None), float):
                setattr(part, name, share)
                changed += 1
    if not changed:
        raise FitError(f"model '{job.model.name}': the recipe sets 'dropout', and {type(module).__name__} has none")


def _texts(tasks: Sequence[FitTask]) -> list[str]:
    texts: dict[str, None] = {}
    for task in tasks:
        kind = KINDS[task.spec.kind]
        columns, examples = kind.columns, task.train.examples
        for example, text in zip(examples, kind.texts(task.template, examples), strict=True):
            texts[text] = None
            if kind.ability in HEADS:
                continue  # its answers are no texts
            texts[" " + str(columns.value(example))] = None
            texts[str(example.columns[columns.input])] = None
    return list(texts)
