"""Start-up: `bench --help` against `python -c pass`, interleaved in one run, and what it imports.

python benchmarks/startup.py [--repeats 15]
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import time

COMMANDS = {
    "python -c pass": [sys.executable, "-c", "pass"],
    "bench --help": [sys.executable, "-m", "bench", "--help"],
}
IMPORTED = """
import sys
before = set(sys.modules)
from bench.__main__ import main
main(["--help"])
new = {name.partition(".")[0] for name in set(sys.modules) - before}
print(" ".join(sorted(new - set(sys.stdlib_module_names))), file=sys.stderr)
"""


def seconds(command: list[str]) -> float:
    start = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - start


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=15)
    repeats = parser.parse_args().repeats
    times: dict[str, list[float]] = {name: [] for name in COMMANDS}
    for _ in range(repeats):
        for name, command in COMMANDS.items():
            times[name].append(seconds(command))
    medians = {name: statistics.median(values) for name, values in times.items()}
    for name, value in medians.items():
        print(f"{name:16} {value * 1e3:7.1f} ms  (median of {repeats}, least {min(times[name]) * 1e3:.1f} ms)")
    print(f"ratio            {medians['bench --help'] / medians['python -c pass']:7.2f}")
    found = subprocess.run([sys.executable, "-c", IMPORTED], check=True, capture_output=True, text=True)
    print(f"third-party packages that 'bench --help' imports: {found.stderr.strip()}")


if __name__ == "__main__":
    main()
