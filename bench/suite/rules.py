"""The rules of a pick, by name: one file each in `bench/decision/rules/`, or an entry point in `bench.rules`.

A suite names a rule, and is read without importing any. So the names are those of the files; a rule itself is imported
when somebody asks what it needs, or picks by it.
"""

from __future__ import annotations

from pathlib import Path

from bench.plugins import Table

FOLDER = Path(__file__).resolve().parents[1] / "decision" / "rules"

RULES = Table(
    "rule",
    "bench.rules",
    {
        path.stem.replace("_", "-"): f"bench.decision.rules.{path.stem}:RULE"
        for path in FOLDER.glob("*.py")
        if path.stem != "__init__"
    },
)
"""Every rule; each target is a `bench.decision.rule.Rule`."""

DEFAULT_RULE = "best-quality-within-budget"
