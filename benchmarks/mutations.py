"""Plants faults of loading and scoring into good checkpoints and code paths, and tells which of them are found.

    python benchmarks/mutations.py [--only 'mask*'] [--slow] [--skip-families] [--json FILE]

Each fault of `tests/admission/faults.py` is planted into a tiny model that is right in all examples of its task, and
the cell is run. It is found by an error, or by a doubt; anything that is said of the good models is a false alarm. Good
are the models without their faults, and families of transformers whose fast path is the plain one. Some faults cannot
be known from inside: another valid network has taken the place of the right one. They are planted and counted too.
With `--slow` every model is taken for a slow one, whose proof is shorter, and is finished by the scoring's own answers.
"""

from __future__ import annotations

import fnmatch
import os
import sys
import tempfile
import warnings
from pathlib import Path

os.environ.setdefault("HF_HUB_OFFLINE", "1")
sys.path.insert(0, str(Path(__file__).parents[1]))

import transformers
from contract import Contract, make_parser
from families import plan, swept

from bench.admission import reference
from tests.admission.faults import BASES, FAULTS, alarms_of, answers_of, found

CAUSAL, HEAD, SEQ2SEQ = "causal", "head", "seq2seq"
PASSES = {
    **dict.fromkeys(("gpt2", "llama", "qwen2", "mistral"), (CAUSAL, HEAD)),
    **dict.fromkeys(("bert", "roberta", "distilbert", "electra"), (HEAD,)),
    **dict.fromkeys(("t5", "bart"), (HEAD, SEQ2SEQ)),
}
"""Families whose batched and cached answers are those of a plain pass, in these roles: leaving the fast path is a false
alarm. BART's decoder alone numbers positions by the column, so that its fast path is left rightly."""
FOUND_SHARE = 0.9
"""Of all faults, those that cannot be known included: 18 of 20."""
SHOWN = 100


def main() -> int:
    """Print a line for each fault and for each false alarm."""
    parser = make_parser(__doc__)
    parser.add_argument("--only", default="*", help="faults whose description fits this pattern")
    parser.add_argument("--skip-families", action="store_true", help="look for false alarms in the good models alone")
    parser.add_argument("--slow", action="store_true", help="admit every model as one that is slow")
    options = parser.parse_args()
    if options.slow:
        reference.BUDGET_S = 0.0
    warnings.simplefilter("ignore")
    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
    contract = Contract()
    faults = [fault for fault in FAULTS if fnmatch.fnmatch(fault.name, options.only)]
    answers, alarms = {}, 0
    for base in [base for base in BASES if base in {fault.base for fault in faults}]:
        with tempfile.TemporaryDirectory() as first, tempfile.TemporaryDirectory() as second:
            answers[base] = answers_of(base, Path(first))
            codes = alarms_of(base, Path(second), answers[base])
        alarms += len(codes)
        contract.tell(f"good      {base.name:55} {', '.join(codes) or 'nothing said'}")
    seen = []
    for fault in faults:
        with tempfile.TemporaryDirectory() as folder:
            by = found(fault, Path(folder), answers[fault.base])
        seen.append(by is not None)
        inside = "" if fault.from_inside else "(cannot be known from inside)"
        word, how = ("MISSED", inside) if by is None else ("found", by[:SHOWN])
        contract.tell(f"{word:9} {fault.name:55} {how}")
    good = [tried for tried in plan(False) if tried.title in PASSES.get(tried.tiny.name, ())]
    asked = 0
    for row in () if options.skip_families else swept(good):
        asked += row.verdict == "equal"
        if row.verdict in ("plain", "refused"):
            alarms += 1
            contract.tell(f"alarm     {row.name:20} {row.way:34} {row.detail}")
    known = [by for fault, by in zip(faults, seen, strict=True) if fault.from_inside]
    contract.tell(
        f"{sum(seen)} of {len(seen)} found; of those that can be known from inside {sum(known)} of {len(known)}"
    )
    contract.hold("faults planted", len(faults), at_least=20 if options.only == "*" else 1)
    contract.hold("share found", sum(seen) / max(1, len(seen)), at_least=FOUND_SHARE)
    if not options.skip_families:
        contract.hold("good families and ways without a word", asked, at_least=len(PASSES))
    contract.hold("false alarms", alarms, at_most=0)
    return contract.close(options.json)


if __name__ == "__main__":
    sys.exit(main())
