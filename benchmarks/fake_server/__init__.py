"""A server of known truth, with the interface of OpenAI's: what a client measures is held against what it did.

Its queue, its service times and its faults are set; every token has its instant before it is sent. It knows nothing of
bench, and uses the standard library alone.
"""

from benchmarks.fake_server.behaviour import Behaviour, Fault, Law, Truth
from benchmarks.fake_server.server import Fake, running

__all__ = ["Behaviour", "Fake", "Fault", "Law", "Truth", "running"]
