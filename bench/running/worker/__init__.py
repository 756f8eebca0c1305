"""Runs one cell in a process of its own: load, score, measure the same instance, return one record."""
