"""What two fingerprints differ in, in words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from bench.host import STABLE, STABLE_GPU

MOST = 6
"""Differences that are named; the rest are counted."""


def differences(before: Mapping[str, object], after: Mapping[str, object]) -> list[str]:
    """Name what changed between two fingerprints among what decides a timing: `torch 2.12 → 2.13`.

    >>> differences({"cpu": {"model": "a"}}, {"cpu": {"model": "b"}})
    ['cpu model a → b']
    """
    old, new = dict(_flat(before)), dict(_flat(after))
    names = list(dict.fromkeys([*old, *new]))
    changes = [
        f"{name} {_shown(old.get(name))} → {_shown(new.get(name))}" for name in names if old.get(name) != new.get(name)
    ]
    if not changes:
        return ["the fingerprint of the machine"]
    return changes if len(changes) <= MOST else [*changes[:MOST], f"and {len(changes) - MOST} more"]


def _flat(environment: Mapping[str, object]) -> Iterator[tuple[str, object]]:
    """Yield name and value of everything that `machine_key` hashes."""
    for part, names in STABLE.items():
        values = _section(environment.get(part))
        for name in values if names is None else names:
            value = values.get(name)
            if isinstance(value, Mapping):
                yield from ((str(key), item) for key, item in value.items())
            else:
                yield (name if part == "software" else f"{part} {name}", value)
    devices = _section(environment.get("gpu")).get("devices")
    for number, device in enumerate(devices if isinstance(devices, (list, tuple)) else ()):
        yield from ((f"GPU {number} {name}", _section(device).get(name)) for name in STABLE_GPU)


def _section(value: object) -> Mapping[str, object]:
    return value if isinstance(value, Mapping) else {}


def _shown(value: object) -> str:
    if value is None:
        return "none"
    text = str(value)
    return text if len(text) <= 40 else text[:39] + "…"
