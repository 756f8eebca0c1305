"""When `bench nightly` runs: entries for schedulers that are there already; bench has none of its own.

One file per scheduler, each a pure function from a `Schedule` to the text of its entry. Only `crontab` and
`systemd` also install and remove it, since those two belong to the user of this machine.
"""

from bench.schedule.entry import Schedule
from bench.schedule.kinds import KINDS, Kind

__all__ = ["KINDS", "Kind", "Schedule"]
