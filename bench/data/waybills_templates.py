"""Sentences of a freight note, English beside German, with fields in braces.

Fields: `qty` goods with their packages; `x` a word for the shipment (feminine in German); `cons` the firm;
`dest`, `origin`, `lost`, `office`, `other` places; `on_…`, `for_…`, `nom_…`, `acc_…`, `dat_…` a date with its
preposition or case, of `dep` departure, `p` promise, `a` arrival or event, `i` invoice, `n` next departure;
`between` and `interval` the promised span.
A sentence of `OUTCOMES_DATED` fits early, delayed and timely arrivals alike: only the dates tell them apart.
"""

from __future__ import annotations

from bench.data.waybills_words import Pair

OPENINGS: tuple[Pair, ...] = (
    Pair("{qty} left {origin} for {dest} {on_dep}.", "{qty} verließen {origin} {on_dep} in Richtung {dest}."),
    Pair(
        "We shipped {qty} {mode} from {origin} to {dest}.",
        "Wir haben {qty} {mode} von {origin} nach {dest} versandt.",
    ),
    Pair("{cons} ordered {qty} for delivery to {dest}.", "{cons} bestellte {qty} zur Lieferung nach {dest}."),
    Pair(
        "{qty} for {cons} were loaded in {origin} {on_dep}; the destination is {dest}.",
        "{qty} für {cons} wurden {on_dep} in {origin} verladen; das Ziel ist {dest}.",
    ),
    Pair(
        "{qty} went {mode} from {origin} to {cons} in {dest}.",
        "{qty} gingen {mode} von {origin} an {cons} in {dest}.",
    ),
    Pair("The {x} for {cons} in {dest} consists of {qty}.", "Die {x} für {cons} in {dest} umfasst {qty}."),
    Pair(
        "Freight for {dest}: {qty}, sent {mode} from {origin}.",
        "Fracht für {dest}: {qty}, {mode} aus {origin} versandt.",
    ),
    Pair(
        "Waybill {number} covers {qty} from {origin} to {dest}.",
        "Der Frachtbrief {number} gilt für {qty} von {origin} nach {dest}.",
    ),
)

PROMISES_DAY: tuple[Pair, ...] = (
    Pair("Delivery was promised {for_p}.", "Die Lieferung war {for_p} zugesagt."),
    Pair("The {x} was due {on_p}.", "Die {x} war {on_p} fällig."),
    Pair("{cons} had asked for delivery {on_p}.", "{cons} hatte um Lieferung {on_p} gebeten."),
    Pair("The agreed delivery date was {nom_p}.", "Der vereinbarte Liefertermin war {nom_p}."),
    Pair(
        "The order confirmation names {acc_p} as the day of delivery.",
        "Die Auftragsbestätigung nennt {acc_p} als Liefertag.",
    ),
    Pair("The ramp at the customer's site was booked {for_p}.", "Die Rampe beim Kunden war {for_p} gebucht."),
)

PROMISES_SPAN: tuple[Pair, ...] = (
    Pair("Delivery was to take place {between}.", "Die Lieferung sollte {between} erfolgen."),
    Pair("The agreed delivery window was {interval}.", "Das vereinbarte Lieferfenster war {interval}."),
    Pair(
        "Under the contract, the {x} had to be handed over {between}.",
        "Laut Vertrag musste die {x} {between} übergeben werden.",
    ),
    Pair(
        "{cons} had reserved the ramp for the period {interval}.",
        "{cons} hatte die Rampe für den Zeitraum {interval} reserviert.",
    ),
)

OUTCOMES_DATED: tuple[Pair, ...] = (
    Pair("The {x} reached {dest} {on_a}.", "Die {x} erreichte {dest} {on_a}."),
    Pair("{cons} signed for the {x} {on_a}.", "{cons} bestätigte den Empfang der {x} {on_a}."),
    Pair("The {x} was unloaded at the customer's site {on_a}.", "Die {x} wurde {on_a} beim Kunden entladen."),
    Pair(
        "It is now certain that the {x} will arrive {on_a}.",
        "Es steht nun fest, dass die {x} {on_a} ankommt.",
    ),
    Pair(
        "According to the carrier, the {x} will arrive {on_a}.",
        "Laut Frachtführer trifft die {x} {on_a} ein.",
    ),
    Pair("The warehouse in {dest} took in the {x} {on_a}.", "Das Lager in {dest} nahm die {x} {on_a} an."),
    Pair("The day of arrival was {nom_a}.", "Der Tag der Ankunft war {nom_a}."),
    Pair("Everything was handed over to {cons} {on_a}.", "Alles wurde {on_a} an {cons} übergeben."),
)

