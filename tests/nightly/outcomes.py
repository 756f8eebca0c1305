"""Outcomes for tests."""

from bench.gate.verdict import AlarmNote, GateResult, Line
from bench.nightly.outcome import CellResult, Outcome


def line(verdict="unchanged", model="small", reading="latency_p50_s", text="10.0 ms → 11.0 ms"):
    return Line(
        model,
        "float32",
        "topic",
        reading,
        verdict,
        0.01,
        0.011,
        "s",
        False,
        0.1,
        0.09,
        0.11,
        0.001,
        0.01,
        0.03,
        0.05,
        True,
        text,
    )


def judged(*lines, code=0, alarms=()):
    verdict = lines[0].verdict if lines else "unchanged"
    return GateResult(verdict, "run", "base", "previous", lines, (), alarms, (), f"Sentence of {verdict}.", code)


def alarm(worse=True):
    return AlarmNote("small", "float32", "topic", "latency_p50_s", 1.05, 0.0001, worse, "since", "small: worse, +5 %")


def cell(name="small", status="ok", reason=None):
    return CellResult(f"{name} · topic", name, "float32", "topic", status, reason, 1.5)


def outcome(*cells, gate=None, **changes):
    cells = cells or (cell(),)
    return Outcome(
        "suite", "run", "2026-11-24T02:30:00+00:00", "", cells, len(cells), **{"cut": None, "gate": gate} | changes
    )
