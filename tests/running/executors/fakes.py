"""Workers and functions for the tests of executors and runner; found by name from inside a child."""

import os
import re
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

from bench.errors import FitError, UnsupportedError
from bench.record import Cell, Fact, Record, Sample, Timing

MIB = 2**20


def asked(cell: Cell) -> dict:
    """What the test asks of a worker: the options of the cell's model."""
    return {} if cell.job is None else cell.job.model.options


def record_of(cell: Cell, process: int = 0, pid: float = 1.0) -> Record:
    """A small but full record."""
    samples = (
        Sample(0, "a", "yes", "no", scores=(-0.5, -1.25), input_tokens=3, group="g"),
        Sample(1, "b", "no", None, nll=2.5, scored_tokens=4, scored_bytes=9, output_tokens=2, truncated=True),
    )
    timings = (
        Timing("latency", process, 0, (1,), 1_000, 5, 3, 2, (400, 900), None),
        Timing("throughput", process, 1, (0, 1), 2_000, device_ns=1_900),
    )
    facts = (Fact("pid", pid, "count", "test", process=process),)
    environment, notes = {"torch": "2"}, {"labels": ["z", "a"]}
    return Record(
        cell,
        "ok",
        None,
        process,
        "2026-11-22T16:00:00+00:00",
        0.5,
        samples,
        timings,
        facts,
        (),
        environment,
        notes,
    )


def fine(cell, process, notify):
    notify("load")
    print("loading", cell.label)
    os.write(2, b"from a library\n")
    notify("latency")
    return record_of(cell, process, float(os.getpid()))


def counts_arithmetic(cell, process, notify):
    """Says that nothing is timed any more, and gives its process id."""
    notify("flops")
    return record_of(cell, process, float(os.getpid()))


def behaves(cell, process, notify, scored=()):
    """Does what the cell's job says; counts how often it ran in the folder `trace`."""
    trace = Path(asked(cell)["trace"]) / f"{cell.model}-{process}"
    with trace.open("a") as stream:
        stream.write("x")
    return globals()[asked(cell).get("does", "fine")](cell, process, notify)


def raises(cell, process, notify):
    notify("evaluate")
    raise ValueError("the tokenizer\nhas no padding token")


def unsupported(cell, process, notify):
    raise UnsupportedError("an encoder writes no text")


def exits(cell, process, notify):
    raise SystemExit(3)


def no_record(cell, process, notify):
    return "done"


def blocks(cell, process, notify):
    notify("warmup")
    signal.pause()


def ignores_sigterm(cell, process, notify):
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    notify("warmup")
    while True:
        signal.pause()


def kills_itself(cell, process, notify):
    notify("latency")
    os.kill(os.getpid(), signal.SIGKILL)


def crashes(cell, process, notify):
    notify("latency")
    os.kill(os.getpid(), signal.SIGSEGV)


def allocates(cell, process, notify):
    notify("load")
    return [bytearray(8 * MIB) for _ in range(1000)]


def aborts_without_memory(cell, process, notify):
    notify("load")
    os.write(2, b"terminate called after throwing an instance of 'std::bad_alloc'\n")
    os.abort()


def announces_and_blocks(cell, process, notify):
    """Tells its process id through the FIFO of the job, keeps it open, and waits for ever."""
    pipe = os.open(asked(cell)["fifo"], os.O_WRONLY)
    os.write(pipe, f"{os.getpid()}\n".encode())
    signal.pause()


def holds_the_gil(cell, process, notify):
    """Like `announces_and_blocks`, but busy inside C code that lets no other Python thread run."""
    pipe = os.open(asked(cell)["fifo"], os.O_WRONLY)
    os.write(pipe, f"{os.getpid()}\n".encode())
    re.match(r"(a+)+$", "a" * 60 + "b")


