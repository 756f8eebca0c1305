"""Texts as means of the vectors of their words or tokens: GloVe's text files and model2vec's folders, by numpy alone.

A sentence-transformers folder, which needs torch, is read by `bench.candidates.sentences`.
"""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from bench.candidates.untyped import Tokenizer
from bench.errors import EnvironmentLackError, InputError

Floats = NDArray[np.float32]
Form = Literal["words", "static", "sentence"]
"""What a folder holds: vectors of words, model2vec's of tokens, or a network with a pooling."""
WORDS_FILE = "words.safetensors"
VECTOR_SUFFIXES = (".txt", ".vec")
PIECE = re.compile(r"\w+|[^\w\s]")
"""What GloVe's files call words: runs of letters, and single marks."""
FIRST_TEXTS = 1000
"""Texts whose words are looked for before those of all."""


@dataclass(frozen=True, slots=True)
class Embedded:
    """The vectors of some texts."""

    vectors: Floats
    """Shape `(n, width)`; 0 for a text of which nothing is known."""
    tokens: tuple[int, ...]
    """Tokens that were read of each."""
    cut: tuple[bool, ...]
    """Whether it was longer than what is read."""


class Embedder(Protocol):
    """What turns texts into vectors."""

    parameters: int
    nbytes: int
    notes: Mapping[str, object]

    def embed(self, texts: Sequence[str]) -> Embedded:
        """Embed texts; an empty list gives no rows."""

    def lengths(self, texts: Sequence[str]) -> list[int]:
        """Count the tokens that are read of each text."""

    def save(self, folder: Path) -> None:
        """Write it so that it can be opened again."""


def form_of(folder: Path) -> Form:
    """Tell what a folder of vectors holds.

    Raises:
        InputError: nothing that gives vectors.
    """
    config = folder / "config.json"
    if config.is_file():
        try:
            kind = json.loads(config.read_text(encoding="utf-8")).get("model_type")
        except (ValueError, AttributeError) as error:
            raise InputError(f"{config}: not JSON: {error}") from error
        return "static" if kind == "model2vec" else "sentence"
    if (folder / WORDS_FILE).is_file() or len(_vector_files(folder)) == 1:
        return "words"
    raise InputError(
        f"'{folder}' holds no vectors: a sentence-transformers or model2vec folder has a config.json, and one of word "
        "vectors has one text file, a word and its numbers a line"
    )


def _vector_files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.iterdir() if path.suffix in VECTOR_SUFFIXES)


def open_light(name: str, folder: Path, most: int | None) -> Embedder:
    """Open vectors that need no torch.

    Args:
        name: of the model in the suite, for messages.
        folder: of the form `words` or `static`.
        most: tokens after which a text is cut.

    Raises:
        EnvironmentLackError: a file is missing or damaged.
    """
    return WordVectors(name, folder, most) if form_of(folder) == "words" else TokenVectors(name, folder, most)


class _Means:
    """Means of rows of a table."""

    def __init__(self, table: Floats, most: int | None) -> None:
        self.table, self.most = table, most
        self.parameters, self.nbytes = int(table.size), int(table.nbytes)
        self.notes: Mapping[str, object] = {"width": int(table.shape[1]), "rows": len(table)}

    def ids(self, text: str) -> list[int]:
        """List the rows of a text's words, unknown ones left out."""
        raise NotImplementedError

    def mean(self, rows: Sequence[int]) -> Floats:
        """Average rows of the table."""
        return np.asarray(self.table[list(rows)].mean(axis=0), dtype=np.float32)

    def embed(self, texts: Sequence[str]) -> Embedded:
        """Average the vectors of each text."""
        read = [self.ids(text) for text in texts]
        kept = [rows[: self.most] for rows in read]
        nothing = np.zeros(self.table.shape[1], dtype=np.float32)
        vectors = [self.mean(rows) if rows else nothing for rows in kept]
        cut = tuple(len(rows) > len(short) for rows, short in zip(read, kept, strict=True))
        stacked = np.stack(vectors) if vectors else np.zeros((0, self.table.shape[1]), dtype=np.float32)
        return Embedded(stacked, tuple(map(len, kept)), cut)

    def lengths(self, texts: Sequence[str]) -> list[int]:
        """Count the known words of each text."""
        return [len(self.ids(text)[: self.most]) for text in texts]


