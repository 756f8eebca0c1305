"""Admits one loaded model to one task: its parts, its words, then the proof of its fast path."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

from bench.admission.earlier import Verdict, find
from bench.admission.reading import check_reading
from bench.admission.reference import (
    AHEAD_TOKENS,
    Asked,
    Generates,
    LeftToRight,
    Proof,
    ask_plainly,
    chosen,
    compare_scored,
    prove,
    with_texts,
)
from bench.admission.vocabulary import Unknown, check_words
from bench.candidates.failures import PATH_ERRORS, shown
from bench.candidates.interface import Executed, HasPlainPath, check_parts, engine_of, falls_back_to
from bench.candidates.variants.rounding import exactly, rounds
from bench.errors import AdmissionError, is_out_of_memory
from bench.measure.audit import COARSE_TOLERANCE
from bench.record import Proved, Sample
from bench.tasks.base import Workload

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Admission:
    """What admission found of a model that passed."""

    words: Unknown
    verdict: Verdict
    key: str | None = None
    """What must be equal for the proof to be taken over (`bench.admission.earlier`); None where that is not known."""
    earlier: Proved | None = None
    """The process that proved it; None where this one did."""
    seconds: float = 0.0
    """What it took."""
    asked: Asked | None = None
    """Answers of the plain path that the scored ones must agree with; None where an earlier proof was taken over."""
    waits: bool = False
    """Whether the scoring's answers are the proof (`settle`): those of a slow model are not made twice."""

    @property
    def left(self) -> str | None:
        """Tell why the fast path was left for the plain one; None where it was kept, or the model has only one."""
        return self.verdict.left

    def note(self) -> dict[str, object]:
        """Describe it for the record, from which the doubts read."""
        return {
            **self.verdict.note(),
            "unknown_tokens": self.words.unknown,
            "tokens": self.words.tokens,
            "key": self.key,
            "proved_in": None if self.earlier is None else self.earlier.note.get("proved_in") or self.earlier.run,
            "proved_at": None if self.earlier is None else self.earlier.note.get("proved_at") or self.earlier.at,
        }


def admit(
    name: str,
    model: object,
    workload: Workload,
    dtype: str,
    texts: Sequence[str],
    key: str | None = None,
    proved: Sequence[Proved] = (),
    batches: Callable[[], Sequence[Sequence[int]]] = tuple,
) -> Admission:
    """Check a loaded model on a task's inputs; where its fast path is wrong, put it on the plain one.

    Args:
        name: of the model in the suite, for messages.
        model: the loaded model.
        workload: the task bound to it.
        dtype: of its weights.
        texts: the task's inputs.
        key: what must be equal for an earlier proof to count.
        proved: earlier ones.
        batches: gives the examples as they will be scored together, the longest of each first.

    Raises:
        AdmissionError: its tokenizer does not know the inputs' words, or it reads what follows.
        EnvironmentLackError: its parts do not belong together.
        Exception: whatever the plain path raises.
    """
    begun = time.perf_counter()
    check_parts(model)
    words = check_words(name, model, texts)
    check_reading(name, model, [max(texts, key=len), *texts] if texts else [])
    found = find(key, proved)
    asked, waits, rounded = None, False, rounds(model)
    if found is None:
        with exactly(model):
            _refuse_reading_ahead(name, model, workload, texts)
            may_wait = _may_wait(model, workload, rounded=rounded)
            asked = ask_plainly(workload, model, batches, may_wait=may_wait)
            waits = asked.is_slow and may_wait
            verdict = Verdict(0, 0, None, None) if waits else _proved(asked, model, dtype)
    else:
        verdict = found[1]
    if verdict.left is not None and (path := falls_back_to(model)) is not None:
        path.plain = True
    if isinstance(model, Executed):
        model.let_go()
        _refuse_other_answers(name, model, verdict)
    comparable = verdict.left is None and not verdict.differing and not rounded
    earlier = None if found is None else found[0]
    seconds = time.perf_counter() - begun
    return Admission(words, verdict, key, earlier, seconds, asked if comparable else None, waits)


