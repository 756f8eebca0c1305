"""The client of a local server, in a process of its own: what to offer comes as JSON, what came of it goes as JSON."""

from __future__ import annotations

import asyncio
import json
import sys
from typing import Any

from bench.candidates.served.api import Writing, asked
from bench.candidates.served.client import Client
from bench.candidates.served.keep import Spending
from bench.candidates.served.patience import Patience
from bench.measure.load.progress import document_of
from bench.measure.load.run import Asked, Load, run_load
from bench.suite import EndpointSpec, LoadSpec


async def offer(order: dict[str, Any]) -> Load:
    """Load the server that an order names; its examples are named by their places, and no prompt is salted."""
    spec = LoadSpec.model_validate(order["load"])
    endpoint = EndpointSpec(url=order["url"], model="local", api="completions")
    prompts = tuple(str(example) for example in range(order["examples"]))
    offered = Asked(
        prompts=prompts,
        ask=lambda prompt: asked(endpoint, prompt, Writing(1)),
        arrivals=spec.arrivals,
        trace=tuple(spec.trace or ()),
        window_s=spec.window_s,
        seed=order["seed"],
        salted=False,
    )
    rates = None if spec.levels == "auto" else sorted(spec.levels)
    async with Client(endpoint) as client:
        patience = Patience(client, Spending(endpoint, None))
        return await run_load(patience, offered, rates, rung_s=spec.rung_s, most=spec.max_under_way)


def main() -> None:
    """Read the order, and write what the load showed."""
    json.dump(document_of(asyncio.run(offer(json.load(sys.stdin)))), sys.stdout)


if __name__ == "__main__":
    main()
