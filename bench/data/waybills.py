"""A generated corpus of short freight notes, for three tasks: status, headline and German rendering.

Each note has two to five sentences about one shipment. Its status is in the text, but not in a keyword: most
early, timely and late arrivals share their wording and differ by dates alone, and notes mention other
shipments and what did not go wrong. The corpus is the same for everyone with the same Babel (its CLDR names
are in the text); `digest` says so.

Making all of it takes two seconds. It is kept in the user's folder for caches, for this generator and this Babel alone:
a split that is there whole is read, and anything else is made.
"""

from __future__ import annotations

import hashlib
import json
from contextlib import suppress
from functools import cache
from pathlib import Path
from random import Random

import babel

from bench.data.waybills_facts import draw
from bench.data.waybills_writing import headline, write
from bench.errors import DataError, nearest
from bench.host import caches

VERSION = 1
"""Of the generator; a change of any text raises it."""
SEED = "waybills-1"
SIZES: dict[str, int] = {"train": 24000, "validation": 500, "test": 500}
"""Rows of each split."""

Row = dict[str, str]


def rows(split: str) -> list[Row]:
    """Make the rows of a split: `id`, `text`, `status`, `headline`, `german` and `group` (the consignee).

    Raises:
        DataError: there is no such split.
    """
    if split not in SIZES:
        raise DataError(f"waybills has no split '{split}'; {nearest(split, SIZES)}")
    return [dict(row) for row in _split(split)]


def digest(split: str) -> str:
    """Hash (SHA-256, hex) a split's rows."""
    text = json.dumps(rows(split), ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def babel_version() -> str:
    """Name the version of Babel, whose CLDR names the texts contain."""
    return babel.__version__


def _split_of(key: str) -> str:
    """Find the split that the hash of a note's facts belongs to, in proportion to the sizes."""
    position = int(key[:12], 16) % sum(SIZES.values())
    for split, size in SIZES.items():
        if position < size:
            return split
        position -= size
    raise AssertionError("the position is below the sum of the sizes")


@cache
def _split(split: str) -> tuple[Row, ...]:
    """Read a split that was made before, or make all of them and keep them."""
    content = caches.read(cache_folder() / f"{split}.json")
    with suppress(ValueError, KeyError, TypeError):
        return _rows(content or b"")
    corpus = _corpus()
    for name, chosen in corpus.items():
        caches.keep(cache_folder() / f"{name}.json", _columns(chosen))
    return corpus[split]


def cache_folder() -> Path:
    """Name the folder that keeps the corpus: the user's for caches, and in it one of this generator and this Babel."""
    return caches.folder() / f"waybills-{VERSION}-babel-{babel_version()}-{_generator()[:12]}"


@cache
def _generator() -> str:
    """Hash (SHA-256, hex) the generator's own text."""
    files = sorted(Path(__file__).parent.glob("waybills*.py"))
    return hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest()


def _columns(chosen: tuple[Row, ...]) -> bytes:
    """Write a split as columns."""
    return json.dumps({name: [row[name] for row in chosen] for name in chosen[0]}, ensure_ascii=False).encode()


def _rows(content: bytes) -> tuple[Row, ...]:
    """Read a split as it was kept.

    Raises:
        ValueError: nothing was.
    """
    columns: dict[str, list[str]] = json.loads(content)
    return tuple(dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True))


def _corpus() -> dict[str, tuple[Row, ...]]:
    """All splits. Facts go to a split by their hash, so that no shipment is in two; no text appears twice."""
    rng = Random(SEED)
    rows_by_split: dict[str, list[Row]] = {split: [] for split in SIZES}
    seen: set[str] = set()
    while any(len(rows_by_split[split]) < size for split, size in SIZES.items()):
        facts = draw(rng)
        split = _split_of(facts.key())
        text, german = write(rng, facts)
        if text in seen or len(rows_by_split[split]) == SIZES[split]:
            continue
        seen.add(text)
        rows_by_split[split].append(
            {
                "id": f"{split}-{len(rows_by_split[split]):05d}",
                "text": text,
                "status": facts.status,
                "headline": headline(facts),
                "german": german,
                "group": facts.consignee,
            }
        )
    return {split: tuple(chosen) for split, chosen in rows_by_split.items()}
