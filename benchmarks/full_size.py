"""GPT-2 124M, BERT-base 110M and T5-small 60M at their full size, through `bench run` on a suite by path.

    python benchmarks/full_size.py [--examples 8] [--threads 2] [--profile quick]

The configurations are the published ones; the weights are random and saved in a temporary folder, since what is shown
is that models of this size go through: status, load, memory, latency, throughput. The tokenizers are the benchmarks'
byte tokenizers, so that a text has as many tokens as bytes; the embeddings keep their published size.

Source of the configurations: the defaults of transformers' `GPT2Config`, `BertConfig` and `T5Config`, which are GPT-2
small's, BERT-base's and T5-small's.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from contract import Contract, make_parser
from random_models import LABELS, byte_tokenizer
from transformers import (
    BertConfig,
    BertForSequenceClassification,
    GPT2Config,
    GPT2LMHeadModel,
    T5Config,
    T5ForConditionalGeneration,
    set_seed,
)

from bench.store import Store
from bench.summary import summarise
from bench.summary.entry import Entry
from bench.units import format_quantity

PUBLISHED = {"gpt2": 124_439_808, "bert": 109_483_778, "t5": 60_506_624}
"""Parameters, shared ones once; BERT with its head over two labels."""

SHOWN = {
    "parameters": "parameters",
    "load_s": "load",
    "peak_rss_bytes": "peak memory",
    "latency_p50_s": "latency p50",
    "latency_p95_s": "latency p95",
    "throughput_examples_per_s": "examples/s",
}
"""Reading → title."""
EXPECTED_OK = 5
"""All three on the classification; GPT-2 and T5 on the translation, which an encoder cannot do."""

SUITE = """\
name: full-size
defaults: {{device: cpu, threads: {threads}, batch_size: 4, memory_limit: 6 GiB, timeout_s: 900}}
models:
  - {{name: gpt2, family: causal-lm, checkpoint: ./gpt2}}
  - {{name: bert, family: encoder, checkpoint: ./bert}}
  - {{name: t5, family: seq2seq, checkpoint: ./t5}}
tasks:
  - {{name: topic, kind: classification, data: {{path: topic.jsonl}}}}
  - {{name: german, kind: translation, data: {{path: german.jsonl}}, max_new_tokens: 12}}
measure: {{profile: {profile}}}
objectives: [quality, latency_p50_s, peak_memory_bytes]
"""


def main() -> int:
    """Print the table, and whether every cell that can run is ok."""
    options = _options()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_models(folder)
        write_suite(folder, options)
        start = time.perf_counter()
        command = [
            sys.executable,
            "-m",
            "bench",
            "run",
            str(folder / "suite.yaml"),
            "--results",
            str(folder / "results"),
        ]
        done = subprocess.run([*command, "--no-report"], env=dict(os.environ), stdout=subprocess.DEVNULL, check=False)
        print(f"bench run: exit code {done.returncode}, {time.perf_counter() - start:.0f} s, {options.threads} threads")
        contract = Contract()
        show(contract, folder / "results")
        return contract.close(options.json)


def show(contract: Contract, results: Path) -> None:
    """Print one line per cell."""
    with Store.open(results) as store:
        entries = summarise(store.load("latest", rows=True).records)
    print(f"{'cell':16s}{'status':>12s}" + "".join(f"{title:>{max(len(title) + 2, 11)}s}" for title in SHOWN.values()))
    for entry in entries:
        values = "".join(f"{_shown(entry, name):>{max(len(title) + 2, 11)}s}" for name, title in SHOWN.items())
        why = f"  {entry.reason}" if entry.reason else ""
        print(f"{entry.cell.label:16s}{entry.status:>12s}{values}{why}")
    statuses = [entry.status for entry in entries]
    bad = [status for status in statuses if status not in ("ok", "unsupported")]
    contract.hold("cells that failed", len(bad), at_most=0)
    contract.hold("cells that are ok", statuses.count("ok"), at_least=EXPECTED_OK)


def _shown(entry: Entry, name: str) -> str:
    found = entry.efficiency.get(name)
    if found is None or found.value is None:
        return "-"
    return f"{found.value:,.0f}" if found.unit == "count" else format_quantity(found.value, found.unit)


def write_models(folder: Path) -> None:
    """Saves the three models, and checks that they are as large as the published ones."""
    set_seed(0)
    heads = {"id2label": dict(enumerate(LABELS)), "label2id": {name: place for place, name in enumerate(LABELS)}}
    modules = {
        "gpt2": GPT2LMHeadModel(GPT2Config(bos_token_id=1, eos_token_id=1)),
        "bert": BertForSequenceClassification(BertConfig(**heads)),
        "t5": T5ForConditionalGeneration(T5Config(decoder_start_token_id=0)),
    }
    for name, module in modules.items():
        count = sum(parameter.numel() for parameter in module.parameters())
        assert count == PUBLISHED[name], f"{name} has {count:,} parameters, not {PUBLISHED[name]:,}"
        module.save_pretrained(folder / name)
        byte_tokenizer(whole=name != "gpt2").save_pretrained(folder / name)


def write_suite(folder: Path, options: argparse.Namespace) -> None:
    """Writes the data and the suite."""
    texts = [f"Parcel {place} left the port of Bremen on day {place % 7}." for place in range(options.examples)]
    topic = [{"text": text, "label": LABELS[place % 2]} for place, text in enumerate(texts)]
    german = [{"source": text, "target": text} for text in texts]
    for name, rows in (("topic", topic), ("german", german)):
        (folder / f"{name}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    (folder / "suite.yaml").write_text(SUITE.format(threads=options.threads, profile=options.profile))


def _options() -> argparse.Namespace:
    parser = make_parser(__doc__)
    parser.add_argument("--examples", type=int, default=8)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--profile", choices=("quick", "standard"), default="quick")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
