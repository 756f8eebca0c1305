"""Every breach of an own model's contract names the method and the line of the user's file."""

from __future__ import annotations

import re

import numpy as np
import pytest
import torch

from bench.candidates.families.torch_module import TorchModule, stated_abilities
from bench.candidates.interface import Context, Decoding
from bench.errors import AdmissionError, UnsupportedError
from bench.suite import ModelSpec, VariantSpec

ANSWER: dict[str, object] = {}
BUILT: list[int] = []


class Mine:
    def classify(self, texts, labels):
        return ANSWER["value"]

    def choose(self, texts, choices):
        return ANSWER["value"]

    def generate(self, texts, max_new_tokens):
        return ANSWER["value"]

    def log_likelihood(self, texts):
        return ANSWER["value"]


class Stated(Mine):
    parameters_count = 7

    def weights_bytes(self):
        return 28


class Generator:
    def generate(self, texts, max_new_tokens):
        return texts


def annotated() -> Generator:
    BUILT.append(1)
    return Generator()


def plain():
    return Mine()


def model_of(factory, ability="classify", labels=("a", "b")):
    spec = ModelSpec(name="own", family="torch-module", factory=f"{__name__}:{factory}")
    return TorchModule(spec, VariantSpec(), Context("cpu", ability, labels))


CALLS = {
    "classify": lambda model: model.classify(["x", "y"]),
    "choose": lambda model: model.choose(["x", "y"], [["a", "b"], ["c", "d"]]),
    "generate": lambda model: model.generate(["x", "y"], Decoding()),
    "log_likelihood": lambda model: model.log_likelihood(["x", "y"]),
}
ROWS = [[0.1, 0.2], [0.3, 0.4]]


@pytest.mark.parametrize(
    ("method", "value", "why"),
    [
        ("classify", None, "instead of a list"),
        ("classify", [[0.1, 0.2]], "1 answers to 2 texts"),
        ("classify", [[0.1], [0.2]], "1 scores for 2 labels"),
        ("classify", [0.1, 0.2], "instead of a row"),
        ("classify", [["a", "b"]] * 2, "give a number"),
        ("classify", [[float("nan"), 0.0]] * 2, "gave nan as a score"),
        ("choose", [[0.1, 0.2, 0.3]] * 2, "3 scores for 2 choices"),
        ("generate", ["x", None], "instead of a text"),
        ("generate", "xy", "instead of a list"),
        ("log_likelihood", [(-5.0, 3), (1.0, 3)], "gave -5 nats for text 1.*sign turned"),
        ("log_likelihood", [(5.0, 3), (-1.0, 3)], "nats for text 2"),
        ("log_likelihood", [5.0, 3.0], "instead of a pair"),
        ("log_likelihood", [(5.0, 1.5)] * 2, "as a count"),
        ("log_likelihood", [(5.0, -1)] * 2, "as a count"),
    ],
)
def test_a_breach_names_the_method_and_its_line(method, value, why):
    ANSWER["value"] = value
    line = getattr(Mine, method).__code__.co_firstlineno
    with pytest.raises(AdmissionError, match=rf"model 'own': {method} \({re.escape(__file__)}:{line}\) .*{why}"):
        CALLS[method](model_of("plain"))


class Counting(Mine):
    def generate(self, texts, max_new_tokens):
        return ["word " * (max_new_tokens + ANSWER["more"])] * len(texts)

    def count_tokens(self, text):
        return ANSWER.get("count") or len(text.split())


def test_an_answer_longer_than_was_asked_for_is_a_breach():
    line = Counting.generate.__code__.co_firstlineno
    ANSWER.update(more=4, count=None)  # special tokens
    assert model_of("Counting").generate(["x"], Decoding(8))[0].output_tokens == 12
    ANSWER.update(more=5)
    shortened = Decoding(8, task_tokens=9)  # as admission asks: what a model writes then does not count
    assert model_of("Counting").generate(["x"], shortened)[0].output_tokens == 13
    says = rf"generate \({re.escape(__file__)}:{line}\) gave 13 tokens for text 1.*max_new_tokens is 8"
    with pytest.raises(AdmissionError, match=says):
        model_of("Counting").generate(["x"], Decoding(8))


@pytest.mark.parametrize("count", [2**63, 2**70, 10**5000], ids=["limit", "large", "unprintable"])
def test_a_count_that_nothing_can_store_is_a_breach(count):
    ANSWER.update(more=0, count=count)
    line = Counting.count_tokens.__code__.co_firstlineno
    with pytest.raises(AdmissionError, match=rf"count_tokens \({re.escape(__file__)}:{line}\) gave a count of 2⁶³"):
        model_of("Counting").length("x")


@pytest.mark.parametrize("value", [ROWS, np.array(ROWS), torch.tensor(ROWS), [torch.tensor(row) for row in ROWS]])
def test_lists_arrays_and_tensors_are_answers(value):
    ANSWER["value"] = value
    answers = CALLS["classify"](model_of("plain"))
    assert np.allclose([answer.scores for answer in answers], ROWS)


def test_a_size_is_unknown_until_it_is_stated():
    unknown, stated = model_of("plain").facts(), model_of("Stated").facts()
    assert (unknown.parameters, unknown.weights_bytes) == (None, None)
    assert "parameters_count" in unknown.uncounted
    assert (stated.parameters, stated.weights_bytes) == (7, 28)


def test_what_a_factory_can_do_is_known_without_building():
    assert stated_abilities(Generator) == stated_abilities(annotated) == {"generate"}
    assert stated_abilities(plain) is None
    with pytest.raises(UnsupportedError, match="makes models with generate"):
        model_of("annotated")
    assert not BUILT
