"""bench: which model should we ship?

Quality, latency, throughput, memory and energy of the same loaded model, in one run, and the advice that follows.
"""

from importlib.metadata import PackageNotFoundError, version

try:
    __version__ = version("bench")
except PackageNotFoundError:  # a checkout that was never installed
    __version__ = "0+unknown"

__all__ = ["__version__"]
