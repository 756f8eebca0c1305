"""Writes one freight note from its facts: the English text, the same in German, and the headline."""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import get_args

from bench.data import waybills_names as names
from bench.data import waybills_templates as templates
from bench.data import waybills_words as words
from bench.data.waybills_facts import Facts, between, pick
from bench.data.waybills_names import DateStyle, Language, Role
from bench.data.waybills_words import DATED, Pair

DATE_STYLES: tuple[DateStyle, ...] = ("long", "long", "weekday", "year", "numeric")
HOUSE_STYLE_SHARE = 0.8
"""Share of dates written the way the firm of the note likes them; the rest vary."""
OUTCOME_FIRST_SHARE = 0.35
"""Share of notes that tell what happened before what was promised."""
RELATIVE_SHARE = 0.3
"""Share of dated notes that count the days from the promise instead of giving the day of arrival."""
LATE_OPENING_SHARE = 0.15
"""Share of notes that do not begin with the goods."""
INCIDENT_PROMISE_SHARE = 0.5
"""Share of notes on damage, loss or customs that mention the promised date all the same."""
LENGTHS = (2, 3, 3, 4, 4, 5)
"""Sentences of a note, equally likely."""
SYNONYM_SHARE = 0.2
"""Share of sentences that call the shipment by another word than the rest of the note."""
DISTRACTOR_SHARE = 0.5
"""Share of notes with room that mention another shipment's status, or what did not go wrong."""


class _Fields(dict[str, str]):
    """The fields of the templates in one language; dates are worked out when a template asks."""

    def __init__(self, language: Language, facts: Facts, styles: dict[str, DateStyle], spelt: bool) -> None:
        super().__init__()
        self.language = language
        self._facts = facts
        self._styles = styles
        self._spelt = spelt

    def __missing__(self, field: str) -> str:
        if field in FIELDS:
            return FIELDS[field](self.language, self._facts, self)
        role, slot = DATE_FIELDS[field]
        return names.date_phrase(self.language, role, getattr(self._facts, DATE_SLOTS[slot]), self._styles[slot])

    @property
    def spelt(self) -> bool:
        """Tell whether money is written with the currency's name."""
        return self._spelt

    @property
    def promise_style(self) -> DateStyle:
        """The way in which the promised date is written."""
        return self._styles["p"]


DATE_SLOTS = {"dep": "departure", "p": "promised", "a": "event", "i": "invoice", "n": "next_departure"}
DATE_FIELDS: dict[str, tuple[Role, str]] = {
    f"{role}_{slot}": (role, slot) for role in get_args(Role) for slot in DATE_SLOTS
}
"""Role and slot of each field that is a date."""
_Make = Callable[[Language, Facts, _Fields], str]


def _in(language: Language, pair: Pair) -> str:
    return pair.en if language == "en" else pair.de


def _goods(language: Language, facts: Facts, _: object = None) -> str:
    package = _in(language, words.PACKAGES[facts.package])
    name = _in(language, words.COMMODITIES[facts.commodity].name)
    return f"{facts.count} {package} of {name}" if language == "en" else f"{facts.count} {package} {name}"


FIELDS: dict[str, _Make] = {
    "qty": _goods,
    "cons": lambda _, facts, __: facts.consignee,
    "dest": lambda language, facts, _: names.territory(language, facts.destination),
    "origin": lambda language, facts, _: names.territory(language, facts.origin),
    "lost": lambda language, facts, _: names.territory(language, facts.lost_in),
    "office": lambda language, facts, _: names.territory(language, facts.office),
    "other": lambda language, facts, _: names.territory(language, facts.other_destination),
    "mode": lambda language, facts, _: _in(language, facts.mode),
    "number": lambda _, facts, __: str(facts.number),
    "count": lambda _, facts, __: str(facts.count),
    "affected": lambda _, facts, __: str(facts.affected),
    "pkgs": lambda language, facts, _: _in(language, words.PACKAGES[facts.package]),
    "cond": lambda language, facts, _: _in(language, facts.condition),
    "cond_before": lambda language, facts, _: _in(language, facts.condition) + ("e" if language == "de" else ""),
    "paper": lambda language, facts, _: _in(language, facts.paper),
    "between": lambda language, facts, fields: names.between(
        language, facts.promised, facts.promised_end, fields.promise_style
    ),
    "interval": lambda language, facts, _: names.interval(language, facts.promised, facts.promised_end),
    "money": lambda language, facts, fields: names.money(language, facts.value, facts.currency, fields.spelt),
    "weight": lambda language, facts, _: names.quantity(language, facts.weight_t, "mass-tonne"),
    "distance": lambda language, facts, _: names.quantity(language, facts.distance_km, "length-kilometer"),
    "transit": lambda language, facts, _: names.quantity(
        language, (facts.promised - facts.departure).days, "duration-day"
    ),
    "loading": lambda language, facts, _: names.quantity(language, facts.loading_h, "duration-hour"),
    "temperature": lambda language, facts, _: names.quantity(language, facts.temperature_c, "temperature-celsius"),
    "via": lambda language, facts, _: names.enumeration(language, facts.via),
    "month": lambda language, facts, _: names.month(language, facts.other_month),
    "gap": lambda language, facts, _: names.quantity(language, abs(facts.days), "duration-day"),
    "other_days": lambda language, facts, _: names.quantity(language, facts.other_days, "duration-day"),
}
"""How each field of the templates but dates and `x` is filled."""


