"""Prove what bench promises of a GPU, in one go and in nine minutes, on a machine without a network.

    python -m benchmarks.gpu.kit collect          here: wheels of what that machine lacks, and what to run there
    python -m benchmarks.gpu.kit run --out DIR    there: the tests marked gpu, then the measurements
    python -m benchmarks.gpu.kit dry --out DIR    on a CPU: the kit's own logic, with tiny models

`run` ends with 1 when a promise is broken or a step did not end, with 3 where there is no GPU; `docs/gpu.md` has more.
"""

from __future__ import annotations

import argparse
import os
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from importlib import import_module
from pathlib import Path

from benchmarks.gpu.kit.context import Context
from benchmarks.gpu.kit.environment import SetUpError, set_up, variables, why_no_gpu
from benchmarks.gpu.kit.rows import FILE, Ledger
from benchmarks.gpu.kit.runner import LIMIT_S, Log, Step, each_for, launched, run_steps

ROOT = Path(__file__).parents[3]
WHEELS = Path("benchmarks/gpu/wheels")
MODULE = "benchmarks.gpu.kit"
STEPS = (
    Step("machine", "The machine", 30),
    Step("tests", "Tests marked gpu", 260),
    Step("fidelity", "Latency against CUDA events", 60),
    Step("memory", "Memory against known allocations", 30),
    Step("energy", "Energy against an independent poll", 45),
    Step("models", "Models of published sizes", 90),
    Step("suite", "The full-size suite", 240),
    Step("left", "The machine afterwards", 20),
)
"""In order; together they may take more than the limit, since few take all of theirs."""
BODIES = {
    "machine": "checks:machine",
    "tests": "checks:tests",
    "fidelity": "timing:fidelity",
    "memory": "allocations:memory",
    "energy": "power:energy",
    "models": "full_size:models",
    "suite": "full_size:suite",
    "left": "checks:left",
}
"""Module and function of each step, imported in the step's own process alone."""
DRY_BUDGET_S = 240.0
NO_GPU = 3


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command."""
    options = _options(arguments)
    return int(options.command(options))


def collect(options: argparse.Namespace) -> int:
    """Collect the wheels here, and say what to run there."""
    from benchmarks.gpu.kit import wheels

    try:
        lines = wheels.collect(ROOT / options.wheels)
    except RuntimeError as error:
        print(error, file=sys.stderr)
        return 1
    print("\n".join(lines))
    print(f"\nOn the machine with the GPU, with {options.wheels} carried along, from the repository's root:\n")
    print(f"    {wheels.run_command()}")
    return 0


def run(options: argparse.Namespace) -> int:
    """Set up, and run all steps on the GPU."""
    start = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="bench-kit-", dir=options.scratch, ignore_cleanup_errors=True) as name:
        scratch = Path(name)
        site = scratch / "site" if options.wheels is not None else None
        try:
            if site is not None:
                set_up(options.wheels, site, scratch / "extras")
        except SetUpError as error:
            print(f"the kit cannot be set up: {error}", file=sys.stderr)
            return 1
        environment = variables(ROOT, scratch, site)
        if (scratch / "extras").exists():
            environment["BENCH_GPU_EXTRAS"] = str(scratch / "extras")
        asked = subprocess.run([sys.executable, "-m", MODULE, "why-no-gpu"], cwd=ROOT, env=environment, check=False)
        if asked.returncode:
            return asked.returncode
        return _steps(list(STEPS), "cuda:0", options, scratch, environment, start)


def dry(options: argparse.Namespace) -> int:
    """Run the same steps on the CPU: what needs a GPU is skipped, and says so."""
    start = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="bench-kit-", dir=options.scratch, ignore_cleanup_errors=True) as name:
        scratch = Path(name)
        chosen = [step for step in STEPS if options.only is None or step.name in options.only]
        environment = variables(ROOT, scratch, None) | {"CUDA_VISIBLE_DEVICES": ""}
        return _steps(each_for(chosen, DRY_BUDGET_S), "cpu", options, scratch, environment, start)


def _steps(
    steps: list[Step],
    device: str,
    options: argparse.Namespace,
    scratch: Path,
    environment: dict[str, str],
    start: float,
) -> int:
    options.out.mkdir(parents=True, exist_ok=True)
    (options.out / FILE).unlink(missing_ok=True)

    def command(step: Step, seconds: float) -> list[str]:
        places = ["--out", str(options.out.resolve()), "--scratch", str(scratch)]
        call = [sys.executable, "-m", MODULE, "step", step.name, *places]
        return [*call, "--device", device, "--seconds", f"{seconds:.1f}"]

    os.environ.update(environment)
    facts = {
        "device": device,
        "commit": _commit(),
        "host": f"{platform.machine()}, {os.cpu_count()} CPUs, Python {platform.python_version()}",
        "begun": time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime()),
    }
    log = Log(options.out, facts)
    os.chdir(ROOT)
    run_steps(steps, log, launched(command, options.out / "log.txt"), limit_s=options.limit, since=start)
    print((options.out / "kit.md").read_text(encoding="utf-8"))
    print(f"{time.monotonic() - start:.0f} s; results are in {options.out}")
    return 0 if log.passed else 1


def step(options: argparse.Namespace) -> int:
    """Run one step in this process; the kit calls this."""
    module, _, function = BODIES[options.name].partition(":")
    ledger = Ledger(options.out / FILE, options.name)
    context = Context(ledger, options.device, options.out, options.scratch, options.seconds)
    getattr(import_module(f"{MODULE}.{module}"), function)(context)
    return 0


def no_gpu(_: argparse.Namespace) -> int:
    """Explain why there is nothing to measure here."""
    why = why_no_gpu()
    if why is None:
        return 0
    print(
        f"no GPU to measure: {why}.\nThe kit needs an NVIDIA GPU that torch sees. Without one, "
        f"`python -m {MODULE} dry --out DIR` tries its logic on the CPU, and `python -m {MODULE} collect` prepares it "
        "for a machine that has one.",
        file=sys.stderr,
    )
    return NO_GPU


def _commit() -> str:
    asked = subprocess.run(
        ["git", "-C", str(ROOT), "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=False
    )
    return asked.stdout.strip() or "unknown"


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog=f"python -m {MODULE}", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    def add(name: str, body: Callable[[argparse.Namespace], int], shown: str | None) -> argparse.ArgumentParser:
        made = commands.add_parser(name, help=shown) if shown else commands.add_parser(name)
        made.set_defaults(command=body)
        return made

    collecting = add("collect", collect, "collect the wheels, and say what to run")
    collecting.add_argument("--wheels", type=Path, default=WHEELS, help="folder for them (default: %(default)s)")
    running = add("run", run, "run everything on the GPU")
    running.add_argument("--wheels", type=Path, help="carried wheels; without it, what is installed is used")
    dried = add("dry", dry, "try the kit's logic on the CPU")
    dried.add_argument("--only", nargs="*", choices=[each.name for each in STEPS], help="these steps alone")
    for each in (running, dried):
        each.add_argument("--out", type=Path, required=True, help="folder for the results")
        each.add_argument("--scratch", type=Path, help="folder for checkpoints, some 25 GB with `run`")
        each.add_argument("--limit", type=float, default=LIMIT_S, help="seconds for all (default: %(default)g)")
    stepping = add("step", step, None)
    stepping.add_argument("name", choices=[each.name for each in STEPS])
    stepping.add_argument("--out", type=Path, required=True)
    stepping.add_argument("--scratch", type=Path, required=True)
    stepping.add_argument("--device", required=True)
    stepping.add_argument("--seconds", type=float, required=True)
    add("why-no-gpu", no_gpu, None)
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
