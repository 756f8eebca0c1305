"""Models that answer over HTTP: how they are asked, what their answers are, what was spent, how they are started.

Needs neither torch nor transformers. The family `endpoint` makes models of it; the load pass times it.
"""
