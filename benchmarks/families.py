"""Sweeps the model families of transformers with tiny random weights, by likelihood, choices, generation, head.

What bench answers after admission is held against the library's own plain pass (`plain_pass.py`, which has nothing of
bench in it): one example at a time, no padding, no cache. There are more texts than admission looks at. Each family
and way is

    equal      bench's fast path gives what the plain pass gives
    plain      the fast path was left with a doubt, and what came is what the plain pass gives
    refused    a sentence of bench says why there is no answer
    raw        an exception of a library in place of that sentence
    SILENT     another answer, and not a word
    no plain   the library's own pass fails, so there is nothing to compare with
    not made   transformers makes no tiny model of this family here

    python benchmarks/families.py [--only 'gpt*'] [--group causal] [--quick] [--json FILE]
"""

from __future__ import annotations

import argparse
import fnmatch
import os
import sys
import tempfile
import time
import warnings
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

os.environ.setdefault("HF_HUB_OFFLINE", "1")

import transformers
from contract import Contract, make_parser
from plain_pass import CLOSE, Plain
from tiny_families import (
    BEGIN,
    CONTEXT,
    ENCODER_DECODER,
    END,
    LABELS,
    Tiny,
    TooLargeError,
    at_most,
    families,
)

from bench.admission.admit import admit, on_working_path, settle
from bench.candidates import FAMILIES
from bench.candidates.interface import Context
from bench.data.base import Example
from bench.errors import BenchError
from bench.record import Sample
from bench.suite import DataSpec, ModelSpec, TaskSpec, VariantSpec
from bench.tasks import KINDS
from bench.tasks.base import Bound

TEXTS = (
    "red",
    "blue green small",
    "river house train ship cloud stone paper glass water",
    "the port of iron",
    "one two three crate driver customs order red blue green old new river the house on fire salt wind",
    "old train in the port : new ship of salt",
    "Question : small cloud . Answer : yes",
    " ".join(["iron wind the stone of two rivers paper ."] * 4),
    " ".join(["large old house on the river . three ships to port no"] * 8),
    "water fire wind salt iron",
)
"""The last but one is longer than `CONTEXT`; words such as `ships` are unknown."""
SHARED = "Question : old house on the river . red or blue ? no Question : "
"""With which the prompts of choices begin, so that a common beginning is run once."""
CHOICES = ("yes", "no alpha", "beta gamma red")
TOLERANCE = 1e-3
NEW = 5
BATCH = 5
ASKING_S = 120
"""Seconds that one way may take, and the library's own pass as many."""
LEAST_KEPT = CONTEXT - NEW - 4
"""Tokens of a cut text that must be left: fewer, and a limit is not the tables' own."""


@dataclass(frozen=True, slots=True)
class Way:
    """One way of asking."""

    name: str
    kind: str
    """Of task."""
    column: str
    prompt: str
    scoring: str = ""
    beams: int = 1


WAYS = {
    way.name: way
    for way in (
        Way("choices", "multiple-choice", "question", SHARED + "{question}", "likelihood"),
        Way("writes", "summarisation", "document", "{document}"),
        Way("beams", "summarisation", "document", "{document}", beams=3),
        Way("nats", "language-modelling", "text", "{text}"),
        Way("head", "classification", "text", "{text}", "head"),
    )
}
FAMILY_OF = {"causal": "causal-lm", "head": "encoder", "seq2seq": "seq2seq"}
WAYS_OF = {
    "causal": ("choices", "writes", "nats"),
    "head": ("head",),
    "seq2seq": ("choices", "writes", "beams"),
}


@dataclass(frozen=True, slots=True)
class Tried:
    """A family as it is made, and in which ways it is asked."""

    tiny: Tiny
    ways: tuple[str, ...]
    family: str
    """Of bench."""
    title: str


@dataclass(frozen=True, slots=True)
class Row:
    """What came of one family asked in one way."""

    name: str
    group: str
    way: str
    verdict: str
    detail: str
    seconds: float


