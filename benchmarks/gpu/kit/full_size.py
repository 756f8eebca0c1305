"""The full-size suite: checkpoints made on the machine, one `bench run`, and every reading held to physics."""

from __future__ import annotations

import json
import math
import shutil
import signal
import statistics
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.gpu.kit.context import Context
from benchmarks.gpu.kit.models import FULL, TINY, Shape, build, decoded_bytes, save, weight_bytes
from benchmarks.gpu.kit.peaks import Peak, peak_of
from benchmarks.gpu.kit.physics import decode_tokens_s, share
from benchmarks.random_models import LABELS

if TYPE_CHECKING:
    from bench.record import Record
    from bench.summary import Entry

BATCH = 8
CELL_TIMEOUT_S = 100.0
FOLDER = "suite"
"""Of the checkpoints, the suite and its results, in the scratch folder."""
CLOSING_S = 40.0
"""Kept back to stop the run, to write its report and to read its records."""
PAGE = "suite.html"
STOP_S = 15.0
"""That a run asked to stop has to write what it has."""

SUITE = """\
name: gpu-full-size
description: Models of published sizes with random weights, on one GPU.
defaults: {{device: {device}, batch_size: {batch}, timeout_s: {timeout:g}}}
models:
{models}
tasks:
  - {{name: topic, kind: classification, data: {{path: topic.jsonl}}}}
  - {{name: write, kind: translation, data: {{path: write.jsonl}}, max_new_tokens: {tokens}}}
measure: {{profile: quick, window_s: {window:g}}}
objectives: [quality, latency_p50_s, peak_memory_bytes]
"""


@dataclass(frozen=True, slots=True)
class Size:
    """How much is asked of the models."""

    shapes: tuple[Shape, ...]
    examples: int
    tokens: int
    """Written for each."""
    window_s: float


WHOLE, DRY = Size(FULL, 8, 24, 2.0), Size(TINY, 2, 4, 0.1)


@dataclass(frozen=True, slots=True)
class Weights:
    """What is known of a checkpoint from its making."""

    shape: Shape
    all_bytes: int
    decoded_bytes: int
    """What each step of its decoder reads."""


def models(context: Context) -> None:
    """Make the checkpoints; in a step of its own, whose process does not stay on the GPU beside the suite's."""
    folder = context.scratch / FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    make_all(context, (WHOLE if context.on_gpu else DRY).shapes, folder)


def suite(context: Context) -> None:
    """Run the suite over the checkpoints that were made, and judge every cell."""
    start, size, folder = time.monotonic(), WHOLE if context.on_gpu else DRY, context.scratch / FOLDER
    made = weights_made(folder, size.shapes)
    missing = [shape.name for shape in size.shapes if shape not in [weights.shape for weights in made]]
    context.ledger.require("every model was made", not missing, ", ".join(missing))
    if not made:
        return
    shapes = [weights.shape for weights in made]
    write_suite(folder, shapes, context.device, size)
    left = context.seconds - CLOSING_S - (time.monotonic() - start)
    context.ledger.tell("bench run", run(folder, shapes, left))
    judge_all(context, made, folder / "results")
    page = written_report(folder)
    context.ledger.require("report written", page.exists(), page.name)
    if page.exists():
        shutil.copy(page, context.out / page.name)


def weights_made(folder: Path, shapes: Sequence[Shape]) -> list[Weights]:
    """Read which checkpoints are whole: each has its numbers beside it, written last."""
    made = []
    for shape in shapes:
        path = folder / f"{shape.name}.json"
        if path.exists():
            numbers = json.loads(path.read_text(encoding="utf-8"))
            made.append(Weights(shape, numbers["all_bytes"], numbers["decoded_bytes"]))
    return made


def make_all(context: Context, shapes: Sequence[Shape], folder: Path) -> None:
    """Make checkpoints, each on the device and then on the disk."""
    from bench.meters.allocator import release

    for shape in shapes:
        start = time.monotonic()
        module = build(shape, context.device)
        numbers = {"all_bytes": weight_bytes(module), "decoded_bytes": decoded_bytes(module)}
        save(module, shape, folder)
        del module
        release()
        (folder / f"{shape.name}.json").write_text(json.dumps(numbers), encoding="utf-8")
        took, size = time.monotonic() - start, numbers["all_bytes"] / 1e9
        context.ledger.tell(
            f"{shape.name} made", f"{shape.parameters:,} parameters, {size:.2f} GB in {shape.dtype}, {took:.1f} s"
        )