OUTCOMES_RELATIVE: dict[str, tuple[Pair, ...]] = {
    "delayed": (
        Pair(
            "The {x} reached {dest} {gap} after the agreed date.",
            "Die {x} erreichte {dest} {gap} nach dem vereinbarten Termin.",
        ),
        Pair("{cons} had to wait {gap} longer for the {x}.", "{cons} musste {gap} länger auf die {x} warten."),
        Pair("The {x} will come {gap} too late.", "Die {x} kommt {gap} zu spät."),
    ),
    "early": (
        Pair(
            "The {x} reached {dest} {gap} before the agreed date.",
            "Die {x} erreichte {dest} {gap} vor dem vereinbarten Termin.",
        ),
        Pair("{cons} had the {x} {gap} sooner.", "{cons} hatte die {x} {gap} eher."),
        Pair("The {x} will come {gap} too soon.", "Die {x} kommt {gap} zu früh."),
    ),
    "on_time": (
        Pair("The {x} reached {dest} as agreed.", "Die {x} erreichte {dest} wie vereinbart."),
        Pair("{cons} did not have to wait for the {x}.", "{cons} musste auf die {x} nicht warten."),
        Pair("The {x} will come punctually.", "Die {x} kommt pünktlich."),
    ),
}
"""For notes that say how the arrival compares with the promise."""

OUTCOMES: dict[str, tuple[Pair, ...]] = {
    "damaged": (
        Pair(
            "On arrival {on_a}, {affected} of the {count} {pkgs} were {cond}.",
            "Bei der Ankunft {on_a} waren {affected} der {count} {pkgs} {cond}.",
        ),
        Pair(
            "{cons} accepted the {x} {on_a} with reservations because {affected} {pkgs} were {cond}.",
            "{cons} nahm die {x} {on_a} nur unter Vorbehalt an, weil {affected} {pkgs} {cond} waren.",
        ),
        Pair(
            "The inspection {on_a} found {affected} {cond_before} {pkgs}.",
            "Die Prüfung {on_a} ergab {affected} {cond_before} {pkgs}.",
        ),
        Pair(
            "Photographs taken during unloading {on_a} show {affected} {cond_before} {pkgs}.",
            "Fotos von der Entladung {on_a} zeigen {affected} {cond_before} {pkgs}.",
        ),
    ),
    "lost": (
        Pair(
            "The carrier last saw the {x} in {lost} {on_a} and has called off the search.",
            "Der Frachtführer sah die {x} zuletzt {on_a} in {lost} und hat die Suche eingestellt.",
        ),
        Pair(
            "The trail of the {x} ends in {lost} {on_a}, and the insurer has been told.",
            "Die Spur der {x} endet {on_a} in {lost}, und der Versicherer ist informiert.",
        ),
        Pair(
            "Nobody knows where the {x} is; it was last scanned in {lost} {on_a}.",
            "Niemand weiß, wo die {x} ist; zuletzt wurde sie {on_a} in {lost} gescannt.",
        ),
        Pair(
            "The {x} vanished in {lost} {on_a} and has been written off.",
            "Die {x} verschwand {on_a} in {lost} und wurde abgeschrieben.",
        ),
    ),
    "customs_hold": (
        Pair(
            "Customs in {dest} stopped the {x} {on_a} because the {paper} is missing.",
            "Der Zoll in {dest} stoppte die {x} {on_a}, weil {paper} fehlt.",
        ),
        Pair(
            "The {x} has been in the bonded warehouse in {dest} since {dat_a}; the {paper} has yet to arrive.",
            "Die {x} liegt seit {dat_a} im Zolllager in {dest}; {paper} steht noch aus.",
        ),
        Pair(
            "Without the {paper}, the inspectors at the border will not release the {x}.",
            "Ohne {paper} geben die Prüfer an der Grenze die {x} nicht frei.",
        ),
        Pair(
            "The authorities in {dest} are keeping the {x} until they see the {paper}.",
            "Die Behörden in {dest} behalten die {x}, bis {paper} vorliegt.",
        ),
    ),
}

