"""Sentences about the certificate of a race."""

from __future__ import annotations

from bench.racing.certificate import Certificate
from bench.racing.certify import Difference, Differs
from bench.racing.state import Membership
from bench.units import plural
from bench.words.wording import are, listed

SHORT = 12
"""Characters of a hash that are shown."""


def holds(certificate: Certificate) -> str:
    """Say that the same answer came out."""
    looks = sum(len(task.looks) for task in certificate.tasks.values())
    picks = [f"{task.pick or 'nobody'} for {name}" for name, task in certificate.tasks.items()]
    return (
        f"The same answer: {listed(picks)}{_fronts(certificate)}. {plural(looks, 'look')} of run {certificate.run} "
        f"judged again; the file is as it was sealed ({certificate.hash[:SHORT]})."
    )


def _fronts(certificate: Certificate) -> str:
    """Say who is on the front of each task; nothing in a race for the picks alone."""
    members = {
        name: [own for own, place in task.front.items() if place is Membership.ON]
        for name, task in certificate.tasks.items()
        if task.front
    }
    told = [f"on the front of {name} {are(len(names))} {listed(names)}" for name, names in members.items() if names]
    return "".join(f"; {text}" for text in told)


def sentence(own: Difference) -> str:
    """Say what does not hold."""
    said, again = own.said[:SHORT], own.again[:SHORT]
    match own.kind:
        case Differs.CONTENT:
            return f"the file was changed after it was sealed: its hash is {again}, and it says {said}"
        case Differs.ORDER:
            return f"{own.task}: the order of the examples ({said}) is not the one of its seed"
        case Differs.SCORES:
            return (
                f"{own.task}: the scores of {own.where} were changed: their hash is {again}, and the file says {said}"
            )
        case Differs.LOOK:
            return f"{own.task}: look {own.where} was changed: its hash is {again}, and the file says {said}"
        case Differs.OUT:
            return f"{own.task}: {own.where} is '{own.again}' when judged again, and the file says '{own.said}'"
        case Differs.PLACE:
            return (
                f"{own.task}: the place of {own.where} on the front is '{own.again}' when judged again, and the file "
                f"says '{own.said}'"
            )
        case _:
            place = own.where if own.where == "the end" else f"look {own.where}"
            return f"{own.task}: at {place} the {own.kind.value} is {own.again} when judged again, not {own.said}"


def difference_document(own: Difference) -> dict[str, str]:
    """Describe a difference as JSON-able values."""
    return {"kind": own.kind.value, "task": own.task, "where": own.where, "said": own.said, "again": own.again}