def write_suite(folder: Path, shapes: Sequence[Shape], device: str, size: Size) -> None:
    """Write the suite with its data."""
    texts = [f"Parcel {place} left the port of Bremen on day {place % 7}." for place in range(size.examples)]
    topic = [{"text": text, "label": LABELS[place % len(LABELS)]} for place, text in enumerate(texts)]
    written = [{"source": text, "target": text} for text in texts]
    for name, rows in (("topic", topic), ("write", written)):
        (folder / f"{name}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    models = "\n".join(
        f"  - {{name: {shape.name}, family: {shape.family}, checkpoint: ./{shape.name}, "
        f"variants: [{{dtype: {shape.dtype}}}]}}"
        for shape in shapes
    )
    text = SUITE.format(
        device=device, batch=BATCH, timeout=CELL_TIMEOUT_S, models=models, tokens=size.tokens, window=size.window_s
    )
    (folder / "suite.yaml").write_text(text, encoding="utf-8")


def run(folder: Path, shapes: Sequence[Shape], seconds: float) -> str:
    """Run the suite for at most so many seconds; what was finished by then is stored, and has its report."""
    only = [part for shape in shapes for part in ("--only", f"{shape.name}*/{shape.task}")]
    command = [sys.executable, "-m", "bench", "run", "suite.yaml", "--results", "results", "--report", PAGE, *only]
    begin = time.monotonic()
    process = subprocess.Popen(command, cwd=folder)
    try:
        process.wait(max(seconds, 1.0))
        how = f"exit code {process.returncode}"
    except subprocess.TimeoutExpired:
        process.send_signal(signal.SIGINT)
        how = "stopped when its time was over"
        try:
            process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            process.kill()
            how = "killed: it did not stop when it was asked to"
    return f"{how}, {time.monotonic() - begin:.0f} s"


def written_report(folder: Path) -> Path:
    """Find the run's report; write it where the run was stopped before it did."""
    page = folder / PAGE
    if not page.exists():
        command = [sys.executable, "-m", "bench", "report", "--results", "results", "--output", PAGE]
        with suppress(subprocess.TimeoutExpired):
            subprocess.run(command, cwd=folder, check=False, timeout=CLOSING_S / 2)
    return page


def judge_all(context: Context, made: Sequence[Weights], results: Path) -> None:
    """Hold every cell's readings to what the GPU can do."""
    from bench.store import Store
    from bench.summary import summarise

    peak, cache_bytes, limit_w = ceilings(context)
    with Store.open(results) as store:
        entries = summarise(store.load("latest", rows=True).records)
    found = {entry.cell.model: entry for entry in entries if entry.status != "unsupported"}
    for weights in made:
        entry = found.get(weights.shape.name)
        if entry is None:
            context.ledger.require(f"{weights.shape.name} ran", False, "no record of it")
            continue
        context.ledger.require(f"{weights.shape.name} ran", entry.status == "ok", entry.reason or shown_speed(entry))
        if entry.status == "ok":
            for name, value, why in shares(weights, entry, peak, cache_bytes, limit_w):
                _write(context, f"{weights.shape.name}: {name}", value, why)


def _write(context: Context, name: str, value: float | None, why: str) -> None:
    if value is None:
        context.ledger.skip(name, why)
    else:
        context.ledger.hold(name, value, at_most=1.0, shown=f"{value:.2%} of {why}")


def ceilings(context: Context) -> tuple[Peak | None, float, float | None]:
    """Look up the GPU's peaks, the size of its cache in bytes and its power limit in watts."""
    if not context.on_gpu:
        context.ledger.tell("peaks", "none: this is a CPU, and its shares are not known")
        return None, 0.0, None
    import torch

    from bench.host.gpu import device_facts
    from bench.meters.boards import boards_of

    properties = torch.cuda.get_device_properties(context.device)
    peak = peak_of(properties.name)
    told = json.dumps(asdict(peak)) if peak else f"'{properties.name}' is not in the table, so that no share is known"
    context.ledger.tell("peaks", told)
    boards = boards_of(context.device)
    limit = device_facts(boards.pynvml, boards.devices[0], None).get("power_limit_w")
    return peak, float(properties.L2_cache_size), None if limit is None else float(str(limit))


