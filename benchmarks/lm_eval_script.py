"""What `peer_lm_eval.py` runs in lm-evaluation-harness's own Python: one task, one model, answers and times as JSON.

python lm_eval_script.py MODEL_FOLDER TASK TASKS_FOLDER BATCH_SIZE THREADS ANSWERS_FILE
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import Any


def main() -> None:
    """Writes the per-document answers and the seconds of the scoring loop."""
    model, task, tasks, batch_size, threads, answers = sys.argv[1:]
    import torch
    from lm_eval import simple_evaluate
    from lm_eval.models.huggingface import HFLM
    from lm_eval.tasks import TaskManager

    torch.set_num_threads(int(threads))
    seconds: list[float] = []
    for name in ("loglikelihood", "generate_until"):
        setattr(HFLM, name, _timed(getattr(HFLM, name), seconds))
    found: Any = simple_evaluate(
        model="hf",
        model_args={"pretrained": model, "dtype": "float32"},
        tasks=[task],
        task_manager=TaskManager(include_path=tasks, include_defaults=False),
        batch_size=int(batch_size),
        device="cpu",
        log_samples=True,
        bootstrap_iters=0,
    )
    rows = {sample["doc"]["id"]: sample["resps"] for sample in found["samples"][task]}
    Path(answers).write_text(json.dumps({"loop_s": sum(seconds), "answers": rows}))


def _timed(method: Any, seconds: list[float]) -> Any:
    def timed(self: Any, *arguments: Any, **options: Any) -> Any:
        start = time.perf_counter()
        answers = method(self, *arguments, **options)
        seconds.append(time.perf_counter() - start)
        return answers

    return timed


if __name__ == "__main__":
    main()
