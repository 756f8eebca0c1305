"""Writes a network as another runtime reads it, once, in a process of its own."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from bench.candidates.engine import CONFIGURATION, Artifact, content_of
from bench.candidates.huggingface import keep_configuration
from bench.candidates.interface import Model
from bench.candidates.runtime import Wanted, form_of
from bench.candidates.runtimes import RUNTIMES
from bench.candidates.untyped import Network
from bench.errors import UnsupportedError
from bench.measure.placement import place
from bench.running.worker.executed import context_of, wanted_of
from bench.store.files import write_folder
from bench.suite import CellJob, VariantSpec


def convert(job: CellJob, notify: Callable[[str], None]) -> dict[str, object]:
    """Load the network of a job under torch, and write it to `job.artifact` as its runtime reads it.

    Returns:
        `convert_s` and `artifact_bytes`.

    Raises:
        UnsupportedError: the runtime cannot take this network.
    """
    begun = time.perf_counter()
    place(job.threads, job.cpus)
    runtime, wanted = RUNTIMES.find(job.variant.runtime), wanted_of(job)
    notify("load")
    model = wanted.family.load(job.model, VariantSpec(), context_of(job))
    network: Network = model
    notify(f"convert for {runtime.name}")

    def fill(folder: Path) -> None:
        try:
            runtime.convert(wanted, model, folder)
        except UnsupportedError:
            raise
        except Exception as error:
            line = str(error).strip().splitlines()[:1]
            raise UnsupportedError(
                f"the runtime '{runtime.name}' cannot convert this network ({type(error).__name__}: "
                f"{''.join(line)[:200]}); run it under torch"
            ) from error
        module = getattr(network, "module", None)
        if module is not None:
            keep_configuration(module, folder / CONFIGURATION)
        size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
        seconds = time.perf_counter() - begun
        about = replace(describe(model, wanted), convert_s=seconds, artifact_bytes=size)
        about = replace(about, content=content_of(folder))
        about.write(folder)

    output = Path(str(job.artifact))
    write_folder(output, fill)
    made = Artifact.read(output)
    return {"convert_s": made.convert_s, "artifact_bytes": made.artifact_bytes}


def describe(model: Model, wanted: Wanted) -> Artifact:
    """Describe the network of a model that torch has loaded, as the one that stands in its place must know it."""
    network: Network = model
    facts, limits = model.facts(), getattr(network, "limits", None)
    longest = int(network.max_tokens)
    return Artifact(
        runtime=wanted.variant.runtime,
        release=RUNTIMES[wanted.variant.runtime].release,
        role=wanted.role,
        dtype=form_of(wanted.variant),
        parameters=int(facts.parameters or 0),
        input_tokens=longest if limits is None else limits.input_tokens,
        decoder_tokens=longest if limits is None else limits.decoder_tokens,
        first_position=int(getattr(network, "first_position", 0)),
        embedding_rows=getattr(network, "embedding_rows", None),
        pools_last=hasattr(getattr(network, "module", None), "score"),
    )
