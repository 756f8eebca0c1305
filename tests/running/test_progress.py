"""What is drawn, and above all when nothing is."""

import io

import pytest
from rich.console import Console

from bench.record import Cell, Record
from bench.running.progress import REFRESH_S, TIMED_PHASES, LiveProgress, PlainProgress, SilentProgress, progress_for

CELL = Cell("gpt2-small", "causal-lm", "float32", "status", "classification")


class Terminal(io.StringIO):
    def isatty(self):
        return True


class Clock:
    """A clock that stands until it is set."""

    now = 100.0

    def __call__(self):
        return self.now


@pytest.fixture
def live():
    clock, stream = Clock(), Terminal()
    console = Console(file=stream, force_terminal=True, width=120, _environ={"TERM": "xterm"})
    progress = LiveProgress(console, clock)
    progress.begin("RUN", 24, 0)
    yield progress, clock, stream
    progress.end()


def test_lines_of_a_pipe():
    stream = io.StringIO()
    progress = progress_for(stream)
    assert isinstance(progress, PlainProgress)
    progress.begin("RUN", 24, 2)
    progress.start(CELL, 0)
    progress.phase("latency")
    progress.finish(Record(CELL, "ok", None, wall_s=4.1))
    progress.finish(Record(CELL, "ok", None, 1), reused_from="EARLIER")
    progress.leave_out(10)
    progress.finish(Record(CELL, "oom", "too big", 2, wall_s=0.5))
    progress.end()
    assert stream.getvalue().splitlines() == [
        "run RUN: 24 jobs, 2 of them finished before",
        "[ 3/24] gpt2-small · status  ok  4.10 s",
        "[ 4/24] gpt2-small · status (process 2)  ok  reused from EARLIER",
        "[ 5/14] gpt2-small · status (process 3)  oom  500 ms  too big",
    ]
    assert progress.tick() is None


@pytest.mark.parametrize(("done", "line"), [(0, "run RUN"), (1, "run RUN: 1 job finished before")])
def test_a_race_begins_without_a_number_of_jobs(done, line):
    stream = io.StringIO()
    progress_for(stream).begin("RUN", 0, done)
    assert stream.getvalue() == f"{line}\n"


def test_a_terminal_gets_the_live_display():
    assert isinstance(progress_for(Terminal()), LiveProgress)


def test_the_panel_shows_job_phase_time_gone_and_left(live):
    progress, clock, stream = live
    progress.finish(Record(CELL, "ok", None, wall_s=2.0))
    clock.now = 103.0
    progress.start(CELL, 1)
    progress.phase("evaluate")
    shown = stream.getvalue()
    for piece in ("[2/24] gpt2-small · status (process 2)", "evaluate", "3.00 s gone", "about 46.0 s left"):
        assert piece in shown


@pytest.mark.parametrize("phase", sorted(TIMED_PHASES))
def test_nothing_is_drawn_while_a_child_is_being_timed(live, phase):
    progress, clock, stream = live
    progress.start(CELL, 0)
    progress.phase(phase)
    drawn = stream.getvalue()
    clock.now += 1000
    assert progress.tick() is None
    assert stream.getvalue() == drawn


def test_otherwise_it_is_drawn_once_a_second(live):
    progress, clock, stream = live
    progress.start(CELL, 0)
    progress.phase("evaluate")
    drawn = stream.getvalue()
    clock.now += 0.25
    assert progress.tick() == REFRESH_S - 0.25
    assert stream.getvalue() == drawn
    clock.now += 0.75
    assert progress.tick() == REFRESH_S
    assert len(stream.getvalue()) > len(drawn)


def test_finished_jobs_stay_on_the_screen(live):
    progress, _, stream = live
    progress.finish(Record(CELL, "failed", "ValueError: [bold]no[/bold]", wall_s=1.0))
    assert "[ 1/24] gpt2-small · status" in stream.getvalue()
    assert "ValueError: [bold]no[/bold]" in stream.getvalue()


def test_silence():
    progress = SilentProgress()
    progress.begin("RUN", 1, 0)
    progress.start(CELL, 0)
    progress.phase("load")
    progress.finish(Record(CELL, "ok", None))
    progress.leave_out(1)
    progress.end()
    assert progress.tick() is None
