"""`torch-module`: bring your own. `factory: "package.module:function"` returns an object with any of four
methods.

    classify(texts, labels) -> scores          one row per text, one score per label, higher is likelier; logits or
                                               log-probabilities where the task's metrics include ece
    choose(texts, choices) -> scores           one row per text, one score per choice of that text
    generate(texts, max_new_tokens) -> texts   one answer per text, a str without the prompt
    log_likelihood(texts) -> (nll, tokens)     a pair per text: its negative log-likelihood in nats (0 or more), summed
                                               over the whole text, and how many tokens were scored

Answers come in the order of the texts. Every answer is checked against this contract, and a breach names the method
and where it is written (`Contract`).

The object may also have `count_tokens(text) -> int`, and, where it is no `torch.nn.Module`, `parameters_count` and
`weights_bytes`, numbers or methods that return one; without them nobody knows how large the model is.

What it was trained on is not known either, unless it says so by `trained_on`: the texts, in a list or by a method.
Those that it is scored on too are then counted, and raise the doubt `train_overlap`.

Whatever a method raises fails the cell with the line of the user's file, and with the variant where there is one.

A factory that is a class, that says which class it returns (`def make() -> Mine:`), or that has an attribute
`abilities` (`make.abilities = ("classify",)`) is asked what it can do without being called.

An object that is a `torch.nn.Module` is moved to the device,
put into evaluation mode and has the variant applied. It can be trained with a `fit`: by its own
`training_loss(texts, references) -> loss`, or by the cross-entropy of the logits that `classify` returns. Time to
first token is not known for it: it returns whole texts.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, get_type_hints

from bench.candidates import variants
from bench.candidates.checkpoint import locate
from bench.candidates.contract import Contract
from bench.candidates.family import Family, Look
from bench.candidates.gradients import without_gradients
from bench.candidates.huggingface import count_bytes, count_parameters
from bench.candidates.interface import (
    Classified,
    Context,
    Decoding,
    Generated,
    ModelFacts,
    OnToken,
    PartialModel,
    Scored,
)
from bench.candidates.kept import load_key
from bench.candidates.learning import Batch, Learning, Setting
from bench.candidates.untyped import Network
from bench.errors import FitError, InputError, UnsupportedError
from bench.plugins import load_object
from bench.suite import ModelSpec, VariantSpec

if TYPE_CHECKING:
    import torch
    from torch import nn

ABILITIES = ("classify", "choose", "generate", "log_likelihood")


class TorchModule(PartialModel):
    """An object made by the user's factory."""

    def __init__(self, spec: ModelSpec, variant: VariantSpec, context: Context) -> None:
        factory = load_object(str(spec.factory))
        stated = stated_abilities(factory)
        if stated is not None and context.ability not in stated:
            raise UnsupportedError(
                f"model '{spec.name}': '{spec.factory}' makes models with {', '.join(sorted(stated)) or 'no ability'}, "
                f"and the task needs '{context.ability}'"
            )
        key = load_key(TorchModule, spec, variant, context.device)

        def load() -> tuple[Network, variants.Note]:
            return _made(factory, spec, variant, context)

        self.inner, self.reach = load() if context.kept is None else context.kept.obtain(key, load)
        self.abilities = abilities_of(self.inner)
        self.spec, self.variant, self.context = spec, variant, context
        self.device = context.device

    def _asked(self, method: str, texts: Sequence[str], *arguments: object) -> tuple[Contract, list[object]]:
        """Call a method of the user's, and check that it gave one answer to each text."""
        function = getattr(self.inner, method)
        contract = Contract.of(self.spec.name, function)
        form = "" if self.variant == VariantSpec() else self.variant.label
        if not texts:  # nothing is asked of a model of one's own that has nothing to answer
            return contract, []
        return contract, contract.rows(contract.call(function, list(texts), *arguments, form=form), len(texts))

    @without_gradients
    def classify(self, texts: Sequence[str]) -> list[Classified]:
        """Ask for the user's scores of every label."""
        labels = self.context.labels
        contract, rows = self._asked("classify", texts, list(labels))
        return [
            Classified(contract.scores(row, len(labels), "label"), self._tokens(text))
            for row, text in zip(rows, texts, strict=True)
        ]

    @without_gradients
    def choose(self, texts: Sequence[str], choices: Sequence[Sequence[str]]) -> list[Classified]:
        """Ask for the user's scores of each text's own choices."""
        contract, rows = self._asked("choose", texts, [list(own) for own in choices])
        return [
            Classified(contract.scores(row, len(own), "choice"), self._tokens(text))
            for row, text, own in zip(rows, texts, choices, strict=True)
        ]

    @without_gradients
    def generate(self, texts: Sequence[str], decoding: Decoding, on_token: OnToken | None = None) -> list[Generated]:
        """Ask for the user's texts; `on_token` is never called."""
        contract, rows = self._asked("generate", texts, decoding.max_new_tokens)
        answers = []
        for place, (row, text) in enumerate(zip(rows, texts, strict=True)):
            answer = contract.text(row)
            tokens = self._tokens(answer)
            contract.within(tokens, decoding.most_tokens, place)
            answers.append(Generated(answer, self._tokens(text), tokens))
        return answers

    @without_gradients
    def log_likelihood(self, texts: Sequence[str]) -> list[Scored]:
        """Ask for the user's likelihoods, which must cover the whole text."""
        contract, rows = self._asked("log_likelihood", texts)
        answers = []
        for place, (row, text) in enumerate(zip(rows, texts, strict=True)):
            nats, tokens = contract.likelihood(row, place)
            answers.append(Scored(nats, tokens, len(text.encode()), self._tokens(text)))
        return answers

    def _tokens(self, text: str) -> int:
        count = getattr(self.inner, "count_tokens", None)
        if count is None:
            return 0
        contract = Contract.of(self.spec.name, count)
        return contract.count(contract.call(count, text))

    def length(self, text: str) -> int:
        """Count the tokens of `text` where the object counts them, else its characters."""
        return self._tokens(text) or len(text)

    def facts(self) -> ModelFacts:
        """Count the parameters of a `torch.nn.Module`; of any other object, take what it states of itself."""
        import torch

        notes = dict(self.reach)
        if isinstance(self.inner, torch.nn.Module):
            parameters, weights = count_parameters(self.inner), count_bytes(self.inner)
            return ModelFacts(parameters, weights, self.variant.dtype, module=self.inner, notes=notes)
        return ModelFacts(
            self._stated("parameters_count"),
            self._stated("weights_bytes"),
            self.variant.dtype,
            uncounted=f"{type(self.inner).__name__} is no torch.nn.Module, whose weights could be counted; give it "
            "'parameters_count' and 'weights_bytes'",
            notes=notes,
        )

    def learnt_of(self, texts: Sequence[str]) -> int | None:
        """Count how many of some texts are among those that the object says it was trained on; None where it does not
        say."""
        stated: object = getattr(self.inner, "trained_on", None)
        if stated is None:
            return None
        learnt = set(Contract.of(self.spec.name, stated, "trained_on").texts(stated() if callable(stated) else stated))
        return sum(text in learnt for text in texts)

    def _stated(self, name: str) -> int | None:
        value: object = getattr(self.inner, name, None)
        if value is None:
            return None
        return Contract.of(self.spec.name, value, name).count(value() if callable(value) else value)


