"""What stands in the place of a torch module when another runtime executes a network.

A family loads its tokenizer, cuts and pads texts and reads the answers as ever; what it calls in the middle is a
`Stand`: a network with the configuration of transformers and without weights of torch. The folder that a runtime reads
was written by a conversion, and says of itself what it is (`Artifact`).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol

from bench.candidates.untyped import Loader
from bench.errors import EnvironmentLackError

if TYPE_CHECKING:
    import torch

Role = Literal["head", "text", "source-text"]
"""What a network is asked for: scores of a head over labels; the next token of one text; that of a text made from a
source."""
Ids = Sequence[int]
ARTIFACT_FILE = "artifact.json"
CONFIGURATION = "configuration"
"""Folder of the checkpoint's configurations within an artifact."""


@dataclass(frozen=True, slots=True)
class Artifact:
    """What a conversion wrote, as its folder's `artifact.json` says."""

    runtime: str
    release: str
    """Of the runtime that wrote it."""
    role: Role
    dtype: str
    """Of the weights: `float32`, `bfloat16` or `int8`."""
    parameters: int
    input_tokens: int
    """Longest sequence that is read."""
    decoder_tokens: int
    first_position: int
    """Position id of a text's first token, where positions are given to the network."""
    embedding_rows: int | None
    """Tokens that have an embedding."""
    pools_last: bool = False
    """Whether its head reads the last token that is not the configuration's padding."""
    convert_s: float = 0.0
    """Wall time of the conversion, loading counted."""
    artifact_bytes: int = 0
    """Of all its files."""
    content: str = ""
    """Hash of all its other files; empty in one of an older bench."""

    def write(self, folder: Path) -> None:
        """Write it beside the network."""
        (folder / ARTIFACT_FILE).write_text(json.dumps(asdict(self), indent=1) + "\n", encoding="utf-8")

    @classmethod
    def read(cls, folder: Path) -> Artifact:
        """Read what a conversion wrote.

        Raises:
            EnvironmentLackError: it is gone, or of another version of bench.
        """
        try:
            return cls(**json.loads((folder / ARTIFACT_FILE).read_text(encoding="utf-8")))
        except (OSError, ValueError, TypeError) as error:
            raise EnvironmentLackError(
                f"'{folder}' holds no converted network that could be read ({error}); remove the folder, and run the "
                "suite again, which converts it anew"
            ) from error


@dataclass(frozen=True, slots=True)
class Order:
    """How a text is to be written, in tokens."""

    limit: int
    """Most tokens."""
    ends: tuple[int, ...]
    """Tokens that end it; the one that did is part of it."""
    pad: int
    """Fills up the rows of a batch; it is masked."""
    beams: int = 1
    length_penalty: float = 1.0
    stopped: Callable[[Sequence[int]], bool] | None = None
    """Whether a text ends with its newest token; None where only `ends` end it."""
    settings: Mapping[str, Any] = field(default_factory=dict)
    """What else the checkpoint's `generation_config.json` asks for, of what the network follows."""


def content_of(folder: Path) -> str:
    """Hash names and contents of all files of a converted network."""
    files = sorted(path for path in folder.rglob("*") if path.is_file() and path.name != ARTIFACT_FILE)
    total = hashlib.sha256()
    for path in files:
        total.update(path.relative_to(folder).as_posix().encode())
        with path.open("rb") as stream:
            total.update(hashlib.file_digest(stream, "sha256").digest())
    return total.hexdigest()


def unchanged_content(folder: Path) -> str:
    """Hash the files of a converted network, and see that they are those that the conversion wrote.

    Raises:
        EnvironmentLackError: they are others: changed, damaged, or of another network.
    """
    content, written = content_of(folder), Artifact.read(folder).content
    if written and content != written:
        raise EnvironmentLackError(
            f"'{folder}' does not hold what the conversion wrote there: a file was changed, damaged or put there from "
            "another network; remove the folder, and run the suite again, which converts it anew"
        )
    return content


class Stand(Protocol):
    """A network that another runtime executes."""

    config: Loader
    """The checkpoint's configuration."""
    generation_config: Loader
    follows: frozenset[str]
    """Settings of `generation_config.json` that it can be told."""

    def __call__(
        self, *, input_ids: torch.Tensor, attention_mask: torch.Tensor | None = None, **more: object
    ) -> Logits:
        """Compute the logits of padded tokens, with the arguments of a transformers module."""

    def judge(self, rows: Sequence[Ids], choices: Sequence[Sequence[Ids]]) -> list[list[float]]:
        """Compute log P of each row's choices in nats, summed over the tokens of each."""

    def write(self, rows: Sequence[Ids], order: Order, on_token: Callable[[], None] | None) -> list[list[int]]:
        """Write the tokens that follow each row, or are made from it."""


@dataclass(frozen=True, slots=True)
class Engine:
    """An artifact that is ready to be opened; nothing heavy happens before `stand`."""

    artifact: Artifact
    folder: Path
    stand: Callable[[Loader, Loader], Stand]
    """Open the network, given the checkpoint's configuration and the one of generation."""
    rounds: bool
    """Whether products are rounded more coarsely than in float32: equal answers are then no test of the conversion."""

    @property
    def configuration(self) -> Path:
        """The folder of the checkpoint's configurations, as they were when it was converted."""
        return self.folder / CONFIGURATION


@dataclass(frozen=True, slots=True)
class Logits:
    """What a network gives, as transformers' outputs have it."""

    logits: torch.Tensor
    past_key_values: Any = None
