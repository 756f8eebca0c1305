"""Run the server alone, and write what it did: `python -m benchmarks.fake_server --port 8001 --first 0.02`.

Its first line on stdout is its address. When its standard input ends it writes its truths as JSON and stops.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
from dataclasses import asdict

from benchmarks.fake_server.behaviour import Behaviour, Law
from benchmarks.fake_server.server import Fake


def behaviour_of(arguments: argparse.Namespace) -> Behaviour:
    """Make a behaviour of the command line."""
    return Behaviour(
        first=Law(arguments.first, arguments.law),
        gap=Law(arguments.gap),
        tokens=arguments.tokens,
        servers=arguments.servers,
        stall_at_s=arguments.stall_at,
        stall_s=arguments.stall,
        seed=arguments.seed,
    )


async def serve(fake: Fake, until_killed: bool) -> None:
    """Serve until the standard input ends, then write the truths."""
    server = await fake.start()
    print(fake.url, flush=True)
    if until_killed:
        await asyncio.Event().wait()
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
    server.close()
    print(json.dumps([asdict(truth) for truth in fake.behaviour.truths]), flush=True)


def main() -> None:
    """Read the command line, and serve."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--first", type=float, default=0.0, help="seconds to the first token")
    parser.add_argument("--law", choices=("constant", "exponential"), default="constant", help="of the first token")
    parser.add_argument("--gap", type=float, default=0.0, help="seconds between tokens")
    parser.add_argument("--tokens", type=int, help="tokens of every answer")
    parser.add_argument("--servers", type=int, help="requests served at a time")
    parser.add_argument("--stall-at", type=float, help="seconds after the first request at which all stops")
    parser.add_argument("--stall", type=float, default=0.0, help="for how many seconds")
    parser.add_argument("--seed", type=int, default=42)
    parser.add_argument("--until-killed", action="store_true", help="serve on when the standard input ends")
    arguments = parser.parse_args()
    asyncio.run(serve(Fake(behaviour_of(arguments), arguments.port), arguments.until_killed))


if __name__ == "__main__":
    main()