def abilities_of(model: object) -> frozenset[str]:
    """List the methods that an object has, or that the objects of a class will have."""
    return frozenset(name for name in ABILITIES if callable(getattr(model, name, None)))


def stated_abilities(factory: Callable[..., object]) -> frozenset[str] | None:
    """Tell what a factory's models can do, without calling it; None where it does not say."""
    stated: object = getattr(factory, "abilities", None)
    if isinstance(stated, (tuple, list, set, frozenset)):
        return frozenset(map(str, stated))
    if inspect.isclass(factory):
        return abilities_of(factory) or None
    try:
        made: object = get_type_hints(factory).get("return")
    except (NameError, TypeError, AttributeError):  # an annotation that cannot be evaluated says nothing
        return None
    return abilities_of(made) or None


def _made(
    factory: Callable[..., object], spec: ModelSpec, variant: VariantSpec, context: Context
) -> tuple[Network, variants.Note]:
    """Call the user's factory, and put what it makes into the variant's form.

    Raises:
        InputError: it made something without any of the methods.
        UnsupportedError: it made no module, and the variant needs one.
    """
    import torch

    inner: Network = factory(**spec.options)
    if not abilities_of(inner):
        raise InputError(
            f"model '{spec.name}': what '{spec.factory}' returned ({type(inner).__name__}) has none of the methods "
            f"{', '.join(ABILITIES)}; add the one that the task needs"
        )
    if spec.checkpoint is not None:
        _load_weights(spec, inner)
    if isinstance(inner, torch.nn.Module):
        inner = inner.to(context.device, variants.torch_dtype(variant)).eval()
        return variants.apply(inner, variant, context.device)
    if variant.label != "float32":
        raise UnsupportedError(f"variant '{variant.label}' needs a torch.nn.Module; the factory made none")
    return inner, {}


