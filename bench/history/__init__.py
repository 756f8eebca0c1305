"""History over the store: baselines, regression gate, change points, schedules. Built by a later issue."""
