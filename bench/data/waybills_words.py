"""What the freight notes talk about: goods, packages, places, firms, papers. English and German side by side.

Territories and currencies are ISO codes; their names come from CLDR. Every territory here is named without an
article in both languages, and takes `nach` and `in` in German.
"""

from __future__ import annotations

from typing import NamedTuple

STATUSES: tuple[str, ...] = ("customs_hold", "damaged", "delayed", "early", "lost", "on_time")
"""The six labels, sorted. `early`, `on_time` and `delayed` differ by dates alone."""
DATED: frozenset[str] = frozenset({"delayed", "early", "on_time"})


class Pair(NamedTuple):
    """The same thing in both languages."""

    en: str
    de: str


class Commodity(NamedTuple):
    """One kind of goods."""

    name: Pair
    packages: tuple[str, ...]
    """Keys of `PACKAGES` that it travels in."""
    chilled: bool = False


PACKAGES: dict[str, Pair] = {
    "pallet": Pair("pallets", "Paletten"),
    "crate": Pair("crates", "Kisten"),
    "box": Pair("boxes", "Kartons"),
    "barrel": Pair("barrels", "Fässer"),
    "bag": Pair("bags", "Säcke"),
    "roll": Pair("rolls", "Rollen"),
}
"""Plurals; the German ones are the same in nominative, genitive and accusative."""

COMMODITIES: tuple[Commodity, ...] = (
    Commodity(Pair("steel pipes", "Stahlrohre"), ("pallet", "crate")),
    Commodity(Pair("copper wire", "Kupferdraht"), ("roll", "pallet")),
    Commodity(Pair("ball bearings", "Kugellager"), ("crate", "box")),
    Commodity(Pair("roof tiles", "Dachziegel"), ("pallet",)),
    Commodity(Pair("floor tiles", "Bodenfliesen"), ("pallet", "box")),
    Commodity(Pair("window glass", "Fensterglas"), ("crate", "pallet")),
    Commodity(Pair("printing paper", "Druckpapier"), ("pallet", "roll")),
    Commodity(Pair("cotton yarn", "Baumwollgarn"), ("roll", "box")),
    Commodity(Pair("office chairs", "Bürostühle"), ("box", "pallet")),
    Commodity(Pair("car tyres", "Autoreifen"), ("pallet",)),
    Commodity(Pair("solar panels", "Solarmodule"), ("pallet", "crate")),
    Commodity(Pair("batteries", "Batterien"), ("box", "pallet")),
    Commodity(Pair("water pumps", "Wasserpumpen"), ("crate", "pallet")),
    Commodity(Pair("electric motors", "Elektromotoren"), ("crate", "pallet")),
    Commodity(Pair("work gloves", "Arbeitshandschuhe"), ("box",)),
    Commodity(Pair("shoes", "Schuhe"), ("box", "pallet")),
    Commodity(Pair("coffee beans", "Kaffeebohnen"), ("bag",)),
    Commodity(Pair("olive oil", "Olivenöl"), ("barrel", "box")),
    Commodity(Pair("red wine", "Rotwein"), ("crate", "barrel"), chilled=True),
    Commodity(Pair("cheese", "Käse"), ("crate", "box"), chilled=True),
    Commodity(Pair("apples", "Äpfel"), ("crate", "box"), chilled=True),
    Commodity(Pair("oranges", "Orangen"), ("crate", "box"), chilled=True),
    Commodity(Pair("wall paint", "Wandfarbe"), ("barrel", "pallet")),
    Commodity(Pair("fertiliser", "Dünger"), ("bag", "pallet")),
    Commodity(Pair("timber", "Schnittholz"), ("pallet",)),
)

EUROPE: tuple[str, ...] = (
    "NO",
    "SE",
    "DK",
    "FI",
    "PL",
    "PT",
    "ES",
    "FR",
    "IT",
    "GR",
    "AT",
    "BE",
    "HU",
    "RO",
    "BG",
    "HR",
    "SI",
    "RS",
    "EE",
    "LV",
    "LT",
    "LU",
)
"""Origins, transits and destinations that a lorry or a train reaches."""
OVERSEAS: tuple[str, ...] = (
    "MA",
    "EG",
    "TN",
    "KE",
    "ZA",
    "GH",
    "BR",
    "CL",
    "PE",
    "MX",
    "CA",
    "JP",
    "IN",
    "VN",
    "TH",
    "AU",
    "UY",
    "CO",
)
"""Destinations that take a ship or a plane."""

LAND_MODES: tuple[Pair, ...] = (Pair("by road", "per Lkw"), Pair("by rail", "per Bahn"))
SEA_MODES: tuple[Pair, ...] = (Pair("by sea", "per Schiff"), Pair("by air", "per Flugzeug"))

CONSIGNEES: tuple[str, ...] = (
    "Keller & Voss",
    "Lindqvist & Co",
    "Brandt Logistik",
    "Halden Trading",
    "Moreau & Fils",
    "Adler Technik",
    "Novak Import",
    "Sander Handel",
    "Costa & Lima",
    "Bergmann Bau",
    "Orion Supply",
    "Tamm & Kask",
    "Rossi Forniture",
    "Delta Markt",
    "Falk & Thorsen",
    "Jansen Groep",
    "Kovacs Trade",
    "Linden Retail",
    "Marek & Syn",
    "Nielsen Varer",
    "Petrov & Co",
    "Quill Stores",
    "Ribeiro Import",
    "Stein & Adam",
    "Ulmer Werke",
    "Vega Market",
    "Weber & Roth",
    "Zander Home",
    "Hansa Depot",
    "Polar Goods",
)
"""Invented firms. German names them without an article, in the singular. The group of a note is its firm."""

REFERENCES: tuple[Pair, ...] = (
    Pair("shipment", "Lieferung"),
    Pair("consignment", "Sendung"),
    Pair("cargo", "Fracht"),
    Pair("load", "Ladung"),
)
"""Words for the goods as a whole; all are feminine in German."""

CONDITIONS: tuple[Pair, ...] = (
    Pair("crushed", "zerdrückt"),
    Pair("soaked", "durchnässt"),
    Pair("dented", "verbeult"),
    Pair("broken", "zerbrochen"),
)
"""What can be wrong with a package; German adds `e` before a plural noun."""

PAPERS: tuple[Pair, ...] = (
    Pair("certificate of origin", "das Ursprungszeugnis"),
    Pair("commercial invoice", "die Handelsrechnung"),
    Pair("export licence", "die Ausfuhrgenehmigung"),
    Pair("import permit", "die Einfuhrgenehmigung"),
    Pair("packing list", "die Packliste"),
    Pair("customs declaration", "die Zollanmeldung"),
)
"""Feminine or neuter in German, so that nominative and accusative are the same."""

CURRENCIES: tuple[str, ...] = ("EUR", "EUR", "USD", "GBP", "NOK", "CHF", "JPY")
"""Of insured values; the euro twice as often as the rest."""