def _load_weights(spec: ModelSpec, inner: Network) -> None:
    """Load `model.safetensors` of the checkpoint's folder into the module.

    Raises:
        InputError: there is no such file, or its weights are not those of the module.
    """
    import torch
    from safetensors.torch import load_model

    folder = locate(str(spec.checkpoint), Path()).folder
    path = None if folder is None else folder / "model.safetensors"
    if path is None or not path.is_file() or not isinstance(inner, torch.nn.Module):
        raise InputError(f"model '{spec.name}': a torch-module's checkpoint is a folder with a model.safetensors")
    try:
        load_model(inner, str(path))
    except RuntimeError as error:
        raise InputError(f"model '{spec.name}': {path} does not fit what '{spec.factory}' returns: {error}") from error


class TorchModuleLearning(Learning):
    """By the loss that the module defines itself, or by the cross-entropy of what its `classify` returns."""

    from_factory = True

    def factory(self, spec: ModelSpec, *, labelled: bool, taught: bool) -> nn.Module:
        """Call the user's factory and check that what it returns can be trained."""
        import torch

        module: object = load_object(str(spec.factory))(**spec.options)
        if not isinstance(module, torch.nn.Module):
            raise FitError(f"model '{spec.name}': only a torch.nn.Module can be trained, not {type(module).__name__}")
        own = self.has_own_loss(module)
        if not own and not (labelled and hasattr(module, "classify")):
            raise FitError(
                f"model '{spec.name}': {type(module).__name__} has no 'training_loss(texts, references)', which its "
                "tasks need; add it, or name only classification tasks in the recipe and give it 'classify'"
            )
        if own and taught:
            raise FitError(f"model '{spec.name}': a module with a 'training_loss' of its own has no use for a teacher")
        return module

    def has_own_loss(self, net: nn.Module) -> bool:
        """Tell whether the module has a `training_loss`."""
        return hasattr(net, "training_loss")

    def own_loss(self, net: Network, batch: Batch) -> torch.Tensor | None:
        """Compute the module's `training_loss` where it has one."""
        if not self.has_own_loss(net):
            return None
        import torch

        loss: object = net.training_loss(batch["texts"], batch["answers"])
        if isinstance(loss, torch.Tensor) and loss.numel() == 1 and (loss.requires_grad or not torch.is_grad_enabled()):
            return loss
        gave = f"a {type(loss).__name__}"
        if isinstance(loss, torch.Tensor):
            gave = "one without a gradient" if loss.numel() == 1 else f"a tensor of shape {tuple(loss.shape)}"
        raise FitError(
            f"'training_loss' of the factory's module gave {gave}; return the mean loss of the texts, a tensor of one "
            "number that carries a gradient"
        )

    def logits(self, net: Network, batch: Batch, setting: Setting) -> tuple[torch.Tensor, torch.Tensor]:
        """Ask the module for the logits of every label, and check that they can be learnt from."""
        import torch

        logits = net.classify(batch["texts"], list(setting.labels))
        expected = (batch["examples"], len(setting.labels))
        if not isinstance(logits, torch.Tensor) or (setting.training and not logits.requires_grad):
            raise FitError(
                "the factory's module must return logits that carry a gradient from 'classify', or have a method "
                "'training_loss(texts, references)'; wrap neither in no_grad"
            )
        if tuple(logits.shape) != expected:
            raise FitError(f"'classify' gave logits of shape {tuple(logits.shape)} instead of {expected}")
        return logits, batch["target"].squeeze(1)


class TorchModuleFamily(Family):
    """Bring your own."""

    name = "torch-module"
    summary = "bring your own: an object that a factory of yours makes, a torch.nn.Module or not"
    title = "own module"
    abilities = frozenset(ABILITIES)
    scorings = {"classify": ("head", "generated"), "choose": ("likelihood", "likelihood-per-byte")}
    style = "plain"
    needs = ("factory",)
    keys = frozenset({"factory", "options", "stateless", "system", "shots", "answer"})
    code_is_weights = True
    look = Look("#56B4E9", "#7CCBF5", "v", "triangle-down")
    learning = TorchModuleLearning()

    def shares(self, spec: ModelSpec) -> bool:
        """Share the object where its owner says that it remembers nothing from one task to the next."""
        return spec.stateless

    def load(self, spec: ModelSpec, variant: VariantSpec, context: Context) -> TorchModule:
        """Call the factory and wrap what it returns."""
        return TorchModule(spec, variant, context)
