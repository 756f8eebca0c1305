"""The type of a description of this machine."""

from __future__ import annotations

from typing import Any

Facts = dict[str, Any]
"""JSON-able facts by name; what the system does not tell is None."""