def settle(admission: Admission, model: object, scored: Sequence[Sample], dtype: str) -> Admission:
    """Finish the proof of a slow model by the answers that its scoring gave.

    Where there are none, the proof is made as for any other model. So it is for a model of the user's that has one path
    alone and gave other answers: it shows whether batches change them, or they went to other examples.

    Args:
        admission: what is known so far.
        model: the loaded model; put on its plain path where its fast one is wrong.
        scored: the scoring's answers.
        dtype: of its weights.
    """
    begun, asked = time.perf_counter(), admission.asked
    if asked is None or not admission.waits:
        return admission
    shown = None if is_plain(model) else compare_scored(asked, model, scored, dtype)
    if shown is not None and (shown.holds or falls_back_to(model) is not None):
        verdict = _verdict(shown, model)
    else:
        asked = with_texts(asked, model)
        verdict = _proved(asked, model, dtype)
    if verdict.left is not None and (path := falls_back_to(model)) is not None:
        path.plain = True
    comparable = verdict.left is None and not verdict.differing
    seconds = admission.seconds + time.perf_counter() - begun
    return replace(admission, verdict=verdict, seconds=seconds, asked=asked if comparable else None, waits=False)


def _may_wait(model: object, workload: Workload, *, rounded: bool) -> bool:
    """Tell whether the scoring's answers can be compared: exact ones of the fast path, texts that can be replayed; not
    those of another runtime, whose plain path lets go of its weights before the scoring."""
    replays = not isinstance(workload, Generates) or workload.replays
    return replays and not rounded and not is_plain(model) and engine_of(model) is None


def is_plain(model: object) -> bool:
    """Tell whether a model has left its fast path."""
    return isinstance(model, HasPlainPath) and model.plain


def _proved(asked: Asked, model: object, dtype: str) -> Verdict:
    """Prove the fast path, with why it is to be left where it is."""
    try:
        return _verdict(prove(asked, model, dtype), model)
    except PATH_ERRORS as error:
        if is_out_of_memory(error) or falls_back_to(model) is None:
            raise
        return Verdict(0, 0, None, f"the fast path raised {shown(error)}")


def _verdict(proof: Proof, model: object) -> Verdict:
    differing, left = len(proof.differing), None
    if differing and falls_back_to(model) is not None:
        left = f"{differing} of {proof.compared} answers differ from the plain path's"
    return Verdict(proof.compared, differing, proof.largest, left)


def check_scored(name: str, admission: Admission, samples: Sequence[Sample], dtype: str) -> None:
    """Refuse a scoring that gave other answers than the plain path did while the model was admitted.

    Texts were generated shorter then, and are left to the audit of what is timed.

    Raises:
        AdmissionError: answers went to other examples, or a batch changed them.
    """
    if admission.asked is None:
        return
    scored = {sample.index for sample in samples}
    answers = [one for one in admission.asked.answers if one.row.index in scored and one.is_number]
    asked = replace(admission.asked, answers=tuple(answers), watched=())
    proof = compare_scored(asked, None, samples, dtype)
    if proof is not None and not proof.holds:
        first = next(one.row.example_id for one in answers if one.row.index == proof.differing[0])
        raise AdmissionError(
            f"model '{name}': {len(proof.differing)} of {len(answers)} answers that were looked at are other ones than "
            f"those of the plain path (example {first!r} first), though batches were shown to change nothing; see that "
            "a model of your own gives its answers in the order of the texts, in any batch, and report any other"
        )


def on_working_path(model: object, work: Callable[[], T]) -> T:
    """Do the first work with a model, on the plain path where the fast one raises; admission then says so.

    Raises:
        Exception: whatever the plain path raises.
    """
    try:
        return work()
    except PATH_ERRORS as error:
        path = falls_back_to(model)
        if is_out_of_memory(error) or path is None or path.plain:
            raise
        path.plain = True
        return work()


def _refuse_other_answers(name: str, model: object, verdict: Verdict) -> None:
    """Refuse a converted network that, in the same precision, answers otherwise than torch.

    Raises:
        AdmissionError: it does.
    """
    engine = engine_of(model)
    if engine is None or engine.rounds or not verdict.differing:
        return
    raise AdmissionError(
        f"model '{name}': under '{engine.artifact.runtime}' {verdict.differing} of {verdict.compared} answers differ "
        f"from those of torch with the same weights, scores by up to {verdict.largest or 0:.3g}, which is more than "
        "rounding; its conversion is wrong: leave this runtime out for this model, and report it"
    )


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
