"""`torch-module`: bring your own. `factory: "package.module:function"` returns an object with any of four
methods.

    classify(texts, labels) -> scores          one row per text, one score per label, higher is likelier; logits or
                                               log-probabilities where the task's metrics include ece
    choose(texts, choices) -> scores           one row per text, one score per choice of that text
    generate(texts, max_new_tokens) -> texts   one answer per text
    log_likelihood(texts) -> (nll, tokens)     nats and number of scored tokens, per text

and, if it likes, `count_tokens(text) -> int`. An object that is a `torch.nn.Module` is moved to the device,
put into evaluation mode and has the variant applied. It can be trained with a `fit`: by its own
`training_loss(texts, references) -> loss`, or by the cross-entropy of the logits that `classify` returns. Time to
first token is not known for it: it returns whole texts.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from bench.candidates import variants
from bench.candidates.checkpoint import locate
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
        import torch

        inner: Network = load_object(str(spec.factory))(**spec.options)
        self.abilities = frozenset(name for name in ABILITIES if callable(getattr(inner, name, None)))
        if not self.abilities:
            raise InputError(
                f"model '{spec.name}': what '{spec.factory}' returned ({type(inner).__name__}) has none of the methods "
                f"{', '.join(ABILITIES)}; add the one that the task needs"
            )
        if spec.checkpoint is not None:
            _load_weights(spec, inner)
        if isinstance(inner, torch.nn.Module):
            inner = variants.apply(
                inner.to(context.device, variants.torch_dtype(variant)).eval(), variant, context.device
            )
        elif variant.label != "float32":
            raise UnsupportedError(f"variant '{variant.label}' needs a torch.nn.Module; the factory made none")
        self.spec, self.variant, self.context, self.inner = spec, variant, context, inner
        self.device = context.device

    def _answers(self, method: str, texts: Sequence[str], *arguments: object) -> list[Network]:
        import torch

        answers = getattr(self.inner, method)(list(texts), *arguments)
        rows = answers.tolist() if isinstance(answers, torch.Tensor) else list(answers)
        if len(rows) != len(texts):
            raise InputError(f"model '{self.spec.name}': {method} gave {len(rows)} answers to {len(texts)} texts")
        return rows

    @without_gradients
    def classify(self, texts: Sequence[str]) -> list[Classified]:
        """Ask for the user's scores of every label."""
        labels = self.context.labels
        answers = []
        for row, text in zip(self._answers("classify", texts, list(labels)), texts, strict=True):
            scores = tuple(float(score) for score in row)
            if len(scores) != len(labels):
                raise InputError(f"model '{self.spec.name}': {len(scores)} scores for {len(labels)} labels")
            answers.append(Classified(scores, self._tokens(text)))
        return answers

    @without_gradients
    def choose(self, texts: Sequence[str], choices: Sequence[Sequence[str]]) -> list[Classified]:
        """Ask for the user's scores of each text's own choices."""
        answers = []
        rows = self._answers("choose", texts, [list(own) for own in choices])
        for row, text, own in zip(rows, texts, choices, strict=True):
            scores = tuple(float(score) for score in row)
            if len(scores) != len(own):
                raise InputError(f"model '{self.spec.name}': {len(scores)} scores for {len(own)} choices")
            answers.append(Classified(scores, self._tokens(text)))
        return answers

    @without_gradients
    def generate(self, texts: Sequence[str], decoding: Decoding, on_token: OnToken | None = None) -> list[Generated]:
        """Ask for the user's texts; `on_token` is never called."""
        answers = self._answers("generate", texts, decoding.max_new_tokens)
        return [
            Generated(str(answer), self._tokens(text), self._tokens(str(answer)))
            for answer, text in zip(answers, texts, strict=True)
        ]

    @without_gradients
    def log_likelihood(self, texts: Sequence[str]) -> list[Scored]:
        """Ask for the user's likelihoods, which must cover the whole text."""
        pairs = self._answers("log_likelihood", texts)
        return [
            Scored(float(nll), int(tokens), len(text.encode()), self._tokens(text))
            for (nll, tokens), text in zip(pairs, texts, strict=True)
        ]

    def _tokens(self, text: str) -> int:
        count = getattr(self.inner, "count_tokens", None)
        return int(count(text)) if count is not None else 0

    def length(self, text: str) -> int:
        """Count the tokens of `text` where the object counts them, else its characters."""
        return self._tokens(text) or len(text)

    def facts(self) -> ModelFacts:
        """Count the parameters for a `torch.nn.Module`, zeros for any other object."""
        import torch

        if not isinstance(self.inner, torch.nn.Module):
            return ModelFacts(0, 0, self.variant.dtype)
        return ModelFacts(count_parameters(self.inner), count_bytes(self.inner), self.variant.dtype, module=self.inner)


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
        loss: torch.Tensor = net.training_loss(batch["texts"], batch["answers"])
        return loss

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
    keys = frozenset({"factory", "options"})
    code_is_weights = True
    look = Look("#56B4E9", "#7CCBF5", "v", "triangle-down")
    learning = TorchModuleLearning()

    def load(self, spec: ModelSpec, variant: VariantSpec, context: Context) -> TorchModule:
        """Call the factory and wrap what it returns."""
        return TorchModule(spec, variant, context)
