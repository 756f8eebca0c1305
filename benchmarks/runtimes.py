"""What bench adds to a runtime's own time, and what a runtime gains over eager torch: BERT-base, GPT-2 124M, T5-small.

    python benchmarks/runtimes.py [--seconds 25] [--threads 1] [--tokens 16] [--tiny]

Each network is converted for each runtime as a run converts it. Then three things answer the same text within one
process: bench's request, with a stamp after each token, which a latency pass times; a bare loop of the runtime's own
calls with the same tokenizer, which knows nothing of bench; and bench's request under eager torch. They take turns in
short blocks, forth and back (`contract.in_blocks`), and the ratios are medians over the blocks. The weights are random,
at the published sizes; `--tiny` takes small ones, to try the script.

A ratio of bench to the bare loop within 0.97 to 1.03 passes. The same ratio in seconds of the processor is told beside
it: where neighbours make the wall time uncertain, it says what bench adds. The whole takes about eight minutes.
"""

from __future__ import annotations

import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
import transformers
from contract import Contract, Spent, in_blocks, make_parser, ratio_of
from full_size import write_models
from random_models import LABELS, make_checkpoint

from bench.candidates import FAMILIES
from bench.candidates.interface import Decoding
from bench.candidates.runtimes import RUNTIMES
from bench.running.worker.conversion import convert
from bench.running.worker.executed import context_of, engine_for, wanted_of
from bench.suite import CellJob, DataSpec, ModelSpec, TaskSpec, VariantSpec

LOWEST, HIGHEST = 0.97, 1.03
TEXT = "The shipment of twelve pallets left Hamburg on Monday and is late, since the crane at the quay is broken."
NETWORKS = {"bert": "encoder", "gpt2": "causal-lm", "t5": "seq2seq"}
PEER = (
    "not installed, because its backends for these runtimes are optimum-onnx 0.1 and optimum-intel 2.2, which want "
    "transformers below 4.58 and below 5.6, and each another optimum;"
)
"""Why the peer is not asked too. Source: the requirements of both packages, read in November 2026."""
WARM_UP = 3
FEWEST_BLOCKS = 9
"""Blocks at least: fewer give no 95 % interval of a median worth the name."""
Side = Callable[[], str]


def main() -> int:
    """Print a table for each network, and hold each ratio to its bound."""
    parser = make_parser(__doc__)
    parser.add_argument("--seconds", type=float, default=25, help="for each pair of network and runtime; default: 25")
    parser.add_argument("--threads", type=int, default=1, help="default: %(default)s")
    parser.add_argument("--tokens", type=int, default=16, help="that are written; default: %(default)s")
    parser.add_argument("--tiny", action="store_true", help="small networks, to try the script")
    parser.add_argument("--only", default="", metavar="WORD", help="pairs whose name has this in it, such as 'gpt2 o'")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    library: Any = transformers
    library.logging.set_verbosity_error()
    library.logging.disable_progress_bar()
    contract = Contract()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        if not options.tiny:
            write_models(folder)
        for network, family in NETWORKS.items():
            place = make_checkpoint(folder, family, "small") if options.tiny else folder / network
            for runtime in (name for name, declared in RUNTIMES.items() if declared.converts):
                if options.only not in f"{network} {runtime}":
                    continue
                job = job_of(family, place, runtime, folder, options.threads)
                why = RUNTIMES[runtime].why_not(wanted_of(job))
                if why is not None:
                    contract.tell(f"{network} {runtime}: {why}")
                    continue
                compare(contract, f"{network} {runtime}", job, options.seconds, options.tokens)
    contract.tell(f"optimum-benchmark: {PEER} transformers {transformers.__version__} is needed here")
    contract.tell(f"load of the machine at the end: {os.getloadavg()[0]:.1f} on {os.cpu_count()} CPUs")
    return contract.close(options.json)


def job_of(family: str, checkpoint: Path, runtime: str, folder: Path, threads: int) -> CellJob:
    """Return the job of one network in one runtime."""
    headed = family == "encoder"
    kind = "classification" if headed else "summarisation"
    task = TaskSpec(name="t", kind=kind, data=DataSpec(builtin="pydocs"))
    return CellJob(
        model=ModelSpec(name=checkpoint.name, family=family, checkpoint=str(checkpoint)),
        variant=VariantSpec(runtime=runtime),
        task=task,
        scoring="head" if headed else "",
        labels=LABELS if headed else (),
        threads=threads,
        artifact=str(folder / "converted" / f"{checkpoint.name}-{runtime}"),
    )


