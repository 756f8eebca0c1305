"""A night as JUnit XML, which CI services show as tests: one per cell, and one per reading that the gate judged.

Source: the schema that GitLab, Jenkins and GitHub actions read, https://github.com/testmoapp/junitxml.
"""

from __future__ import annotations

import re
from xml.etree import ElementTree as Xml

from bench.errors import EXIT_OK
from bench.gate.verdict import GateResult, Line
from bench.nightly.outcome import CellResult, Outcome
from bench.record import WELL

_ILLEGAL = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""What XML 1.0 cannot hold. Source: https://www.w3.org/TR/xml/#charsets."""


def junit_xml(outcome: Outcome) -> str:
    """Write the XML: suite `cells` (an error where one failed), suite `gate` (a failure where one regressed, or
    is suspected and fails the night)."""
    root = Xml.Element("testsuites", name=_legal(f"bench nightly {outcome.suite}"))
    cells = _suite(root, "cells", outcome)
    for cell in outcome.cells:
        _cell(cells, cell)
    gate = _suite(root, "gate", outcome)
    if outcome.gate is not None:
        for line in outcome.gate.lines:
            _line(gate, line, outcome.gate)
    else:
        _note(_case(gate, "bench", "gate"), "error", outcome.problems[0] if outcome.problems else "not asked")
    for suite in (cells, gate):
        _count(suite)
    _count(root)
    Xml.indent(root)
    return Xml.tostring(root, encoding="unicode", xml_declaration=True) + "\n"


def _suite(root: Xml.Element, name: str, outcome: Outcome) -> Xml.Element:
    return Xml.SubElement(root, "testsuite", name=name, timestamp=outcome.started_at[:19])


def _case(suite: Xml.Element, place: str, name: str) -> Xml.Element:
    return Xml.SubElement(suite, "testcase", classname=_legal(place), name=_legal(name))


def _cell(suite: Xml.Element, cell: CellResult) -> None:
    case = _case(suite, cell.task, f"{cell.model}[{cell.variant}]")
    case.set("time", f"{cell.wall_s:.3f}")
    if cell.status in ("skipped", "unsupported"):
        _note(case, "skipped", cell.reason or cell.status)
    elif cell.status not in WELL:
        _note(case, "error", f"{cell.status}: {cell.reason or 'no reason is known'}")


def _line(suite: Xml.Element, line: Line, gate: GateResult) -> None:
    strict = gate.verdict == "suspected" and gate.exit_code != EXIT_OK  # a job that fails shows what failed
    case = _case(suite, f"{line.task}.{line.model}[{line.variant}]", line.reading)
    case.set("time", "0")
    if line.verdict == "regressed" or (strict and line.verdict == "suspected"):
        _note(case, "failure", line.text)
    elif line.verdict not in ("improved", "unchanged"):
        _note(case, "skipped", f"{line.verdict}: {line.text}")
    else:
        Xml.SubElement(case, "system-out").text = _legal(f"{line.verdict}: {line.text}")


def _note(case: Xml.Element, kind: str, message: str) -> None:
    Xml.SubElement(case, kind, message=_legal(message))


def _count(element: Xml.Element) -> None:
    cases = list(element.iter("testcase"))
    element.set("tests", str(len(cases)))
    for plural, kind in (("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
        element.set(plural, str(sum(case.find(kind) is not None for case in cases)))
    element.set("time", f"{sum(float(case.get('time', 0)) for case in cases):.3f}")


def _legal(text: str) -> str:
    return _ILLEGAL.sub("\ufffd", text)