def plan(quick: bool) -> Iterator[Tried]:
    """List what is tried: every family in each of its roles, then with tokenizers and configurations that lack things.

    Args:
        quick: every sixth family alone.
    """
    step = 6 if quick else 1
    for role in ("causal", "head", "seq2seq"):
        listed = families(role)[::step]
        if role == "seq2seq":
            listed.append(Tiny(ENCODER_DECODER, role))
        for tiny in listed:
            yield Tried(tiny, WAYS_OF[role], FAMILY_OF[role], role)
    causal = families("causal")[::step]
    for tiny in causal:
        yield Tried(replace(tiny, frame="<s> $A </s>"), ("choices",), "causal-lm", "prompt ended by tokenizer")
        yield Tried(replace(tiny, pads=False), ("writes",), "causal-lm", "no padding token")
    for tiny in causal[::4]:
        yield Tried(tiny, ("beams",), "causal-lm", "beams")
    heads = {tiny.name for tiny in causal} & {tiny.name for tiny in families("head")}
    for name in sorted(heads):
        head = Tiny(name, "head", frame="<s> $A")
        yield Tried(head, ("head",), "causal-lm", "decoder's head")
        yield Tried(replace(head, pads=False), ("head",), "encoder", "decoder's head, no padding token")


def asked(way: Way, family: str, folder: Path) -> tuple[list[Sample], str | None, int]:
    """Ask bench for its answers to all texts after admission.

    Returns:
        The rows in order of the texts; why the fast path was left; the tokens of a window.
    """
    spec = ModelSpec(name="tiny", family=family, checkpoint=str(folder))
    task = TaskSpec(name="t", kind=way.kind, data=DataSpec(path=Path("none")), max_new_tokens=NEW, num_beams=way.beams)
    labels = LABELS if way.kind == "classification" else ()
    ability = KINDS[way.kind].ability
    context = Context(device="cpu", ability=ability, labels=labels, label_texts=labels, scoring=way.scoring)
    model: Any = FAMILIES[family].load(spec, VariantSpec(), context)
    columns = {"choices": list(CHOICES), "answer": CHOICES[0], "label": LABELS[0], "summary": "red"}
    examples = tuple(Example(i, str(i), {way.column: text, **columns}, None) for i, text in enumerate(TEXTS))
    workload: Any = KINDS[way.kind].workload(task, Bound(model, examples, labels, way.prompt, way.scoring, labels))
    admission = admit("tiny", model, workload, "float32", TEXTS)
    rows = on_working_path(model, lambda: answered(workload)) if admission.waits else answered(workload)
    if admission.waits:
        admission = settle(admission, model, rows, "float32")
        rows = rows if admission.left is None else answered(workload)
    window = int(model.facts().notes.get("window_tokens", 0))
    return sorted(rows, key=lambda row: row.index), admission.left, window


def answered(workload: Any) -> list[Sample]:
    """Answer all texts in batches, or in rows that are refilled."""
    by_length = sorted(range(len(TEXTS)), key=workload.length)
    if getattr(workload, "streams", False):
        stream = workload.stream(by_length, 3)
        return [row for index, answer in stream for row in workload.samples([index], [answer])]
    parts = [by_length[start : start + BATCH] for start in range(0, len(by_length), BATCH)]
    return [row for part in parts for row in workload.samples(part, workload.request(part)(None))]


def differences(way: Way, rows: Sequence[Sample], plain: Plain, window: int) -> list[str]:
    """Find what differs between bench's rows and the plain pass, a phrase for each text."""
    wrong = []
    for row, text in zip(rows, TEXTS, strict=True):
        prompt = way.prompt.format(**{way.column: text})
        kept = row.input_tokens if row.truncated else None
        if kept is not None and kept < LEAST_KEPT - len(CHOICES[-1].split()):
            wrong.append(f"cut to {kept} tokens")
            continue
        phrase = (
            written_otherwise(way, row, plain, prompt, kept)
            if way.column == "document"
            else scored_otherwise(way, row, plain, prompt, kept, window)
        )
        wrong += [phrase] if phrase else []
    return wrong


