"""Is this run worse than its baseline? First look, interleaved rerun, verdict."""
