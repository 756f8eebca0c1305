"""Measuring passes over a loaded model: timings, memory, energy, their doubts and the audit."""
