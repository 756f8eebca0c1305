"""Quality metrics, one per file; `bench.readings.METRICS` names them."""
