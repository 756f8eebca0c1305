"""What it costs to admit a model: cells of the quickstart and of GPT-2 at its full size, with admission and without.

    python benchmarks/admission.py [--repeats 6] [--only 'gpt2*'] [--profile quick] [--json FILE]

The same cells are run in this process in turn, with admission and with nothing in its place, so that a drift of the
machine falls on both. There is no such switch for users. A cell keeps to the bound if what admission took is less than
3 % of the cell or less than 1 s. It is counted in seconds of the CPU, which other work on the machine does not stretch;
the cells have one thread. The weights of GPT-2 are random, which changes no time.
"""

from __future__ import annotations

import fnmatch
import json
import os
import statistics
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any
from unittest import mock

os.environ.setdefault("HF_HUB_OFFLINE", "1")

import transformers
from contract import Contract, Ratio, interleaved, make_parser, ratio_of
from random_models import byte_tokenizer
from transformers import GPT2Config, GPT2LMHeadModel

from bench.admission.admit import Admission, admit, settle
from bench.admission.earlier import Verdict
from bench.admission.vocabulary import Unknown
from bench.planning import Options, make_plan, open_suite
from bench.record import Cell
from bench.running.worker import cell as worker

SHARE, SECONDS = 0.03, 1.0
"""Most that admission may take of a cell, and what it may take of any."""
EXAMPLES = 64
FULL_SIZE = """\
name: full size
defaults: {{device: cpu, threads: 1, batch_size: 16}}
models: [{{name: gpt2-124M, family: causal-lm, checkpoint: {checkpoint}}}]
tasks:
  - {{name: choose, kind: multiple-choice, data: {{path: rows.jsonl}}}}
  - {{name: write, kind: summarisation, data: {{path: rows.jsonl}}, prompt: "{{document}}", max_new_tokens: 24}}
  - {{name: likely, kind: language-modelling, data: {{path: rows.jsonl}}}}
measure: {{profile: quick}}
"""


def full_size(folder: Path) -> Path:
    """Write the suite of GPT-2 with 124 million parameters."""
    checkpoint = folder / "gpt2"
    GPT2LMHeadModel(GPT2Config(bos_token_id=1, eos_token_id=1)).save_pretrained(checkpoint)
    byte_tokenizer(whole=False).save_pretrained(checkpoint)
    care = [", ".join(["with care"] * (number % 5)) for number in range(EXAMPLES)]
    texts = [f"Parcel {number} left the port on day {number % 7} {how}." for number, how in enumerate(care)]
    choice = {"choices": ["on time", "late", "lost"], "answer": "late", "summary": "late"}
    rows = [{"question": text, "document": text, "text": text, **choice} for text in texts]
    (folder / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    suite = folder / "suite.yaml"
    suite.write_text(FULL_SIZE.format(checkpoint=checkpoint))
    return suite


def cells(suite: str, results: Path, profile: str) -> Iterator[Cell]:
    """Yield the cells of a suite that are admitted and can be run here."""
    plan = make_plan(open_suite(suite), results, Options(profile=profile))
    for cell in plan.written(results):
        job = cell.to_run()
        missing = job.model.checkpoint is not None and not Path(job.model.checkpoint).is_dir()
        if cell.unsupported is None and not missing and cell.family != "baseline":
            yield cell


def nothing(*_: object, **__: object) -> Admission:
    """Stand in for admission, and look at nothing."""
    return Admission(Unknown(0, 0), Verdict(0, 0, None, None))


def compared(contract: Contract, cell: Cell, repeats: int) -> tuple[float, float]:
    """Run a cell with admission and without, in turn; return the CPU seconds that it took, and their share."""
    took: list[float] = []

    def timed(work: Callable[..., Admission], *arguments: Any) -> Admission:
        begun = time.process_time()
        admission = work(*arguments)
        took[-1] += time.process_time() - begun
        return admission

    def run() -> None:
        worker.run_cell(cell, 0, lambda _: None)

    def admitted() -> None:
        took.append(0.0)
        with (
            mock.patch.object(worker, "admit", partial(timed, admit)),
            mock.patch.object(worker, "settle", partial(timed, settle)),
        ):
            run()

    def unproved() -> None:
        with mock.patch.object(worker, "admit", nothing):
            run()

    seconds = interleaved({"with": admitted, "without": unproved}, repeats)
    ratio: Ratio = ratio_of(seconds["with"], seconds["without"])
    cost, whole = statistics.median(took), statistics.median(seconds["without"])
    contract.tell(f"{cell.label:28} {cost:6.3f} s of CPU, {cost / whole:6.1%} of {whole:6.1f} s; wall {ratio}")
    return cost, cost / whole


def main() -> int:
    """Print a line for each cell, and whether all keep to the bound."""
    parser = make_parser(__doc__, repeats=6)
    parser.add_argument("--only", default="*", help="cells whose label fits this pattern")
    parser.add_argument("--profile", choices=("quick", "standard", "off"), default="quick")
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
    contract, costs = Contract(), []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        run = partial(compared, contract, repeats=options.repeats)
        for suite in ("quickstart", str(full_size(folder))):
            for cell in cells(suite, folder / "results", options.profile):
                if fnmatch.fnmatch(cell.label, options.only):
                    costs.append(run(cell))
    contract.hold("cells", len(costs), at_least=1)
    over = [seconds for seconds, share in costs if seconds > SECONDS and share > SHARE]
    contract.hold("cells over both bounds", len(over), at_most=0)
    contract.tell(f"longest: {max((seconds for seconds, _ in costs), default=0.0):.2f} s")
    return contract.close(options.json)


if __name__ == "__main__":
    sys.exit(main())
