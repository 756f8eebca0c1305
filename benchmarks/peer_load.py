"""bench's load beside AIPerf's and GuideLLM's, on the same `transformers serve`: same rates, prompts and lengths.

    python benchmarks/peer_load.py --model suites/quickstart/gpt2-small [--rates 1 2] [--seconds 30]

Each tool offers requests at equal gaps, one tool after another. The peers live in environments of their own, which are
made in a temporary folder (`--environments` keeps them for the next time). AIPerf knows tokenizers by their Hub name
alone, so that the model's folder is laid into a cache of its own. `--url` takes a server that runs already.

What is compared: medians and 95th percentiles of TTFT and of the latency, counted from the moment of sending, as both
peers count. bench's own numbers count from the intended moment, and stand beside: where the client or its connection is
late, the peers do not see it. About 2 minutes a rate on a quiet machine, and 3 for making the environments.

Exit code 3: a peer could not be installed or run here, with the reason.
"""

from __future__ import annotations

import asyncio
import json
import os
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

sys.path.insert(0, str(Path(__file__).parents[1]))

import numpy as np
from contract import Contract, make_parser

from bench.candidates.served.api import Writing, asked
from bench.candidates.served.client import Client
from bench.candidates.served.keep import Spending
from bench.candidates.served.patience import Patience
from bench.measure.load.level import NS_PER_S, Level
from bench.measure.load.run import Asked, Generator
from bench.suite import EndpointSpec

PEERS = {"aiperf": "aiperf==0.13.*", "guidellm": "guidellm==0.8.*"}
NOT_HERE = 3
TOKENS = 16
CLOSE_SHARE, CLOSE_S = 0.1, 0.003
"""Medians of two tools, one after another on the same server, agree within 10 %, or 3 ms."""
SHOWN_LINES, SHOWN_CHARACTERS = 6, 600
"""Of what a process wrote before it failed."""
HUB_NAME, COMMIT = "bench/served", "0" * 40
TIMES = ("TTFT p50", "TTFT p95", "latency p50", "latency p95")


class NotHereError(Exception):
    """A peer cannot be had or run here."""


@dataclass(frozen=True)
class Target:
    """What all tools ask."""

    url: str
    """Without `/v1`."""
    model: str
    """Its name in requests."""
    tokenizer: Path
    prompts: tuple[str, ...]
    folder: Path
    environments: Path


