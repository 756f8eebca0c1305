"""The rules of a pick, by name: one file each in `bench/decision/rules/`, or an entry point in `bench.rules`.

A suite names a rule, and is read without importing any. So the names are those of the files; a rule itself is imported
when somebody asks what it needs, or picks by it.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Protocol, TypeGuard

from bench.plugins import Declared, Files

FOLDER = Path(__file__).resolve().parents[1] / "decision" / "rules"


class RuleDeclaration(Protocol):
    """What a suite's checks read of a rule; `bench.decision.rule.Rule` is the whole of it."""

    name: str
    needs: Mapping[str, str]
    weighs_by_rates: bool
    takes_best: bool


def _is_rule(value: object) -> TypeGuard[RuleDeclaration]:
    return all(hasattr(value, attribute) for attribute in ("name", "needs", "weighs_by_rates"))


RULES: Declared[RuleDeclaration] = Declared(
    "rule", "bench.rules", Files(FOLDER, "bench.decision.rules", "RULE", _is_rule, "bench.decision.rule.Rule")
)
"""Every rule by name."""

DEFAULT_RULE = "best-quality-within-budget"
