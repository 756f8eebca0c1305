"""Kinds of tasks: one file each. A file that is put here is found; see `bench.tasks.kind.Kind`."""