def run(command: Sequence[str | Path], what: str, environment: Mapping[str, str], timeout_s: float = 900) -> None:
    """Run a command of a peer; its last line tells why it failed."""
    try:
        done = subprocess.run(
            [str(word) for word in command],
            env={**os.environ, **environment},
            capture_output=True,
            text=True,
            timeout=timeout_s,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise NotHereError(f"{what}: {error}") from error
    if done.returncode:
        raise NotHereError(f"{what} ended with exit code {done.returncode}: {end_of(done.stdout + done.stderr)}")


def end_of(text: str) -> str:
    """Show the end of what a process wrote, in one line."""
    lines = [line for line in text.splitlines() if line.strip()]
    return " | ".join(lines[-SHOWN_LINES:])[-SHOWN_CHARACTERS:]


def installed(peer: str, environments: Path) -> Path:
    """Make the environment of a peer unless it is there; returns its command."""
    folder = environments / peer
    command = folder / "bin" / peer
    if not command.exists():
        run([sys.executable, "-m", "venv", folder], f"an environment for {peer}", {})
        run([folder / "bin" / "pip", "install", "--quiet", PEERS[peer]], f"installing {PEERS[peer]}", {})
    return command


@contextmanager
def serving(model: Path) -> Iterator[str]:
    """Run `transformers serve` on a free port until the block ends; yields its address."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    words = ["-m", "transformers.cli.transformers", "serve", str(model), "--port", str(port), "--device", "cpu"]
    environment = {**os.environ, "HF_HUB_OFFLINE": "1", "TOKENIZERS_PARALLELISM": "false"}
    url = f"http://127.0.0.1:{port}"
    with tempfile.TemporaryFile() as told:
        server = subprocess.Popen(
            [sys.executable, *words, "--dtype", "float32"], env=environment, stdout=subprocess.DEVNULL, stderr=told
        )
        try:
            wait_for(server, url)
            yield url
        except NotHereError as error:
            raise NotHereError(f"{error}; {last_words(server, told)}") from error
        finally:
            server.terminate()
            try:
                server.wait(10)
            except subprocess.TimeoutExpired:
                server.kill()


def wait_for(server: subprocess.Popen[bytes], url: str, deadline_s: float = 180) -> None:
    """Wait until a server is healthy."""
    end = time.monotonic() + deadline_s
    while time.monotonic() < end:
        if server.poll() is not None:
            raise NotHereError("`transformers serve` did not start (pip install -e '.[serving]')")
        try:
            with urllib.request.urlopen(f"{url}/health", timeout=2):
                return
        except OSError:
            time.sleep(0.3)
    raise NotHereError(f"`transformers serve` was not ready after {deadline_s:g} s")


def last_words(server: subprocess.Popen[bytes], told: BinaryIO) -> str:
    """Say whether a server still runs, and what it wrote last."""
    ended = server.poll()
    told.seek(0)
    text = told.read().decode(errors="replace")
    state = "the server runs" if ended is None else f"the server ended with exit code {ended}"
    return f"{state}, and wrote last: {end_of(text) or 'nothing'}"


Numbers = Mapping[str, float]
"""Seconds, by the names of `TIMES`."""


def ours(target: Target, rate: float, seconds: float) -> tuple[Numbers, Numbers, float]:
    """Offer bench's own level; returns its times from the moments of sending, from the intended ones, and the lag."""
    spec = EndpointSpec(url=f"{target.url}/v1", model=target.model, api="completions", silence="120 s")
    offered = Asked(
        target.prompts,
        lambda prompt: asked(spec, prompt, Writing(TOKENS)),
        arrivals="constant",
        window_s=seconds,
        salted=False,
    )

    async def level() -> Level:
        async with Client(spec) as client:
            patience = Patience(client, Spending(spec, None))
            await patience.answer(offered.ask(target.prompts[0]))  # the first request loads the model
            return await Generator(patience, offered).level(0, rate)

    rows = asyncio.run(level()).requests
    if not all(row.exchange.is_ok for row in rows):
        raise NotHereError(
            f"bench's own requests failed: {next(r.exchange.problem for r in rows if not r.exchange.is_ok)}"
        )
    firsts = np.array([(row.exchange.first_ns or row.exchange.end_ns) for row in rows], dtype=np.float64)
    ends, sent = (np.array([getattr(row.exchange, n) for row in rows], dtype=np.float64) for n in ("end_ns", "sent_ns"))
    intended = np.array([row.exchange.intended_ns for row in rows], dtype=np.float64)
    lag = float(np.quantile(sent - intended, 0.95)) / NS_PER_S
    return quantiles(firsts - sent, ends - sent), quantiles(firsts - intended, ends - intended), lag


def quantiles(ttft_ns: np.ndarray, latency_ns: np.ndarray) -> Numbers:
    """Take the medians and the 95th percentiles, in seconds."""
    values = [np.quantile(times, q) / NS_PER_S for times in (ttft_ns, latency_ns) for q in (0.5, 0.95)]
    return dict(zip(TIMES, map(float, values), strict=True))


def aiperf(target: Target, rate: float, seconds: float) -> Numbers:
    """Let AIPerf offer the same."""
    prompts, out = target.folder / "aiperf.jsonl", target.folder / f"aiperf-{rate:g}"
    prompts.write_text("\n".join(json.dumps({"text": prompt}) for prompt in target.prompts))
    words = ["profile", "--model", target.model, "--url", target.url, "--endpoint-type", "completions", "--streaming"]
    words += ["--tokenizer", HUB_NAME, "--input-file", str(prompts), "--custom-dataset-type", "single_turn"]
    words += ["--request-rate", f"{rate:g}", "--request-rate-mode", "constant"]
    words += ["--request-count", str(round(rate * seconds)), "--extra-inputs", f"max_tokens:{TOKENS}"]
    words += ["--extra-inputs", "temperature:0", "--use-server-token-count", "--artifact-dir", str(out), "--ui", "none"]
    home = laid_into_cache(target)
    run([installed("aiperf", target.environments), *words], "aiperf", {"HF_HOME": str(home), "HF_HUB_OFFLINE": "1"})
    told = json.loads((out / "profile_export_aiperf.json").read_text())
    parts = (told["time_to_first_token"], told["request_latency"])
    return dict(zip(TIMES, (part[q] / 1e3 for part in parts for q in ("p50", "p95")), strict=True))


def laid_into_cache(target: Target) -> Path:
    """Lay the tokenizer's files into a Hub cache, under a name of the form `owner/name`."""
    home = target.folder / "hub-home"
    place = home / "hub" / f"models--{HUB_NAME.replace('/', '--')}"
    snapshot = place / "snapshots" / COMMIT
    if not snapshot.exists():
        snapshot.mkdir(parents=True)
        (place / "refs").mkdir()
        (place / "refs" / "main").write_text(COMMIT)
        for file in target.tokenizer.glob("*.json"):
            (snapshot / file.name).symlink_to(file.resolve())
    return home


def guidellm(target: Target, rate: float, seconds: float) -> Numbers:
    """Let GuideLLM offer the same."""
    prompts, out = target.folder / "guidellm.jsonl", target.folder / f"guidellm-{rate:g}.json"
    prompts.write_text("\n".join(json.dumps({"prompt": prompt}) for prompt in target.prompts))
    backend = f"kind=openai_http,target={target.url},model={target.model},request_format=/v1/completions"
    words = ["run", "--backend", f"{backend},max_tokens={TOKENS}", "--profile", f"kind=constant,rate={rate:g}"]
    words += ["--constraint", f"kind=max_requests,count={round(rate * seconds)}"]
    words += ["--tokenizer", f"kind=huggingface_auto,model={target.tokenizer}"]
    words += ["--data", f"kind=json_file,path={prompts}", "--output", f"kind=json,path={out}", "--disable-console"]
    run([installed("guidellm", target.environments), *words], "guidellm", {"HF_HUB_OFFLINE": "1"})
    metrics = json.loads(out.read_text())["benchmarks"][0]["metrics"]
    ttft, latency = (metrics[name]["successful"] for name in ("time_to_first_token_ms", "request_latency"))
    values = [ttft["median"] / 1e3, ttft["percentiles"]["p95"] / 1e3, latency["median"], latency["percentiles"]["p95"]]
    return dict(zip(TIMES, values, strict=True))


def compare(target: Target, rate: float, seconds: float, contract: Contract) -> None:
    """Offer one rate by each tool, and hold bench's medians against the peers'."""
    own, intended, lag = ours(target, rate, seconds)
    found = {"bench": own, "bench, from the intended moment": intended}
    found |= {"aiperf": aiperf(target, rate, seconds), "guidellm": guidellm(target, rate, seconds)}
    contract.tell(f"{rate:g} requests/s for {seconds:g} s, bench's lag p95 {1e3 * lag:.2f} ms")
    for tool, numbers in found.items():
        contract.tell(f"  {tool}: " + ", ".join(f"{name} {1e3 * numbers[name]:.1f} ms" for name in TIMES))
    for peer in PEERS:
        for name in ("TTFT p50", "latency p50"):
            apart = abs(own[name] - found[peer][name])
            close = apart <= max(CLOSE_SHARE * found[peer][name], CLOSE_S)
            contract.require(f"{name} at {rate:g}/s as {peer} has it", close, f"{1e3 * apart:.1f} ms apart")


def main() -> int:
    """Compare at each rate; the exit code says whether the medians agree."""
    parser = make_parser(__doc__)
    parser.add_argument("--model", type=Path, required=True, help="folder of the model that is served")
    parser.add_argument("--rates", type=float, nargs="+", default=[1.0, 2.0], help="requests a second")
    parser.add_argument("--seconds", type=float, default=30.0, help="of each level")
    parser.add_argument("--environments", type=Path, help="where the peers' environments are, or will be kept")
    parser.add_argument("--url", help="a server that runs already, without /v1")
    parser.add_argument("--name", help="the model's name in requests; by default its folder")
    arguments, contract = parser.parse_args(), Contract()
    model, name = arguments.model.resolve(), arguments.name or str(arguments.model.resolve())
    prompts = tuple(f"The harbour of Hamburg has the berth number {number}, and" for number in range(50))
    with tempfile.TemporaryDirectory() as folder:
        environments = (arguments.environments or Path(folder) / "environments").resolve()
        try:
            for peer in PEERS:
                installed(peer, environments)
            if arguments.url:
                target = Target(arguments.url, name, model, prompts, Path(folder), environments)
                for rate in arguments.rates:
                    compare(target, rate, arguments.seconds, contract)
            else:
                with serving(model) as url:
                    target = Target(url, name, model, prompts, Path(folder), environments)
                    for rate in arguments.rates:
                        compare(target, rate, arguments.seconds, contract)
        except NotHereError as error:
            contract.tell(f"not compared: {error}")
            contract.close(arguments.json)
            return NOT_HERE
    return contract.close(arguments.json)


if __name__ == "__main__":
    sys.exit(main())
