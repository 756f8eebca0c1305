"""A whole night of a suite: lock, run, gate, report, pages, retention, alert, and one line for the morning.

It orchestrates what lies below and measures nothing itself. When it starts is somebody else's work: `bench.schedule`.
"""