def starts_a_child(cell, process, notify):
    """A grandchild that inherits the FIFO and would live for ever."""
    pipe = os.open(asked(cell)["fifo"], os.O_WRONLY)
    os.set_inheritable(pipe, True)
    script = "import signal; print(1, flush=True); signal.pause()"
    child = subprocess.Popen([sys.executable, "-c", script], close_fds=False, stdout=subprocess.PIPE)
    child.stdout.readline()
    os.write(pipe, f"{os.getpid()}\n".encode())
    signal.pause()


def leaves_children(cell, process, notify):
    """Starts a process in a session of its own, which starts another; tells both ids, and then does what is asked."""
    script = (
        "import os, signal, subprocess, sys\n"
        "if len(sys.argv) > 2:\n"
        "    subprocess.Popen([*sys.orig_argv[:-1]], start_new_session=True, close_fds=False)\n"
        "os.write(int(sys.argv[1]), f'{os.getpid()}\\n'.encode())\n"
        "print(1, flush=True)\n"
        "signal.pause()\n"
    )
    pipe = os.open(asked(cell)["fifo"], os.O_WRONLY)
    os.set_inheritable(pipe, True)
    command = [sys.executable, "-c", script, str(pipe), "more"]
    child = subprocess.Popen(command, start_new_session=True, close_fds=False, stdout=subprocess.PIPE)
    for _ in range(2):
        child.stdout.readline()
    return globals()[asked(cell)["does"]](cell, process, notify)


def leaves_everything(cell, process, notify, scored=()):
    """Leave a daemon that left its session twice, a named semaphore and a temporary file; then do what is asked."""
    import multiprocessing
    import tempfile

    held = multiprocessing.get_context("spawn").Lock()
    descriptor, _ = tempfile.mkstemp()
    os.write(descriptor, b"of a candidate")
    pipe = os.open(asked(cell)["fifo"], os.O_WRONLY)
    heard, told = os.pipe()
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            os.setsid()
            os.write(pipe, f"{os.getpid()}\n".encode())
            os.write(told, b"x")
            signal.pause()
        os._exit(0)
    os.wait()
    os.close(pipe)
    os.read(heard, 1)
    with held:
        return globals()[asked(cell)["does"]](cell, process, notify)


def prints_much(cell, process, notify):
    for _ in range(20):
        print("x" * MIB)
    return record_of(cell, process)


def writes_garbage(cell, process, notify):
    """Writes garbage into whatever is open."""
    for descriptor in range(3, 64):
        try:
            os.write(descriptor, b"garbage in a pipe of others")
        except OSError:
            continue
    return record_of(cell, process)


def announces_too_much(cell, process, notify):
    """Announces a frame of which nothing more comes, in whatever is open."""
    for descriptor in range(3, 64):
        try:
            os.write(descriptor, (2**29).to_bytes(8, "big"))
        except OSError:
            continue
    return record_of(cell, process)


# -- functions for `Executor.call` --


def add(a, b, notify):
    notify("adding")
    return a + b


def diverges(notify):
    raise FitError("the loss became NaN at step 3")


def unpicklable(notify):
    return lambda: None


def main_file(notify):
    """The file of the main module, None for the forkserver's own."""
    return getattr(sys.modules["__main__"], "__file__", None)


def threads_of_server(notify):
    lists = ("bench.running.preload.scoring", "bench.running.preload.measuring")
    wanted = [name for own in lists for name in sys.modules[own].MODULES]
    threads = len(list(Path(f"/proc/{os.getppid()}/task").iterdir()))
    return threads, sorted(sys.modules), dict(os.environ), wanted


def torch_allocates(notify):
    import torch

    notify("load")
    return int(torch.zeros(1000 * MIB, dtype=torch.float32).sum())


# -- workers that share a process --


def shares(cell, process, notify, state=None, scored=()):
    """Counts the calls of this process in its state; may then misbehave as the job says."""
    if state is not None:
        state["calls"] = state.get("calls", 0) + 1
    does = asked(cell).get("does", "fine")
    record = globals()[does](cell, process, notify)
    calls = 0.0 if state is None else float(state["calls"])
    return replace(record, facts=(*record.facts, Fact("calls", calls, "count", "test")))