def written_otherwise(way: Way, row: Sample, plain: Plain, prompt: str, kept: int | None) -> str:
    """Compare a written text with the loop's, or with `generate` where there is more than the likeliest token to it."""
    asks_more = way.beams > 1 or asks_for_more(plain.module.generation_config)
    if not asks_more:
        written = plain.writes(prompt, kept, NEW)
        if row.prediction == written.text or written.margin < CLOSE:
            return ""
    library = plain.generates(prompt, kept, NEW, way.beams)
    if row.prediction == library and asks_more:
        return ""
    return f"{row.prediction!r} for {library if asks_more else written.text!r}"


def asks_for_more(settings: Any) -> bool:
    """Tell whether a checkpoint's settings change which token is the next."""
    names = ("forced_bos_token_id", "forced_eos_token_id", "bad_words_ids", "suppress_tokens", "begin_suppress_tokens")
    return any(getattr(settings, name, None) is not None for name in names) or bool(
        getattr(settings, "no_repeat_ngram_size", 0) or getattr(settings, "min_length", 0)
    )


def scored_otherwise(way: Way, row: Sample, plain: Plain, prompt: str, kept: int | None, window: int) -> str:
    """Compare scores or nats."""
    if way.name == "nats":
        right, given = [plain.nats(prompt, window)], [row.nll]
    elif way.name == "head":
        right, given = plain.head(prompt, kept), list(row.scores or ())
    else:
        right = [plain.continuation(prompt, choice, kept) for choice in CHOICES]
        given = list(row.scores or ())
    worst = max(abs(a - b) for a, b in zip(given, right, strict=True))
    return "" if worst <= TOLERANCE * max(1.0, *map(abs, right)) else f"{worst:.3g} nats at {prompt[-20:]!r}"


def swept(planned: Iterable[Tried]) -> Iterator[Row]:
    """Make each family, and yield a row for each of its ways."""
    for tried in planned:
        with tempfile.TemporaryDirectory() as place:
            folder = Path(place)
            begun = time.perf_counter()
            try:
                module, words = tried.tiny.save(folder)
            except Exception as error:  # noqa: BLE001 - a family that cannot be made here says nothing of bench
                verdict = "too large" if isinstance(error, TooLargeError) else "not made"
                yield Row(tried.tiny.name, tried.title, "", verdict, shown(error), time.perf_counter() - begun)
                continue
            plain = Plain(module, words, two_parts=tried.family == "seq2seq", end=END, begin=BEGIN)
            for way in tried.ways:
                yield outcome(tried, WAYS[way], folder, plain)


def outcome(tried: Tried, way: Way, folder: Path, plain: Plain) -> Row:
    """Ask one family in one way, and judge what comes."""
    begun = time.perf_counter()

    def row(verdict: str, detail: str) -> Row:
        return Row(tried.tiny.name, tried.title, way.name, verdict, detail, time.perf_counter() - begun)

    try:
        with at_most(ASKING_S):
            rows, left, window = asked(way, tried.family, folder)
    except BenchError as error:
        return row("refused", str(error).removeprefix("model 'tiny': "))
    except Exception as error:  # noqa: BLE001 - in a run this becomes the cell's status
        return row("raw", shown(error))
    try:
        with at_most(ASKING_S):
            wrong = differences(way, rows, plain, window)
    except Exception as error:  # noqa: BLE001 - the library's own pass fails: there is nothing to compare with
        return row("no plain", shown(error))
    return row("SILENT" if wrong else "plain" if left else "equal", "; ".join(wrong[:2]) or left or "")


def shown(error: Exception) -> str:
    """Show an exception in a line."""
    return f"{type(error).__name__}: {' '.join(str(error).split())[:150]}"


MARKS = {"equal": "=", "plain": "p", "refused": "r", "raw": "!", "SILENT": "S", "no plain": "?"}


