"""Start-up: `bench --help` against `python -c pass`, interleaved in one run, and what it imports.

python benchmarks/startup.py [--repeats 15]

Wanted: at most 12 times the interpreter's own start.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
from functools import partial

from contract import Contract, interleaved, make_parser, ratio_of

WANTED_RATIO = 12.0
"""The interpreter alone takes some 15 ms; a command that answers in a fifth of a second feels immediate."""

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


def start(command: list[str]) -> None:
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)


def main() -> int:
    arguments = make_parser(__doc__, repeats=15).parse_args()
    contract = Contract()
    times = interleaved({name: partial(start, command) for name, command in COMMANDS.items()}, arguments.repeats)
    for name, values in times.items():
        contract.tell(f"{name:16} {statistics.median(values) * 1e3:7.1f} ms  (least {min(values) * 1e3:.1f} ms)")
    imported = subprocess.run([sys.executable, "-c", IMPORTED], check=True, capture_output=True, text=True)
    contract.tell(f"third-party packages that 'bench --help' imports: {imported.stderr.strip()}")
    contract.hold("ratio", ratio_of(times["bench --help"], times["python -c pass"]), at_most=WANTED_RATIO)
    return contract.close(arguments.json)


if __name__ == "__main__":
    sys.exit(main())
