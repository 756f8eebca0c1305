"""Sentences about results, made from typed findings; a chart writes its own takeaway.

Nothing here computes a result, and nothing anywhere reads one of these sentences again: what decides is in
the typed results.
"""
