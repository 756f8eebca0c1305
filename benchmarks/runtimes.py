"""What bench adds to a runtime's own time, and what a runtime gains over eager torch: BERT-base, GPT-2 124M, T5-small.

    python benchmarks/runtimes.py [--repeats 40] [--threads 1] [--tokens 16] [--tiny]

Each network is converted for each runtime as a run converts it. Then three things answer the same text in turn, in
random order, within one process: bench's request, which a latency pass times; a bare loop over the runtime's own
interface with the same tokenizer; and bench's request under eager torch. The weights are random, at the published
sizes; `--tiny` takes small ones, to try the script.

A ratio of bench to the bare loop within 0.97 to 1.03 passes.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from contract import Contract, interleaved, make_parser, ratio_of
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
WARM_UP = 3
Side = Callable[[], object]


def main() -> int:
    """Print a table for each network, and hold each ratio to its bound."""
    parser = make_parser(__doc__, repeats=40)
    parser.add_argument("--threads", type=int, default=1, help="default: %(default)s")
    parser.add_argument("--tokens", type=int, default=16, help="that are written; default: %(default)s")
    parser.add_argument("--tiny", action="store_true", help="small networks, to try the script")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    contract = Contract()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        if not options.tiny:
            write_models(folder)
        for network, family in NETWORKS.items():
            place = make_checkpoint(folder, family, "small") if options.tiny else folder / network
            for runtime in (name for name, declared in RUNTIMES.items() if declared.converts):
                job = job_of(family, place, runtime, folder, options.threads)
                why = RUNTIMES[runtime].why_not(wanted_of(job))
                if why is not None:
                    contract.tell(f"{network} {runtime}: {why}")
                    continue
                compare(contract, f"{network} {runtime}", job, options.repeats, options.tokens)
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
        artifact=None if runtime == "torch" else str(folder / "converted" / f"{checkpoint.name}-{runtime}"),
    )


def compare(contract: Contract, name: str, job: CellJob, repeats: int, tokens: int) -> None:
    """Convert, load, and time the three sides in turn."""
    made = convert(job, lambda _: None)
    family = FAMILIES[job.model.family]
    ours = family.load(job.model, job.variant, replace(context_of(job), engine=engine_for(job)))
    theirs = family.load(job.model, VariantSpec(), context_of(job))
    decoding = Decoding(max_new_tokens=tokens)

    def asked(model: Any) -> Side:
        return (lambda: model.classify([TEXT])) if job.labels else (lambda: model.generate([TEXT], decoding))

    sides = {"bench": asked(ours), "bare": BARE[job.variant.runtime](ours, tokens), "torch": asked(theirs)}
    for side in sides.values():
        for _ in range(WARM_UP):
            side()
    if not job.labels:
        same = ours.generate([TEXT], decoding)[0].text == theirs.generate([TEXT], decoding)[0].text
        contract.tell(f"{name}: the words are {'the same' if same else 'other ones'}")
    seconds = interleaved(sides, repeats)
    median = {side: float(np.median(values)) for side, values in seconds.items()}
    gain = ratio_of(seconds["torch"], seconds["bench"])
    contract.tell(
        f"{name}: bench {1e3 * median['bench']:.2f} ms, bare {1e3 * median['bare']:.2f} ms, eager torch "
        f"{1e3 * median['torch']:.2f} ms; torch takes {gain} times as long; converted in {made['convert_s']:.0f} s, "
        f"{int(str(made['artifact_bytes'])) / 2**20:.0f} MiB"
    )
    ratio = ratio_of(seconds["bench"], seconds["bare"])
    contract.hold(f"{name}: bench to the bare loop", ratio, at_least=LOWEST, at_most=HIGHEST)


def bare_graphs(model: Any, tokens: int) -> Side:
    """Make a loop over the graphs of ONNX Runtime or OpenVINO, of one text."""
    stand, tokenizer = model.module, model.tokenizer
    sessions, sizes = stand.sessions, stand.sizes
    end, states = tokenizer.eos_token_id, 2 * stand.sizes.layers
    past = [f"past{place}" for place in range(states)]

    def read() -> np.ndarray[Any, Any]:
        return np.array([tokenizer(TEXT)["input_ids"]], dtype=np.int64)

    def head() -> object:
        ids = read()
        (logits,) = sessions["head"]({"ids": ids, "mask": np.ones_like(ids)})
        return torch.from_numpy(sessions["head"].array(logits)).log_softmax(-1).tolist()

    def write() -> str:
        session, ids, written, more = sessions["text"], read(), [], {}
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
            written.append(int(session.array(logits)[0, 0].argmax()))
            before, ids = before + count, np.array([written[-1:]], dtype=np.int64)
        return str(tokenizer.decode(written, skip_special_tokens=True))

    return head if stand.role == "head" else write


def bare_ctranslate2(model: Any, tokens: int) -> Side:
    """Make a call of CTranslate2's own interface, of one text."""
    opened, tokenizer = model.module.opened, model.tokenizer
    names = tokenizer.convert_ids_to_tokens

    def head() -> object:
        made = opened.forward_batch([tokenizer(TEXT)["input_ids"]])
        state = np.array(made.pooler_output)
        for weight, bias, _ in model.module.layers:
            state = state @ weight + bias
        return torch.from_numpy(state).log_softmax(-1).tolist()

    def text() -> str:
        rows = [names(tokenizer(TEXT)["input_ids"])]
        (made,) = opened.generate_batch(
            rows, max_length=tokens, beam_size=1, include_prompt_in_result=False, return_end_token=True
        )
        return str(tokenizer.decode(made.sequences_ids[0], skip_special_tokens=True))

    def source_text() -> str:
        rows = [names(tokenizer(TEXT)["input_ids"])]
        (made,) = opened.translate_batch(rows, max_decoding_length=tokens, beam_size=1, return_end_token=True)
        return str(tokenizer.decode(tokenizer.convert_tokens_to_ids(made.hypotheses[0]), skip_special_tokens=True))

    return {"encoder": head, "causal-lm": text, "seq2seq": source_text}[model.spec.family]


BARE = {"ctranslate2": bare_ctranslate2, "onnxruntime": bare_graphs, "openvino": bare_graphs}


if __name__ == "__main__":
    sys.exit(main())
