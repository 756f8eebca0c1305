"""Intervals, bootstrap and paired tests: pure numpy and scipy on arrays, with no knowledge of models or
records."""
