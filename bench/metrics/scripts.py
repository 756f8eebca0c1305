"""Words of any script, and which scripts write them without spaces.

The tokenisers that metrics are defined by (rouge-score's, SQuAD's, sacrebleu's 13a) were made for English: they drop
other letters, or take a whole sentence of Chinese for one word. `unicode_words` is one rule for all scripts; the other
functions tell a text of which a tokeniser of English reads little.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from functools import lru_cache
from typing import Literal

UNSPACED = (
    (0x0E00, 0x0EFF),  # Thai, Lao
    (0x0F00, 0x0FFF),  # Tibetan
    (0x1000, 0x109F),  # Myanmar
    (0x1780, 0x17FF),  # Khmer
    (0x3005, 0x3007),  # iteration mark, zero
    (0x3040, 0x30FF),  # Hiragana, Katakana
    (0x31F0, 0x31FF),  # Katakana, small
    (0x3400, 0x4DBF),  # Han, extension A
    (0x4E00, 0x9FFF),  # Han
    (0xA9E0, 0xA9FF),  # Myanmar
    (0xAA60, 0xAA7F),  # Myanmar
    (0xF900, 0xFAFF),  # Han, compatibility
    (0x20000, 0x323AF),  # Han, extensions B to H
)
"""Blocks of the scripts that are written without spaces between words. Source: Unicode 15.1, Blocks.txt, and UAX 14."""
HALF = 0.5
"""Share of a text's letters and digits from which the whole text is said to be of a kind."""
CharacterKind = Literal["word", "alone", "mark", "other"]
TYPOGRAPHY = ((0x00A0, 0x00BF), (0x2000, 0x206F))
"""Punctuation that English texts have too: Latin-1's and the dashes and quotes of General Punctuation."""


@lru_cache(maxsize=2**16)
def kind_of(character: str) -> CharacterKind:
    """Tell what a character is to `unicode_words`.

    >>> kind_of("é"), kind_of("天"), kind_of("。")
    ('word', 'alone', 'other')
    """
    category = unicodedata.category(character)[0]
    if category == "M":
        return "mark"
    if category not in "LN":
        return "other"
    code = ord(character)
    return "alone" if any(low <= code <= high for low, high in UNSPACED) else "word"


@lru_cache(maxsize=2**14)
def unicode_words(text: str) -> tuple[str, ...]:
    """Split a text of any script into words.

    The text is put into Unicode's form NFKC and folded to one case. A word is a run of letters and digits with the
    marks on them; in scripts that are written without spaces every letter is a word by itself. All other characters
    (spaces, punctuation, symbols) part words and are dropped.

    >>> unicode_words("Größe: 5 kg!")
    ('grösse', '5', 'kg')
    >>> unicode_words("北京市。GPT４")
    ('北', '京', '市', 'gpt4')
    """
    words: list[str] = []
    before: CharacterKind = "other"
    for character in unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold()):
        kind = kind_of(character)
        if kind == "mark" and before != "other":
            words[-1] += character  # and what follows it joins as it would without the mark
            continue
        if kind == "word" and before == "word":
            words[-1] += character
        elif kind in ("word", "alone"):
            words.append(character)
        before = kind
    return tuple(words)


def has_unspaced(text: str) -> bool:
    """Tell whether a text has letters of a script that is written without spaces.

    >>> has_unspaced("Größe „M“"), has_unspaced("今 and so on")
    (False, True)
    """
    return any(kind_of(character) == "alone" for character in set(text))


def is_mostly_unspaced(tokens: Sequence[str]) -> bool:
    """Tell whether most letters of a tokenised text stand in tokens that hold several letters of unspaced scripts.

    Such tokens are no words: a sentence, or what is between two punctuation marks, was not cut.

    >>> is_mostly_unspaced(["今天天气"]), is_mostly_unspaced(["今", "天"]), is_mostly_unspaced(["a", "day"])
    (True, False, False)
    """
    letters = uncut = 0
    for token in tokens:
        kinds = [kind_of(character) for character in token]
        own, alone = sum(kind in ("word", "alone") for kind in kinds), kinds.count("alone")
        letters += own
        uncut += own if alone > 1 else 0
    return letters > 0 and uncut >= HALF * letters


def read_share(text: str, read: Sequence[str]) -> float:
    """Compute the share of a text's letters and digits that are in the words `read`; 1 for a text without any.

    >>> read_share("груз GPT", ["gpt"])
    0.42857142857142855
    """
    letters = sum(kind_of(character) in ("word", "alone") for character in text)
    return sum(map(len, read)) / letters if letters else 1.0


def has_foreign_stops(text: str) -> bool:
    """Tell whether a text has punctuation that no English text has, such as a full-width stop.

    >>> has_foreign_stops("北京。"), has_foreign_stops("“London” – no.")
    (True, False)
    """
    return any(
        unicodedata.category(character)[0] == "P"
        and not character.isascii()
        and not any(low <= ord(character) <= high for low, high in TYPOGRAPHY)
        for character in text
    )
