"""Identical weights and versions are not proved twice: the record says which process proved them.

The proof of an earlier process stands in its record (`bench.record.Proved`), so that a worker speaks for its own cell
alone: what it notes is never found under the names of another model. It counts where the key is the same, which hashes
the files of the weights, the task with its data, the variant, the device, and the source of what was proved. The
parent looks among records of this machine and its software only; the key holds the versions all the same.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path

from bench.candidates import FAMILIES
from bench.candidates.checkpoint import files_hash
from bench.candidates.engine import unchanged_content
from bench.candidates.interface import ModelFacts
from bench.candidates.runtimes import RUNTIMES
from bench.digest import content_hash
from bench.record import Cell, Proved
from bench.tasks import KINDS

CHANGES_NO_ANSWER = frozenset({"measure", "share_load", "seed", "threads", "cpus", "batch_size", "batch_tokens"})
"""Parts of a cell's identity on which the proof does not depend."""
LIBRARIES = ("torch", "transformers", "tokenizers")
PROVED_CODE = ("admission", "candidates", "tasks", "measure/audit.py")
"""What is proved, and what proves it, within the package."""
FILES = re.compile(r"[0-9a-f]{64}")
"""Of weights that are files here: the hash of their contents, or of the recipe that they were trained by."""
COMMIT = re.compile(r"@[0-9a-f]{40}(/|$)")
"""Of weights on the Hub: a commit, which does not move as a branch does."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a proof came to."""

    compared: int
    """Examples that were answered both ways; 0 where the fast path raised."""
    differing: int
    """How many of their answers differ by more than rounding."""
    largest: float | None
    """Largest difference of a score or of nats; None where the fast path raised."""
    left: str | None
    """Why the fast path was left for the plain one; None where it was kept, or the model has only one."""

    def note(self) -> dict[str, object]:
        """Write it as the record keeps it."""
        return {
            "compared": self.compared,
            "differing": self.differing,
            "largest_difference": self.largest,
            "fast_path_left": self.left,
        }

    @classmethod
    def of_note(cls, note: Mapping[str, object]) -> Verdict | None:
        """Read what `note` wrote; None for anything else."""
        counts = [note.get(name) for name in ("compared", "differing")]
        largest, left = note.get("largest_difference"), note.get("fast_path_left")
        good = [count for count in counts if type(count) is int and count >= 0]
        if len(good) < 2 or type(largest) not in (int, float, type(None)) or not isinstance(left, (str, type(None))):
            return None
        return cls(good[0], good[1], None if largest is None else float(str(largest)), left)


def proof_key(cell: Cell, facts: ModelFacts, device_name: str) -> str | None:
    """Compute what must be equal for a proof to be taken over; None where nobody can know that the weights are.

    The weights must be files, or a commit of the Hub; a factory may read whatever it likes. The code must be bench's.
    What was trained here has the identity of its recipe, under which another training may leave other weights: its
    files are hashed now.

    Args:
        cell: what is run.
        facts: of the loaded model.
        device_name: of the device that it is on.

    Raises:
        EnvironmentLackError: what another runtime executes is not what its conversion wrote.
    """
    job, weights = cell.to_run(), str(cell.identity.get("weights"))
    converted = None if job.artifact is None else unchanged_content(Path(job.artifact))
    parts = (FAMILIES[cell.family], KINDS[cell.kind], RUNTIMES[job.variant.runtime])
    code_is_own = all(type(part).__module__.startswith("bench.") for part in parts)
    if job.model.factory is not None or not code_is_own or not (FILES.fullmatch(weights) or COMMIT.search(weights)):
        return None
    identity = {name: value for name, value in cell.identity.items() if name not in CHANGES_NO_ANSWER}
    trained = job.model.checkpoint if job.model.fit is not None else None
    return content_hash(
        {
            "cell": identity,
            "files": None if trained is None else files_hash(Path(trained)),
            "converted": converted,
            "device": device_name,
            "dtype": facts.dtype,
            "attention": facts.attention,
            "versions": {name: version(name) for name in LIBRARIES},
            "code": code_hash(),
        }
    )


def find(key: str | None, earlier: Sequence[Proved]) -> tuple[Proved, Verdict] | None:
    """Find the first of some earlier proofs that counts for a key."""
    for proved in earlier:
        verdict = Verdict.of_note(proved.note) if key is not None and proved.note.get("key") == key else None
        if verdict is not None:
            return proved, verdict
    return None


@cache
def code_hash() -> str:
    """Hash the source of what is proved: a version number stays the same while its code is worked on."""
    package = Path(__file__).parents[1]
    paths = [package / name for name in PROVED_CODE]
    files = [file for path in paths for file in (sorted(path.rglob("*.py")) if path.is_dir() else [path])]
    return content_hash(
        [[file.relative_to(package).as_posix(), sha256(file.read_bytes()).hexdigest()] for file in files]
    )