class WordVectors(_Means):
    """Vectors of words, as GloVe writes them: a word and its numbers a line.

    A word that is not there is looked for in small letters, and left out then.
    """

    def __init__(self, name: str, folder: Path, most: int | None) -> None:
        words, table = _kept_words(folder) if (folder / WORDS_FILE).is_file() else read_words(_vector_files(folder)[0])
        self._places = {word: place for place, word in enumerate(words)}
        super().__init__(table, most)

    def ids(self, text: str) -> list[int]:
        """List the rows of the words that are known."""
        found = (self._places.get(word, self._places.get(word.lower())) for word in PIECE.findall(text))
        return [place for place in found if place is not None]

    def unknown_tokens(self, texts: Sequence[str]) -> tuple[int, int]:
        """Count the words that are not known, and all words."""
        words = [len(PIECE.findall(text)) for text in texts]
        return sum(words) - sum(len(self.ids(text)) for text in texts), sum(words)

    def save(self, folder: Path) -> None:
        """Write the words and the table, which are read faster than text."""
        from safetensors.numpy import save_file

        folder.mkdir(exist_ok=True)
        words = np.frombuffer("\0".join(self._places).encode(), dtype=np.uint8)
        save_file({"words": words, "vectors": self.table}, folder / WORDS_FILE)


def _kept_words(folder: Path) -> tuple[list[str], Floats]:
    from safetensors.numpy import load_file

    def read(path: Path) -> tuple[list[str], Floats]:
        arrays = load_file(path)
        return arrays["words"].tobytes().decode().split("\0"), arrays["vectors"]

    words, table = _loaded(folder / WORDS_FILE, read)
    return words, table


def knows_any(folder: Path, texts: Iterable[str]) -> bool:
    """Tell whether word vectors have a word of some texts; their file is read as far as the first that they have."""
    rest = iter(texts)
    for some in (islice(rest, FIRST_TEXTS), rest):
        words = {form for text in some for word in PIECE.findall(text) for form in (word, word.lower())}
        if words and not words.isdisjoint(_words_of(folder)):
            return True
    return False


def _words_of(folder: Path) -> Iterator[str]:
    """List the words of a folder, without their numbers where they are text."""
    if (folder / WORDS_FILE).is_file():
        yield from _kept_words(folder)[0]
        return
    with _text(_vector_files(folder)[0]) as lines:
        yield from (line.split(" ", 1)[0] for line in lines if line.count(" ") > 1)


@contextmanager
def _text(path: Path) -> Iterator[Iterable[str]]:
    """Open a file of word vectors, and read it line by line."""
    try:
        with path.open(encoding="utf-8", errors="replace") as lines:
            yield lines
    except OSError as error:
        raise EnvironmentLackError(
            f"{path} cannot be read: {error.strerror}; copy it again, or mend its rights"
        ) from error


def read_words(path: Path) -> tuple[list[str], Floats]:
    """Read GloVe's format, or word2vec's, whose first line counts words and numbers.

    Raises:
        EnvironmentLackError: it cannot be read; a line has another count of numbers than the first, or something that
            is no number; there are not as many words as the first line counts.
    """
    words: dict[str, None] = {}
    rows: list[Floats] = []
    stated, lines_read = None, 0
    with _text(path) as lines:
        for number, line in enumerate(lines, start=1):
            word, *values = line.rstrip("\n ").split(" ")
            if number == 1 and len(values) == 1 and word.isdecimal():
                stated = int(word)
                continue
            lines_read += 1
            if word in words or "\0" in word:
                continue
            words[word] = None
            rows.append(_numbers(path, number, values, len(rows[0]) if rows else len(values)))
    if not rows:
        raise EnvironmentLackError(f"{path}: there is no vector in it; give a file with a word and its numbers a line")
    if stated is not None and lines_read != stated:
        raise EnvironmentLackError(
            f"{path}: its first line counts {stated:,} words, and {lines_read:,} follow; the file was cut short or put "
            "together: copy it again"
        )
    return list(words), np.stack(rows)


