"""Names of dates, places, units and money in English and German, as CLDR gives them (through Babel).

Knows both languages' prepositions and cases around a date; knows nothing of notes or of what happened to a
shipment.
"""

from __future__ import annotations

from datetime import date
from functools import cache
from typing import Literal

from babel import Locale
from babel.dates import format_date, format_interval, format_skeleton
from babel.lists import format_list
from babel.numbers import format_currency
from babel.units import format_unit

Language = Literal["en", "de"]
DateStyle = Literal["long", "weekday", "year", "numeric"]
Role = Literal["on", "for", "nom", "acc", "dat"]
"""What stands around a date: `on 3 March`, `for 3 March`, or the bare date in a German case."""

LOCALES: dict[Language, str] = {"en": "en_GB", "de": "de"}
NUMERIC: dict[Language, str] = {"en": "yyyy-MM-dd", "de": "dd.MM.yyyy"}
"""Date patterns of ISO 8601 and of DIN 5008's national form."""
MONEY: dict[Language, str] = {"en": "¤#,##0", "de": "#,##0 ¤"}
"""Whole amounts; the symbol stands where CLDR's standard pattern of the language has it."""


def _plain(text: str) -> str:
    """Replace CLDR's no-break and thin spaces in `text` by ordinary ones."""
    return text.replace("\u00a0", " ").replace("\u202f", " ").replace("\u2009", " ")


@cache
def territory(language: Language, code: str) -> str:
    """Look up the name of an ISO 3166 territory.

    >>> territory("de", "NO")
    'Norwegen'
    """
    return str(Locale.parse(LOCALES[language]).territories[code])


@cache
def month(language: Language, number: int) -> str:
    """Look up the full name of a month, 1 for January."""
    return format_date(date(2025, number, 1), "MMMM", locale=LOCALES[language])


@cache
def quantity(language: Language, value: float, unit: str) -> str:
    """Write a number with the long name of its CLDR unit.

    >>> quantity("en", 3.5, "mass-tonne"), quantity("de", 3.5, "mass-tonne")
    ('3.5 tonnes', '3,5 Tonnen')
    """
    return _plain(format_unit(value, unit, length="long", locale=LOCALES[language]))


@cache
def money(language: Language, amount: int, currency: str, spelt: bool) -> str:
    """Write an amount of an ISO 4217 currency, with its name when `spelt` and its symbol otherwise."""
    locale = LOCALES[language]
    if spelt:
        return _plain(format_currency(amount, currency, locale=locale, format_type="name", currency_digits=False))
    return _plain(format_currency(amount, currency, format=MONEY[language], locale=locale, currency_digits=False))


@cache
def enumeration(language: Language, codes: tuple[str, ...]) -> str:
    """Write the names of territories as a list in words: `Denmark and Sweden`."""
    return format_list([territory(language, code) for code in codes], locale=LOCALES[language])


@cache
def _bare(language: Language, day: date, style: DateStyle) -> str:
    locale = LOCALES[language]
    if style == "numeric":
        return format_date(day, NUMERIC[language], locale=locale)
    if style == "year":
        return _plain(format_skeleton("yMMMd", day, locale=locale))
    return _plain(format_skeleton("MMMMd", day, locale=locale))


@cache
def date_phrase(language: Language, role: Role, day: date, style: DateStyle) -> str:
    """Write a date with what stands around it.

    >>> date_phrase("de", "on", date(2025, 3, 3), "weekday")
    'am Montag, dem 3. März'
    >>> date_phrase("en", "for", date(2025, 3, 3), "numeric")
    'for 2025-03-03'
    """
    bare = _bare(language, day, style)
    named = format_date(day, "EEEE", locale=LOCALES[language]) if style == "weekday" else ""
    if language == "en":
        preposition = {"on": "on ", "for": "for "}.get(role, "")
        return f"{preposition}{named} {bare}" if named else preposition + bare
    article = {"on": "dem", "for": "den", "nom": "der", "acc": "den", "dat": "dem"}[role]
    if named:
        preposition = {"on": "am ", "for": "für "}.get(role, "")
        return f"{preposition}{named}, {article} {bare}"
    preposition = {"on": "am", "for": "für den"}.get(role, article)
    return f"{preposition} {bare}"


@cache
def between(language: Language, start: date, end: date, style: DateStyle) -> str:
    """Write a span of days in words.

    >>> between("de", date(2025, 3, 3), date(2025, 3, 6), "long")
    'zwischen dem 3. und dem 6. März'
    """
    kept: DateStyle = "numeric" if style == "numeric" else "long"
    last = _bare(language, end, kept)
    first = _bare(language, start, kept)
    if kept == "long" and start.month == end.month:
        first = str(start.day) if language == "en" else f"{start.day}."
    return f"between {first} and {last}" if language == "en" else f"zwischen dem {first} und dem {last}"


@cache
def interval(language: Language, start: date, end: date) -> str:
    """Write a span of days in CLDR's short form: `3–6 Mar`, `3.–6. März`."""
    return _plain(format_interval(start, end, "MMMd", locale=LOCALES[language]))
