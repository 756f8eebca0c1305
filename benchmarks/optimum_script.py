"""One GPT-2 generation by optimum-benchmark; `peer_optimum.py` runs this with the peer's own Python.

    peer/bin/python optimum_script.py LAUNCHER MODEL SECONDS PROMPT_TOKENS NEW_TOKENS THREADS

Prints `RESULT` and a JSON object: phase to median in seconds, count and the single values.
"""

from __future__ import annotations

import json
import sys

from optimum_benchmark import (
    Benchmark,
    BenchmarkConfig,
    InferenceConfig,
    InlineConfig,
    ProcessConfig,
    PyTorchConfig,
)


def main() -> None:
    """Runs the peer once with the command line's settings."""
    launcher, model, seconds, prompt, new, threads = sys.argv[1:]
    scenario = InferenceConfig(
        latency=True,
        memory=False,
        iterations=5,
        duration=int(float(seconds)),
        warmup_runs=3,
        input_shapes={"batch_size": 1, "sequence_length": int(prompt)},
        generate_kwargs={"max_new_tokens": int(new), "min_new_tokens": int(new), "do_sample": False},
    )
    backend = PyTorchConfig(
        model=model,
        device="cpu",
        task="text-generation",
        library="transformers",
        inter_op_num_threads=1,
        intra_op_num_threads=int(threads),
    )
    chosen = InlineConfig() if launcher == "inline" else ProcessConfig()
    report = Benchmark.launch(BenchmarkConfig(name="generation", launcher=chosen, scenario=scenario, backend=backend))
    phases = {name: part["latency"] for name, part in report.to_dict().items() if isinstance(part, dict)}
    found = {name: [part["p50"], part["count"], part["values"]] for name, part in phases.items() if part}
    print("RESULT " + json.dumps(found))


if __name__ == "__main__":
    main()