def _numbers(path: Path, number: int, values: Sequence[str], width: int) -> Floats:
    try:
        row = np.array(values, dtype=np.float32)
    except ValueError as error:
        raise EnvironmentLackError(f"{path}:{number}: {error}; a line is a word and its numbers") from error
    if len(row) != width or not len(row) or not np.isfinite(row).all():
        raise EnvironmentLackError(
            f"{path}:{number}: it has {len(row)} numbers, and the first line {width}, all of which must be finite; the "
            "file may be cut short: copy it again"
        )
    return row


class TokenVectors(_Means):
    """model2vec: a tokenizer of a network, and one vector a token that was distilled from it."""

    def __init__(self, name: str, folder: Path, most: int | None) -> None:
        from safetensors.numpy import load_file
        from tokenizers import Tokenizer as FastTokenizer

        arrays = _loaded(folder / "model.safetensors", load_file)
        if "embeddings" not in arrays:
            raise EnvironmentLackError(
                f"model '{name}': '{folder}' has no tensor 'embeddings' in its model.safetensors, as model2vec writes "
                "it; copy the folder again"
            )
        super().__init__(arrays["embeddings"].astype(np.float32), most)
        self._weights, self._mapping = arrays.get("weights"), arrays.get("mapping")
        self._normalises = bool(json.loads((folder / "config.json").read_text(encoding="utf-8")).get("normalize"))
        self._tokenizer: Tokenizer = _loaded(folder / "tokenizer.json", lambda path: FastTokenizer.from_file(str(path)))
        self._tokenizer.no_truncation()
        self._tokenizer.no_padding()
        self._unknown = self._tokenizer.token_to_id(_unknown_of(folder))
        known, rows = self._tokenizer.get_vocab_size(), len(self.table if self._mapping is None else self._mapping)
        if known != rows or (self._weights is not None and len(self._weights) != rows):
            raise EnvironmentLackError(
                f"model '{name}': '{folder}': its tokenizer has {known:,} tokens and its table {rows:,} rows; they are "
                "not of one model: copy the folder again"
            )
        self._folder = folder

    def ids(self, text: str) -> list[int]:
        """List the tokens of a text, the unknown one left out."""
        read = self._tokenizer.encode(text, add_special_tokens=False).ids
        return [token for token in read if token != self._unknown]

    def mean(self, rows: Sequence[int]) -> Floats:
        """Average the vectors of tokens, by their weights where there are any."""
        places = list(rows) if self._mapping is None else self._mapping[list(rows)]
        vectors = self.table[places]
        if self._weights is not None:
            vectors = vectors * self._weights[list(rows)][:, None]
        mean = vectors.mean(axis=0)
        return np.asarray(mean / (np.linalg.norm(mean) + 1e-32) if self._normalises else mean, dtype=np.float32)

    def save(self, folder: Path) -> None:
        """Copy its files."""
        copy_files(self._folder, folder)


def _unknown_of(folder: Path) -> str:
    model = json.loads((folder / "tokenizer.json").read_text(encoding="utf-8")).get("model", {})
    return str(model.get("unk_token") or "[UNK]")


def _loaded(path: Path, load: Callable[[Path], Any]) -> Any:
    try:
        return load(path)
    except Exception as error:  # tokenizers raises plain exceptions
        raise EnvironmentLackError(f"{path} cannot be read ({type(error).__name__}); copy the folder again") from error


LEFT_OUT = ("*.onnx", "*.py", "__pycache__", "*.md", ".git*", "*.bin", "*.h5", "*.xml", "provenance.json")
"""Files of a model's folder that a fitted one does not need."""


def copy_files(source: Path, target: Path) -> None:
    """Copy the files of a model into a folder of its own."""
    shutil.copytree(source, target, ignore=shutil.ignore_patterns(*LEFT_OUT))