Share = tuple[str, float | None, str]
"""What it is of, the share, and the bound in words, or why there is none."""


def shares(weights: Weights, entry: Entry, peak: Peak | None, cache_bytes: float, limit_w: float | None) -> list[Share]:
    """Divide the readings of a cell by their bounds."""
    record = entry.records[0]
    return [
        *_decode_shares(weights, entry, record, peak, cache_bytes),
        _arithmetic_share(weights.shape, entry, record, peak),
        _energy_share(record, limit_w),
    ]


def _decode_shares(
    weights: Weights, entry: Entry, record: Record, peak: Peak | None, cache_bytes: float
) -> list[Share]:
    """Tokens per second of one request and of batches, against bandwidth over weight bytes."""
    if weights.shape.family == "encoder":
        return []
    if peak is None:
        return [("tokens per second", None, "no bandwidth is known of this device")]
    one = decode_tokens_s(peak.bandwidth_bytes_s, weights.decoded_bytes, cache_bytes)
    batched = decode_tokens_s(peak.bandwidth_bytes_s, weights.decoded_bytes, cache_bytes, rows=BATCH)
    rate, output = single_rate(record), _value(entry, "throughput_output_tokens_per_s")
    return [
        ("tokens per second, one request", share(rate, one), f"{one:,.0f}/s" if rate else "no token stamps"),
        ("tokens per second, batches", share(output, batched), f"{batched:,.0f}/s" if output else "no tokens"),
    ]


def single_rate(record: Record) -> float | None:
    """Compute the tokens per second of single requests after the first token: the median over requests."""
    gaps = [
        (timing.token_ns[-1] - timing.token_ns[0]) / (len(timing.token_ns) - 1)
        for timing in record.timings
        if timing.phase == "latency" and len(timing.token_ns) > 1
    ]
    return 1e9 / statistics.median(gaps) if gaps else None


def _arithmetic_share(shape: Shape, entry: Entry, record: Record, peak: Peak | None) -> Share:
    """FLOP per second of the throughput pass, against the peak of the dtype."""
    name = "FLOP per second"
    each, rate = _value(entry, "flops_per_example"), _value(entry, "throughput_examples_per_s")
    tf32 = record.environment.get("float32_matmul_precision") != "highest"
    bound = None if peak is None else peak.flop_s(shape.dtype, tf32=tf32)
    if each is None or rate is None:
        quantity = entry.quantity("flops_per_example")
        return name, None, "not counted" if quantity is None or quantity.reason is None else quantity.reason.sentence
    if bound is None:
        return name, None, f"{each * rate / 1e12:.3g} TFLOP/s, and no peak is known of this device"
    return name, each * rate / bound, f"{bound / 1e12:.1f} TFLOP/s in {shape.dtype}{' (TF32)' if tf32 else ''}"


def _energy_share(record: Record, limit_w: float | None) -> Share:
    """Joules of the energy pass, against the power limit over its time."""
    name = "energy"
    facts = {fact.name: fact for fact in record.facts}
    energy, seconds = facts.get("energy_window_j"), facts.get("energy_window_s")
    if energy is None or energy.value is None or seconds is None or not seconds.value:
        return name, None, (energy.reason if energy is not None else None) or "no energy was measured"
    if limit_w is None:
        return name, None, f"{energy.value:.1f} J by {energy.source}, and no power limit is known"
    joules = energy.value if energy.low is None else energy.low
    return name, joules / (limit_w * seconds.value), f"{limit_w:g} W over {seconds.value:.2f} s"


def shown_speed(entry: Entry) -> str:
    """Name a cell's main readings."""
    from bench.units import format_quantity

    names = ("load_s", "latency_p50_s", "throughput_examples_per_s", "peak_memory_bytes", "energy_per_example_j")
    quantities: list[tuple[str, Any]] = [(name, entry.quantity(name)) for name in names]
    return ", ".join(
        f"{name} {format_quantity(quantity.value, quantity.unit)}"
        for name, quantity in quantities
        if quantity is not None and quantity.value is not None and math.isfinite(quantity.value)
    )


def _value(entry: Entry, name: str) -> float | None:
    quantity = entry.quantity(name)
    return None if quantity is None else quantity.value
