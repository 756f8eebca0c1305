"""Runs a plan: jobs to executors, records to the store, resumable after any kill."""
