"""Quality metrics, one per file; `bench.catalogue.readings.METRICS` names them."""
