"""Racing: when has enough been measured, and who need not answer any further example? Pure functions of entries.

One seeded order of the examples is shared by all candidates of a task (`order`); after each block (`looks`) what is
known is put into a `Look` (`gather`), and `judge` says who is out, whether the answer is decided, and where a further
process would help. A `Look` holds all that the verdict depends on, so that a certificate can be judged again anywhere.

    order = shuffle(example_ids, groups, seed)
    count = next_count(order, answered, alive_seconds)
    verdict = judge(gather(task, entries, question, race, order, out=verdict.out))
"""

from bench.racing.gather import gather
from bench.racing.judge import ended, judge
from bench.racing.looks import next_count
from bench.racing.order import Order, shuffle
from bench.racing.state import Contestant, Ending, Guarantee, Look, OpenLimit, OpenPair, Out, OutReason, Race, Verdict

__all__ = [
    "Contestant",
    "Ending",
    "Guarantee",
    "Look",
    "OpenLimit",
    "OpenPair",
    "Order",
    "Out",
    "OutReason",
    "Race",
    "Verdict",
    "ended",
    "gather",
    "judge",
    "next_count",
    "shuffle",
]