ASIDES: dict[str, tuple[Pair, ...]] = {
    "value": (
        Pair("The insured value is {money}.", "Der Versicherungswert beträgt {money}."),
        Pair("The goods are insured for {money}.", "Die Ware ist mit {money} versichert."),
    ),
    "weight": (
        Pair("The gross weight is {weight}.", "Das Bruttogewicht beträgt {weight}."),
        Pair("The {x} weighs {weight}.", "Die {x} wiegt {weight}."),
    ),
    "distance": (Pair("The route is {distance} long.", "Die Strecke ist {distance} lang."),),
    "transit": (Pair("The journey was planned to take {transit}.", "Für die Fahrt waren {transit} geplant."),),
    "via": (
        Pair("The route runs through {via}.", "Die Strecke führt durch {via}."),
        Pair("The {x} travels through {via}.", "Die {x} reist durch {via}."),
    ),
    "loading": (Pair("Loading took {loading}.", "Die Verladung dauerte {loading}."),),
    "invoice": (
        Pair("The invoice was issued {on_i}.", "Die Rechnung wurde {on_i} ausgestellt."),
        Pair("{cons} paid the invoice {on_i}.", "{cons} bezahlte die Rechnung {on_i}."),
    ),
    "next": (Pair("The next departure is planned {for_n}.", "Die nächste Abfahrt ist {for_n} geplant."),),
    "office": (Pair("The office in {office} answers questions.", "Fragen beantwortet das Büro in {office}."),),
}
"""Side matters that fit every note."""

CHILLED: tuple[Pair, ...] = (Pair("The goods are kept at {temperature}.", "Die Ware wird bei {temperature} gehalten."),)
"""For chilled goods."""

EARLIER: dict[str, tuple[Pair, ...]] = {
    "damaged": (
        Pair("In {month}, goods for {other} arrived damaged.", "Im {month} kam Ware für {other} beschädigt an."),
        Pair(
            "The previous delivery to {other} had broken {pkgs}.",
            "Die vorige Lieferung nach {other} enthielt zerbrochene {pkgs}.",
        ),
    ),
    "lost": (
        Pair(
            "In {month}, a delivery to {other} was lost.",
            "Im {month} ging eine Lieferung nach {other} verloren.",
        ),
        Pair("A box for {other} vanished in {month}.", "Ein Karton für {other} verschwand im {month}."),
    ),
    "customs_hold": (
        Pair(
            "In {month}, customs in {other} stopped a delivery.",
            "Im {month} stoppte der Zoll in {other} eine Lieferung.",
        ),
    ),
    "delayed": (
        Pair(
            "The previous delivery to {other} came {other_days} late.",
            "Die vorige Lieferung nach {other} kam {other_days} zu spät.",
        ),
    ),
    "early": (
        Pair(
            "The previous delivery to {other} came {other_days} early.",
            "Die vorige Lieferung nach {other} kam {other_days} zu früh.",
        ),
    ),
    "on_time": (
        Pair(
            "The previous delivery to {other} came on time.",
            "Die vorige Lieferung nach {other} kam pünktlich.",
        ),
    ),
}
"""What became of another shipment: a distractor, by that shipment's status."""

ASSURANCES: dict[str, tuple[Pair, ...]] = {
    "no damage": (Pair("No damage has been reported.", "Schäden wurden nicht gemeldet."),),
    "cleared": (
        Pair("Customs cleared the {x} without questions.", "Der Zoll gab die {x} ohne Rückfragen frei."),
        Pair("Nothing was missing from the papers.", "An den Papieren fehlte nichts."),
    ),
    "complete": (Pair("No package is missing.", "Kein Packstück fehlt."),),
}
"""What did not go wrong, for goods that arrived."""
