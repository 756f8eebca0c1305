"""Quality metrics: one per file, each a class that declares its name, title, unit, range, direction and definition.

A new metric is a new file here; nothing else names it. `base` is the interface, `catalogue` finds the metrics by name,
`module` and `hub` are for metrics from elsewhere; `rows`, `ngrams`, `lcs` and `sacrebleu_counts`, `f1` and `rouge` hold
what several metrics count alike.
"""
