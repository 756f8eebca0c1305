"""The version of bench that a run was made with."""

from __future__ import annotations

from bench.store import Document


def harness_of(environment: Document) -> str:
    """Return the version of bench in a fingerprint; `unknown` where it is not noted."""
    packages = (environment.get("software") or {}).get("packages") or {}
    return str(packages.get("bench", "unknown"))