def _core(rng: Random, facts: Facts) -> list[Pair]:
    """The sentences that a note cannot do without, in the order they appear."""
    opening = pick(rng, templates.OPENINGS)
    span = facts.promised_end > facts.promised
    promise = pick(rng, templates.PROMISES_SPAN if span else templates.PROMISES_DAY)
    if facts.status in DATED:
        relative = rng.random() < RELATIVE_SHARE
        outcome = pick(rng, templates.OUTCOMES_RELATIVE[facts.status] if relative else templates.OUTCOMES_DATED)
        pair = [outcome, promise] if rng.random() < OUTCOME_FIRST_SHARE else [promise, outcome]
        return [opening, *pair]
    outcome = pick(rng, templates.OUTCOMES[facts.status])
    if rng.random() < INCIDENT_PROMISE_SHARE:
        return [opening, promise, outcome]
    return [opening, outcome]


def _aside(rng: Random, facts: Facts, used: set[str]) -> Pair:
    """A sentence that does not bear on the status, of a sort that `used` does not hold yet."""
    arrived = facts.status in DATED or facts.status == "damaged"
    if "distractor" not in used and rng.random() < DISTRACTOR_SHARE:
        used.add("distractor")
        fitting = [sort for sort in templates.ASSURANCES if facts.status != "damaged" or sort != "no damage"]
        if arrived and rng.random() < DISTRACTOR_SHARE:
            return pick(rng, templates.ASSURANCES[pick(rng, fitting)])
        return pick(rng, templates.EARLIER[facts.other_status])
    chilled = words.COMMODITIES[facts.commodity].chilled
    sorts = [sort for sort in (*templates.ASIDES, *(("chilled",) if chilled else ())) if sort not in used]
    sort = pick(rng, sorts)
    used.add(sort)
    return pick(rng, templates.CHILLED if sort == "chilled" else templates.ASIDES[sort])


def _sentences(rng: Random, facts: Facts) -> list[Pair]:
    chosen = _core(rng, facts)
    used: set[str] = set()
    for _ in range(pick(rng, LENGTHS) - len(chosen)):
        chosen.insert(between(rng, 1, len(chosen)), _aside(rng, facts, used))
    if rng.random() < LATE_OPENING_SHARE:
        chosen[0], chosen[1] = chosen[1], chosen[0]
    return chosen


def write(rng: Random, facts: Facts) -> tuple[str, str]:
    """Write the note in English and in German."""
    house = DATE_STYLES[words.CONSIGNEES.index(facts.consignee) % len(DATE_STYLES)]
    styles = {slot: house if rng.random() < HOUSE_STYLE_SHARE else pick(rng, DATE_STYLES) for slot in DATE_SLOTS}
    spelt = rng.random() < 0.5
    english, german = (_Fields(language, facts, styles, spelt) for language in ("en", "de"))
    usual = pick(rng, words.REFERENCES)
    lines_en, lines_de = [], []
    for sentence in _sentences(rng, facts):
        word = pick(rng, words.REFERENCES) if rng.random() < SYNONYM_SHARE else usual
        english["x"], german["x"] = word.en, word.de
        lines_en.append(sentence.en.format_map(english))
        lines_de.append(sentence.de.format_map(german))
    return " ".join(lines_en), " ".join(lines_de)


def headline(facts: Facts) -> str:
    """Write what matters in one line: the goods, where to, what happened and by how much."""
    goods = words.COMMODITIES[facts.commodity].name.en.capitalize()
    subject = f"{goods} to {names.territory('en', facts.destination)}"
    length = names.quantity("en", abs(facts.days), "duration-day")
    endings = {
        "on_time": "on time",
        "delayed": f"delayed by {length}",
        "early": f"{length} early",
        "damaged": f"damaged: {facts.affected} {words.PACKAGES[facts.package].en} {facts.condition.en}",
        "lost": f"lost in {names.territory('en', facts.lost_in)}",
        "customs_hold": f"held by customs: {facts.paper.en} missing",
    }
    return f"{subject} {endings[facts.status]}"
