"""Model families: one file each. A file that is put here is found; see `bench.candidates.family.Family`."""
