"""Kinds of tasks: what each declares of itself, and what a task and a model make of each other."""

from __future__ import annotations

from bench.plugins import Classes, Declared, Instances
from bench.tasks.kind import Kind

KINDS: Declared[Kind] = Declared("kind of task", "bench.tasks", Instances(Classes("bench.tasks.kinds", Kind)))
"""Every kind by name: one file each in `bench/tasks/kinds/`, and the entry points `bench.tasks`."""