def compare(contract: Contract, name: str, job: CellJob, seconds: float, tokens: int) -> None:
    """Convert, load, and time the three sides in turn."""
    made = convert(job, lambda _: None)
    family = FAMILIES[job.model.family]
    ours = family.load(job.model, job.variant, replace(context_of(job), engine=engine_for(job)))
    theirs = family.load(job.model, VariantSpec(), context_of(job))
    bare: Side = BARE[job.variant.runtime](ours, tokens, job)
    sides = {"bench": asked(ours, job, tokens), "bare": bare, "torch": asked(theirs, job, tokens)}
    answers = {side: [call() for _ in range(WARM_UP)][-1] for side, call in sides.items()}
    contract.require(f"{name}: the bare loop gives bench's answer", answers["bare"] == answers["bench"])
    contract.tell(f"{name}: torch gives {'the same' if answers['torch'] == answers['bench'] else 'another'} answer")
    spent = in_blocks(sides, seconds, at_least=FEWEST_BLOCKS, once="torch")
    median = {side: 1e3 * statistics.median(own.wall_s for own in turns) for side, turns in spent.items()}
    contract.tell(
        f"{name}: bench {median['bench']:.2f} ms, bare {median['bare']:.2f} ms, eager torch {median['torch']:.2f} ms; "
        f"torch takes {ratio_of(walls(spent['torch']), walls(spent['bench']))} times as long; converted in "
        f"{made['convert_s']:.0f} s, {int(str(made['artifact_bytes'])) / 2**20:.0f} MiB"
    )
    contract.tell(f"{name}: bench to the bare loop in CPU time: {ratio_of(cpus(spent['bench']), cpus(spent['bare']))}")
    ratio = ratio_of(walls(spent["bench"]), walls(spent["bare"]))
    contract.hold(f"{name}: bench to the bare loop", ratio, at_least=LOWEST, at_most=HIGHEST)


def walls(turns: Sequence[Spent]) -> list[float]:
    """List the wall times of turns, in seconds."""
    return [turn.wall_s for turn in turns]


def cpus(turns: Sequence[Spent]) -> list[float]:
    """List the CPU times of turns, in seconds."""
    return [turn.cpu_s for turn in turns]


def asked(model: Any, job: CellJob, tokens: int) -> Side:
    """Make bench's request, as a latency pass makes it: each token of a written text is stamped."""
    decoding = Decoding(max_new_tokens=tokens)

    def head() -> str:
        return best_of(model.classify([TEXT])[0].scores)

    def write() -> str:
        stamps: list[int] = []
        text: str = model.generate([TEXT], decoding, lambda: stamps.append(time.perf_counter_ns()))[0].text
        return text

    return head if job.labels else write


def best_of(scores: Sequence[float]) -> str:
    """Name the likeliest label."""
    return LABELS[max(range(len(scores)), key=scores.__getitem__)]


class OnnxGraph:
    """A graph as ONNX Runtime's documentation opens and calls it; what comes out goes in again without a copy."""

    def __init__(self, job: CellJob, name: str) -> None:
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads, options.inter_op_num_threads = job.threads, 1
        self.session = onnxruntime.InferenceSession(f"{job.artifact}/{name}.onnx", options)
        self.outputs = [output.name for output in self.session.get_outputs()]
        self.inputs = {given.name for given in self.session.get_inputs()}
        self.value = onnxruntime.OrtValue

    def __call__(self, inputs: Mapping[str, Any]) -> list[Any]:
        """Compute the outputs; the first as an array."""
        feed = {
            name: self.value.ortvalue_from_numpy(value) if isinstance(value, np.ndarray) else value
            for name, value in inputs.items()
            if name in self.inputs
        }
        first, *others = self.session.run_with_ort_values(self.outputs, feed)
        return [first.numpy(), *others]


