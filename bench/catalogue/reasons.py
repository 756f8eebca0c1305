"""Why a value or its interval is missing, or what qualifies it: a code for programs, and a sentence made from it.

Programs compare codes alone. The sentences may be reworded freely: nothing reads them, but for `recognised`, which
knows the wording of rows that were stored before codes were.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class ReasonCode(StrEnum):
    """Kinds of reasons. The values are stored."""

    TOO_FEW = "too_few"
    """An interval exists in principle, but not at this n."""
    UNDEFINED_ON_RESAMPLES = "undefined_on_resamples"
    """The metric has no value on some resamples, so there is no interval."""
    UNDEFINED = "undefined"
    """The metric has no value on these examples, or there are none."""
    IMPOSSIBLE = "impossible"
    """What was computed lies outside the range that is declared, so that it is not shown."""
    MEASURING_OFF = "measuring_off"
    NOT_MEASURED = "not_measured"
    """Nobody measured it, and nobody said why."""
    NO_VALUES = "no_values"
    """The pass that would give it did not finish, or has none of it."""
    CELL_ENDED = "cell_ended"
    """The cell did not end well."""
    PART_MISSING = "part_missing"
    """It is computed from readings of which one is missing."""
    NOT_COMPUTED = "not_computed"
    """The metric raised, or is out of reach where the run is read."""
    RAW_GONE = "raw_gone"
    """The raw timings and answers were removed."""
    NO_NOISE_KNOWN = "no_noise_known"
    """There is a value, and no way to tell how much it varies: a peak, one training."""
    BOUNDS = "bounds"
    """The interval is the bounds of an estimate."""
    LOOSE = "loose"
    """The interval is there, and covers somewhat more or less than it says."""
    ONE_PROCESS = "one_process"
    """One process was measured: how much another would differ is not known, and in no interval."""
    FROM_SOURCE = "from_source"
    """What the source of the value (a meter, a pass) said of it."""


@dataclass(frozen=True, slots=True)
class Reason:
    """One reason. Shown as its sentence."""

    code: ReasonCode
    sentence: str

    def __str__(self) -> str:
        """Show the sentence."""
        return self.sentence

    @property
    def knows_no_other_process(self) -> bool:
        """Tell whether how much the value differs from process to process is not known."""
        return self.code is ReasonCode.ONE_PROCESS

    @property
    def settles_nothing(self) -> bool:
        """Tell whether the value lacks an interval that more or other observations would give it."""
        return self.code in (ReasonCode.TOO_FEW, ReasonCode.UNDEFINED_ON_RESAMPLES)


def sentence_of(reason: Reason | None) -> str | None:
    """Write a reason as a sentence, for display only."""
    return None if reason is None else reason.sentence


MEASURING_OFF = Reason(ReasonCode.MEASURING_OFF, "not measured: measuring was off")
NOT_MEASURED = Reason(ReasonCode.NOT_MEASURED, "not measured")
NOTHING_SCORED = Reason(ReasonCode.UNDEFINED, "no examples were scored")
UNDEFINED_HERE = Reason(ReasonCode.UNDEFINED, "undefined on these examples")
UNDEFINED_ON_RESAMPLES = Reason(
    ReasonCode.UNDEFINED_ON_RESAMPLES, "undefined on some resamples, so there is no interval"
)
NO_TOKENS = Reason(ReasonCode.NO_VALUES, "no tokens were counted")
ESTIMATE_BOUNDS = Reason(ReasonCode.BOUNDS, "the interval is the estimate's bounds")
ONE_TRAINING = Reason(ReasonCode.NO_NOISE_KNOWN, "one training: how much it varies between trainings is not known")
A_PEAK = Reason(ReasonCode.NO_NOISE_KNOWN, "a peak has no interval; the highest of the processes is shown")
ONE_PROCESS = Reason(ReasonCode.ONE_PROCESS, "one process: how much it varies between processes is not known")

_TOO_FEW = "n too small for an interval"


def too_few(n: int, what: str, needed: int) -> Reason:
    """Say that an interval needs more observations.

    >>> too_few(30, "requests", 72).sentence
    'n too small for an interval: 30 requests, 72 needed'
    """
    return Reason(ReasonCode.TOO_FEW, f"{_TOO_FEW}: {n} {what}, {needed} needed")


def too_few_clusters(requests: int, needed: int) -> Reason:
    """Say that an interval of token gaps needs more requests: enough of them, or such as differ less."""
    few = requests < needed
    why = f"{needed} or more needed, as the gaps of one are alike" if few else "their gaps are alike"
    return Reason(ReasonCode.TOO_FEW, f"{_TOO_FEW}: {requests} requests, {why}")


def all_alike(n: int) -> Reason:
    """Say that equal observations of something without bounds tell nothing of the next one."""
    return Reason(ReasonCode.TOO_FEW, f"all {n} observations are alike: how much they vary is not known")


def all_equal(n: int, what: str) -> Reason:
    """Say that equal readings have no interval: their clock or counter is coarser than they vary."""
    return Reason(ReasonCode.NO_NOISE_KNOWN, f"all {n} {what} read the same: how much it varies is not known")


def too_few_dependent(n: int, needed: int) -> Reason:
    """Say that an interval needs more requests, since each depends on those before."""
    return Reason(
        ReasonCode.TOO_FEW,
        f"{_TOO_FEW}: {n} requests that depend on those before are worth fewer than the {needed} that are needed",
    )


def too_few_have_it(n: int, needed: int) -> Reason:
    """Say that enough requests were sent, but that too few of them have the time in question."""
    return Reason(ReasonCode.TOO_FEW, f"{_TOO_FEW}: fewer than {needed} of {n} requests have such a time")


def failures_cluster(failed: int, n: int, batches: int) -> Reason:
    """Say that requests failed in so close a row that the quantile is infinite in a part of them."""
    return Reason(
        ReasonCode.UNDEFINED_ON_RESAMPLES,
        f"the interval has no upper end: {failed} of {n} requests failed, in one of {batches} batches of them more "
        "than the quantile allows",
    )


def impossible_durations(wrong: int, n: int, first: float) -> Reason:
    """Refuse durations that no clock gives."""
    return Reason(
        ReasonCode.NO_VALUES,
        f"{wrong} of {n} durations are not above 0 s, such as {first:g} s: the clock or the stored row is wrong",
    )


def no_values(sentence: str) -> Reason:
    """Say why a pass gave no values."""
    return Reason(ReasonCode.NO_VALUES, sentence)


def loose(sentence: str) -> Reason:
    """Say how much an interval covers."""
    return Reason(ReasonCode.LOOSE, sentence)


def one_process(sentence: str) -> Reason:
    """Say that an interval is that of one process."""
    return Reason(ReasonCode.ONE_PROCESS, sentence)


def from_source(sentence: str) -> Reason:
    """Pass on what a meter or a pass said."""
    return Reason(ReasonCode.FROM_SOURCE, sentence)


def cell_ended(status: str, reason: str | None) -> Reason:
    """Say that the cell did not end well."""
    return Reason(ReasonCode.CELL_ENDED, f"the cell is {status}: {reason}")


def part_missing(name: str, reason: Reason | None) -> Reason:
    """Say which of the readings is missing that a value is computed from."""
    return Reason(ReasonCode.PART_MISSING, f"{name} is missing: {reason or NOT_MEASURED}")


def not_computed(sentence: str) -> Reason:
    """Say why a metric could not be computed."""
    return Reason(ReasonCode.NOT_COMPUTED, sentence)


def impossible(value: float, low: float, high: float) -> Reason:
    """Say that a value cannot be."""
    return Reason(
        ReasonCode.IMPOSSIBLE,
        f"it was computed as {value:,.6g}, which cannot be: it lies from {low:g} to {high:g}; mend the metric",
    )


def raw_gone(sentence: str) -> Reason:
    """Say why raw rows are gone."""
    return Reason(ReasonCode.RAW_GONE, sentence)


_OLD_BEGINNINGS = {
    _TOO_FEW: ReasonCode.TOO_FEW,
    "undefined on some resamples": ReasonCode.UNDEFINED_ON_RESAMPLES,
}


def stored(code: str | None, sentence: str | None) -> Reason | None:
    """Read a reason from a stored row; the one place where the wording of a sentence is looked at.

    Rows that were stored before codes were have none. Of their sentences only those are told apart by which a decision
    goes: both wordings were never changed while rows had no code.

    >>> stored(None, "n too small for an interval: 3 batches, 10 needed").code.value
    'too_few'
    """
    if sentence is None:
        return None
    if code is not None:
        return Reason(ReasonCode(code), sentence)
    old = (known for beginning, known in _OLD_BEGINNINGS.items() if sentence.startswith(beginning))
    return Reason(next(old, ReasonCode.FROM_SOURCE), sentence)
