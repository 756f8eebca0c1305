"""From a suite to the cells that will run, with every name resolved and every mistake told before anything
runs.

Imports neither torch nor transformers: `bench validate` and `bench plan` answer in a second.
"""

from bench.planning.cells import Options, Plan, make_plan
from bench.planning.fits import fit_jobs
from bench.planning.suites import open_suite

__all__ = ["Options", "Plan", "fit_jobs", "make_plan", "open_suite"]
