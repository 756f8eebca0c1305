"""Admits one loaded model to one task: its words, then the proof of its fast path."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from bench.admission.reference import AHEAD_TOKENS, HasPlainPath, LeftToRight, Proof, chosen, prove
from bench.admission.vocabulary import Unknown, check_words
from bench.candidates.failures import PATH_ERRORS, shown
from bench.errors import AdmissionError, is_out_of_memory
from bench.measure.audit import COARSE_TOLERANCE
from bench.tasks.base import Workload

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Admission:
    """What admission found of a model that passed."""

    words: Unknown
    proof: Proof | None
    """None where the fast path raised."""
    left: str | None
    """Why the fast path was left for the plain one; None where it was kept, or the model has only one."""

    seconds: float = 0.0
    """What it took."""

    def note(self) -> dict[str, object]:
        """Describe it for the record, from which the doubts read."""
        return {
            "compared": 0 if self.proof is None else self.proof.compared,
            "largest_difference": None if self.proof is None else self.proof.largest,
            "fast_path_left": self.left,
            "differing": 0 if self.proof is None else len(self.proof.differing),
            "unknown_tokens": self.words.unknown,
            "tokens": self.words.tokens,
        }


def admit(name: str, model: object, workload: Workload, dtype: str, texts: Sequence[str]) -> Admission:
    """Check a loaded model on a task's inputs; where its fast path is wrong, put it on the plain one.

    Args:
        name: of the model in the suite, for messages.
        model: the loaded model.
        workload: the task bound to it.
        dtype: of its weights.
        texts: the task's inputs.

    Raises:
        AdmissionError: its tokenizer does not know the inputs' words.
        Exception: whatever the plain path raises.
    """
    begun = time.perf_counter()
    words = check_words(name, model, texts)
    _refuse_reading_ahead(name, model, workload, texts)
    proof, left = _proved(model, workload, dtype)
    if left is not None and isinstance(model, HasPlainPath):
        model.plain = True
    return Admission(words, proof, left, time.perf_counter() - begun)


def _proved(model: object, workload: Workload, dtype: str) -> tuple[Proof | None, str | None]:
    """Prove the fast path; with the proof why it is to be left, where it is."""
    try:
        proof = prove(workload, model, dtype)
    except PATH_ERRORS as error:
        if is_out_of_memory(error) or not isinstance(model, HasPlainPath):
            raise
        return None, f"the fast path raised {shown(error)}"
    if proof.holds or not isinstance(model, HasPlainPath):
        return proof, None
    return proof, f"{len(proof.differing)} of {proof.compared} answers differ from the plain path's"


def on_working_path(model: object, work: Callable[[], T]) -> T:
    """Do the first work with a model, on the plain path where the fast one raises; admission then says so.

    Raises:
        Exception: whatever the plain path raises.
    """
    try:
        return work()
    except PATH_ERRORS as error:
        if is_out_of_memory(error) or not isinstance(model, HasPlainPath) or model.plain:
            raise
        model.plain = True
        return work()


def _refuse_reading_ahead(name: str, model: object, workload: Workload, texts: Sequence[str]) -> None:
    if not isinstance(model, LeftToRight) or not texts:
        return
    text = texts[chosen(workload)[-1]]
    change = model.reads_ahead(text, AHEAD_TOKENS)
    if change > COARSE_TOLERANCE:
        raise AdmissionError(
            f"model '{name}': what follows a token changes its prediction (by {change:.3g} logits), so that its "
            "likelihoods are not those of a text read from left to right; take a causal model, or mend its mask"
        )