def table(rows: Sequence[Row]) -> list[str]:
    """Make the lines of a table with a line for each family: what came of each way in each group."""
    groups: dict[str, dict[str, str]] = defaultdict(dict)
    columns = list(dict.fromkeys((row.group, row.way) for row in rows if row.way))
    for row in rows:
        if row.way:
            groups[row.name][f"{row.group}/{row.way}"] = MARKS[row.verdict]
    lines = [f"  {place:2}  {way} ({group})" for place, (group, way) in enumerate(columns, 1)]
    lines.append(f"{'':28}" + " ".join(f"{place:2}" for place in range(1, len(columns) + 1)))
    for name, marks in sorted(groups.items()):
        lines.append(f"{name:28}" + " ".join(f"{marks.get(f'{g}/{w}', ''):>2}" for g, w in columns))
    return [*lines, ", ".join(f"{mark} {verdict}" for verdict, mark in MARKS.items())]


def summary(rows: Sequence[Row]) -> list[str]:
    """Make the lines that say what was made, answered, refused with which sentence, and not made with why."""
    counts = Counter(row.verdict for row in rows)
    lines = [", ".join(f"{number} {verdict}" for verdict, number in counts.most_common())]
    for verdict in ("SILENT", "raw", "no plain", "refused", "plain", "not made", "too large"):
        of_kind: dict[str, set[str]] = defaultdict(set)
        for row in rows:
            if row.verdict == verdict:
                of_kind[row.detail if verdict != "SILENT" else f"{row.way}: {row.detail}"].add(f"{row.name}")
        if of_kind:
            lines.append(f"{verdict}:")
        for detail, names in sorted(of_kind.items(), key=lambda pair: -len(pair[1])):
            lines.append(f"  {len(names):3}  {detail}  [{', '.join(sorted(names))}]")
    return lines


def main() -> int:
    """Print the table; fail where a family is silently different, or too few are answered."""
    parser = make_parser(__doc__)
    parser.add_argument("--only", default="*", help="families whose name fits this pattern")
    parser.add_argument("--group", default="*", help="groups whose title fits this pattern, such as 'causal'")
    parser.add_argument("--quick", action="store_true", help="every sixth family")
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
    rows = []
    for row in swept(chosen(options)):
        rows.append(row)
        print(f"{row.verdict:9} {row.name:28} {row.group}/{row.way} {row.seconds:.1f} s  {row.detail}", flush=True)
    contract = Contract()
    for line in (*table(rows), *summary(rows)):
        contract.tell(line)
    return judged(contract, rows, whole=options.only == options.group == "*" and not options.quick).close(options.json)


def chosen(options: argparse.Namespace) -> Iterator[Tried]:
    """List what the options ask for."""
    for tried in plan(options.quick):
        if fnmatch.fnmatch(tried.tiny.name, options.only) and fnmatch.fnmatch(tried.title, options.group):
            yield tried


def judged(contract: Contract, rows: Sequence[Row], *, whole: bool) -> Contract:
    """Hold the sweep to its bounds."""
    counts = Counter(row.verdict for row in rows)
    answered = [row for row in rows if row.verdict in ("equal", "plain")]
    asked_of = len(answered) + counts["refused"] + counts["raw"] + counts["SILENT"]
    named = {row.name for row in answered}
    made = {row.name for row in rows if row.way}
    contract.tell(
        f"transformers {transformers.__version__}: {len(made)} families made, {len(named)} answered something, "
        f"{len({row.name for row in rows if row.verdict == 'equal'})} by the fast path, "
        f"{len({row.name for row in rows if row.verdict == 'plain'})} somewhere by the plain path with a doubt"
    )
    contract.hold("silently different", counts["SILENT"], at_most=0)
    contract.hold("a library's exception instead of a sentence", counts["raw"], at_most=0)
    contract.hold("share of the asked that is answered", len(answered) / max(1, asked_of), at_least=0.9)
    contract.hold("families that were made and answered", len(named), at_least=60 if whole else 1)
    return contract


if __name__ == "__main__":
    sys.exit(main())
