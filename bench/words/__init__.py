"""Sentences about results, made from typed ones; the only room that writes them.

Nothing here computes a result, and nothing anywhere reads one of these sentences again: what is to be decided by is in
the typed results.
"""