class OpenVinoGraph:
    """A graph as OpenVINO's documentation compiles and calls it; two requests hand their outputs to each other."""

    def __init__(self, job: CellJob, name: str) -> None:
        import openvino

        settings = {"INFERENCE_PRECISION_HINT": "f32", "INFERENCE_NUM_THREADS": job.threads, "NUM_STREAMS": 1}
        settings |= {"ENABLE_CPU_PINNING": False, "KV_CACHE_PRECISION": "f32"}
        self.model = openvino.Core().compile_model(f"{job.artifact}/{name}.xml", "CPU", settings)
        self.requests = [self.model.create_infer_request(), self.model.create_infer_request()]
        self.inputs = {name for port in self.model.inputs for name in port.get_names()}

    def __call__(self, inputs: Mapping[str, Any]) -> list[Any]:
        """Compute the outputs as arrays."""
        self.requests.reverse()
        feed = {name: value for name, value in inputs.items() if name in self.inputs}
        return list(self.requests[0].infer(feed, share_inputs=True, share_outputs=True).values())


def bare_graphs(model: Any, tokens: int, job: CellJob) -> Side:
    """Make a loop over the graphs of ONNX Runtime or OpenVINO, of one text."""
    opened = {"onnxruntime": OnnxGraph, "openvino": OpenVinoGraph}[job.variant.runtime]
    tokenizer, sizes = model.tokenizer, model.module.sizes
    sessions: dict[str, Any] = {name: opened(job, name) for name in sizes.graphs}
    end, states = tokenizer.eos_token_id, 2 * sizes.layers
    past = [f"past{place}" for place in range(states)]

    def read() -> np.ndarray[Any, Any]:
        return np.array([tokenizer(TEXT)["input_ids"]], dtype=np.int64)

    def head() -> str:
        ids = read()
        (logits,) = sessions["head"]({"ids": ids, "mask": np.ones_like(ids)})
        return best_of(torch.from_numpy(logits).log_softmax(-1)[0].tolist())

    def write() -> str:
        session, ids = sessions["text"], read()
        written: list[int] = []
        more: dict[str, Any] = {}
        if "source" in sessions:
            memory, *crossed = sessions["source"]({"ids": ids, "mask": np.ones_like(ids)})
            more = {"memory": memory} | {f"source{place}": value for place, value in enumerate(crossed)}
            more["source_mask"] = np.zeros((1, 1, 1, ids.shape[1]), dtype=np.float32)
            ids = np.array([[sizes.start]], dtype=np.int64)
        kept: list[Any] = [np.zeros((1, sizes.heads, 0, sizes.width), dtype=np.float32)] * states
        before = 0
        while len(written) < tokens and written[-1:] != [end]:
            count = ids.shape[1]
            hidden = np.triu(np.full((count, before + count), np.finfo(np.float32).min, dtype=np.float32), before + 1)
            inputs = {"ids": ids, "mask": hidden[None, None], "keep": np.array([count - 1])} | more
            if "source" not in sessions:
                inputs["positions"] = np.arange(before, before + count)[None]
            logits, *kept = session(inputs | dict(zip(past, kept, strict=True)))
            written.append(int(logits[0, 0].argmax()))
            before, ids = before + count, np.array([written[-1:]], dtype=np.int64)
        return str(tokenizer.decode(written, skip_special_tokens=True)).strip()

    return head if model.module.role == "head" else write


def bare_ctranslate2(model: Any, tokens: int, job: CellJob) -> Side:
    """Make a call of CTranslate2's own interface, of one text."""
    opened, tokenizer = model.module.opened, model.tokenizer
    names = tokenizer.convert_ids_to_tokens

    def head() -> str:
        made = opened.forward_batch([tokenizer(TEXT)["input_ids"]])
        state = np.array(made.pooler_output)
        for weight, bias, _ in model.module.layers:
            state = state @ weight + bias
        return best_of(torch.from_numpy(state).log_softmax(-1)[0].tolist())

    def text() -> str:
        rows = [names(tokenizer(TEXT)["input_ids"])]
        (made,) = opened.generate_batch(
            rows, max_length=tokens, beam_size=1, include_prompt_in_result=False, return_end_token=True
        )
        return str(tokenizer.decode(made.sequences_ids[0], skip_special_tokens=True)).strip()

    def source_text() -> str:
        rows = [names(tokenizer(TEXT)["input_ids"])]
        (made,) = opened.translate_batch(rows, max_decoding_length=tokens, beam_size=1, return_end_token=True)
        ids = tokenizer.convert_tokens_to_ids(made.hypotheses[0])
        return str(tokenizer.decode(ids, skip_special_tokens=True)).strip()

    return {"encoder": head, "causal-lm": text, "seq2seq": source_text}[job.model.family]


BARE = {"ctranslate2": bare_ctranslate2, "onnxruntime": bare_graphs, "openvino": bare_graphs}


if __name__ == "__main__":
    sys.exit(main())
