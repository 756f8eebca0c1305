"""Runs the jobs of a suite on the machines of a Ray cluster: one job at a time on each where anything is timed, else as
many as have room there (`bench.running.machines.room`).

Every node that offers the resource `bench_machine` is a machine. An actor of bench holds it whole for the time of a
run, and makes the calls there as the local executor does here (`bench.running.machines.agent`). All calls of a block of
work go to one machine. Records come back to this process, which commits them; so it may die, and the same command goes
on. A machine that is lost loses its job alone, which another one gets.

Source: docs.ray.io, "Ray Core: Scheduling" (custom resources, node affinity) and "Fault tolerance".
"""

from __future__ import annotations

import logging
import os
import socket
import threading
import time
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Self, TypeVar

from pydantic import TypeAdapter, ValidationError

from bench.candidates.kept import Keep
from bench.errors import BenchError, EnvironmentLackError, UsageError
from bench.host import class_key, class_name, shared_facts
from bench.host.differences import differences
from bench.host.facts import Facts
from bench.measure.canary import Canary
from bench.record import MACHINE, Cell, Record
from bench.running.canary import CANARY_LIMIT_S
from bench.running.executors import wire
from bench.running.executors.base import Answer, Call, Executor, Place, ignore, never
from bench.running.executors.outcome import Failure, unreadable
from bench.running.machines.agent import CARRIED, Agent, Reply, Request, add_kept, kept_by
from bench.running.machines.alike import FEWEST_COMPARED, Class, chosen_class, classes_of, odd_ones, speeds
from bench.running.machines.fleet import Fleet, Seat
from bench.running.machines.parcels import Parcel, moved, parcel_of, wanted
from bench.running.machines.room import Needs, room
from bench.running.machines.software import COMPARED, Versions, difference, reader
from bench.running.machines.watch import Watch
from bench.running.targets import CANARY, WORKER
from bench.store.addresses import redact
from bench.store.files import write_file
from bench.units import plural

T = TypeVar("T")

RESOURCE = "bench_machine"
"""What a node offers that may be measured on: `ray start --resources='{"bench_machine": 1}'`."""
UNITS = ("CPU", "GPU")
"""What Ray counts of each node."""
CLIENT = "ray://"
TRIES = 3
"""Of a job whose machines are lost: it is given to another one at most twice."""
DELIVERIES = 2
"""Of a parcel to a machine, where what arrives is not what was sent."""
START_S = 120.0
"""In which an agent must have begun: torch is imported there, and a cold disk is slow."""
KNOCK_S = 5.0
"""In which a cluster's address must take a connection."""
FAREWELL_S = 2.0
"""In which an agent may remove what lies on its machine."""
LOOK_S = 5.0
"""Between two looks for machines that have joined."""
OWN_STORE_BYTES = 256 * 2**20
"""Object store of a cluster that is started here for a run: parcels pass through it in chunks."""
THREADS = 256
"""Calls under way at once at most: one a machine."""
NONE_LEFT = "no machine of the cluster is left; start one, and run the same command to go on"
STOPPED = "the run was stopped"


class _LostError(Exception):
    """The machine of a call, or its agent, is gone."""


@dataclass(slots=True)
class _Machine:
    """One node of the cluster, and the agent on it."""

    name: str
    node: str
    """Ray's id of the node."""
    cpus: float
    """That Ray counts there."""
    gpus: float
    agent: Any = None
    """Ray's handle."""
    facts: Facts = field(default_factory=dict)
    kind: str = ""
    """Name of its class."""
    parcels: dict[str, str] = field(default_factory=dict)
    """Where parcels lie on it, by their keys."""
    receiving: threading.Lock = field(default_factory=threading.Lock)
    """Held while a parcel is on its way: jobs of several seats may want the same one."""


class RayExecutor(Executor):
    """An executor with the machines of a Ray cluster."""

    name = "ray"
    isolation = "machine"
    takes_address = True

    def __init__(self, worker: str = WORKER, *, place: Place | None = None, measuring: bool = True) -> None:
        super().__init__(worker)
        place = place or Place()
        self._address, self._wanted, self.tell = place.address, place.machines, place.tell
        self._measuring = measuring
        self._machines: dict[str, _Machine] = {}
        self._left_out: set[str] = set()
        """Ray's ids of nodes that are not used."""
        self._class: Class | None = None
        self._fleet = Fleet({})
        self._watch = Watch()
        self._begun: set[str] = set()
        """Blocks of which a job has run."""
        self._needs = Needs()
        """What a job takes; until the plan is known, a machine alone."""
        self._parcels: dict[Path, Parcel] = {}
        self._pool: ThreadPoolExecutor | None = None
        self._changing = threading.RLock()
        """Held while machines are started or given up."""
        self._stopping = False
        self._looked = 0.0

    @classmethod
    def open(cls, *, measuring: bool = True, place: Place | None = None) -> Self:
        """Make the executor; it connects when it is first asked for something."""
        return cls(place=place, measuring=measuring)

    def connect(self) -> None:
        """Connect, compare the software of all machines with this one's, and start an agent on each.

        Raises:
            EnvironmentLackError: there is no such cluster, or none of its machines can be used.
        """
        with self._changing, _without_loss():
            self._stopping = False
            _initialise(self._address)
            nodes = _nodes()
            if not nodes:
                raise EnvironmentLackError(
                    f"no node of the cluster offers the resource '{RESOURCE}'; start each that may be measured on "
                    f"with: ray start --resources='{{\"{RESOURCE}\": 1}}' (docs/machines.md)"
                )
            _compare(nodes)
            started = self._started(nodes)
            classes = classes_of({each.name: each.facts for each in started})
            self._class = chosen_class(self._as_before(classes), self._wanted)
            self._keep(started, classes)

    def _as_before(self, classes: Sequence[Class]) -> Sequence[Class]:
        """Keep to the class that was measured before, where anything was: what is measured again stands beside it.

        Raises:
            EnvironmentLackError: it has no machine any more.
        """
        before = self._class
        if before is None or not self._measuring:
            return classes
        same = [each for each in classes if each.key == before.key]
        if not same:
            there = "; ".join(f"{plural(len(each.machines), 'machine')} of {each.name}" for each in classes)
            raise EnvironmentLackError(f"the cluster has no machine left of the kind that was measured: {there}")
        return same

    def _connect_once(self) -> None:
        """Connect unless it is connected, or is being closed; of several threads one does."""
        if self._machines or self._stopping:
            return
        with self._changing:
            if not self._machines:
                self.connect()

    def _keep(self, started: Sequence[_Machine], classes: Sequence[Class]) -> None:
        """Take the machines of the class, and the others only where nothing is measured; say which."""
        assert self._class is not None
        for each in started:
            each.kind = next(one.name for one in classes if each.name in one.machines)
        alike = [each for each in started if each.name in self._class.machines]
        seconds = self._canaries(alike) if self._measuring and len(alike) >= FEWEST_COMPARED else {}
        odd, shares = odd_ones(seconds), speeds(seconds)
        self._watch.begin({name: took for name, took in seconds.items() if name not in odd})
        spared = 0
        for each in sorted(started, key=lambda machine: (machine not in alike, machine.name)):
            if self._measuring and each not in alike:
                self._leave_out(each, f"it is another kind of machine ({_how_other(each, alike[0].facts)})")
            elif seconds and each in alike and each.name not in seconds:
                self._leave_out(each, "its fixed piece of work failed, so that it cannot be compared with its kind")
            elif each.name in odd:
                self._leave_out(
                    each, f"its fixed piece of work took {_slower(shares[each.name])} the median of its kind"
                )
            elif self._is_full:
                spared += 1
                _kill(each)
            else:
                self._machines[each.name] = each
                speed = f", {_slower(shares[each.name])} the median in its canary" if each.name in shares else ""
                self.tell(f"{each.name}: {each.kind}{speed}")
        if spared:
            self.tell(f"{plural(spared, 'machine')} stay free: machines.at_most is {self._wanted.at_most}")
        self._seat()

    @property
    def _is_full(self) -> bool:
        """Tell whether as many machines take part as the suite allows."""
        return self._wanted.at_most is not None and len(self._machines) >= self._wanted.at_most

    def _seats_of(self, machine: _Machine) -> int:
        """Count the jobs that a machine does at once."""
        return 1 if self._measuring else room(machine.facts, self._needs, machine.cpus, machine.gpus)

    def _seat(self) -> None:
        """Give each machine as many seats as jobs have room there."""
        self._fleet.seat({name: self._seats_of(machine) for name, machine in self._machines.items()})
        self._count_seats()

    def _count_seats(self) -> None:
        """Tell how many calls are made at once, and whether they may be parts of one cell: other kinds of machines may
        give other answers, in the last bit."""
        self.capacity = max(1, self._fleet.seats)
        alike = len({class_key(machine.facts) for machine in self._machines.values()}) == 1
        self.least_part = self._wanted.least_part if alike and not self._measuring else None

    def _canaries(self, machines: Sequence[_Machine]) -> dict[str, float]:
        """Let each machine do the fixed piece of work, all at once; the seconds by its name."""
        call = Call(CANARY, {}, Path("canary.log"), CANARY_LIMIT_S)
        asked = {machine.name: machine.agent.attempt.remote(Request(call)) for machine in machines}
        seconds: dict[str, float] = {}
        for name, answer in asked.items():
            with suppress(_LostError, BenchError):
                took = _seconds_of(_heard(_get(answer)))
                seconds |= {} if took is None else {name: took}
        return seconds

    def _leave_out(self, machine: _Machine, why: str) -> None:
        self.tell(f"{machine.name} is left out: {why}")
        self._give_up(machine)

    def fingerprint(self) -> Facts:
        """Describe the kind of machine that is measured, without what tells one from another.

        Raises:
            EnvironmentLackError: none of them is left.
        """
        with self._changing:
            self._connect_once()
            assert self._class is not None
            alike = [each for name, each in sorted(self._machines.items()) if name in self._class.machines]
            if not alike:
                raise EnvironmentLackError(NONE_LEFT)
            first = alike[0]
            return shared_facts(first.facts) | {"machines": sorted(self._machines)}

    def check(self, plan: Sequence[Cell]) -> None:
        """Look on every machine for what is too large to travel, and how many jobs it has room for.

        Raises:
            EnvironmentLackError: one has it not, or another content there.
        """
        self._connect_once()
        self._needs = Needs.of(plan)
        self._seat()
        large = {
            parcel.key: parcel for cell in plan for parcel in self._parcels_of(cell).values() if not parcel.travels
        }
        with _without_loss():
            for parcel in large.values():
                for machine in list(self._machines.values()):
                    self._check_holds(machine, parcel)

    def submit(self, work: Callable[[], T]) -> Future[T]:
        """Do some work, which calls this executor, in a thread of its own."""
        self._pool = self._pool or ThreadPoolExecutor(THREADS, thread_name_prefix=self.name)
        return self._pool.submit(work)

    def attempt(self, call: Call) -> Answer:
        """Make a call on the machine of its block, or on another one where that is lost, and return its outcome.

        A call of no block goes to the first machine.
        """
        try:
            self._connect_once()
        except BenchError as error:
            return Answer(failure=Failure("skipped", str(error)))
        self._welcome()
        lost: list[str] = []
        while len(lost) < TRIES:
            seat = self._fleet.take(call.block) if call.block else self._first_seat()
            machine = None if seat is None else self._machines.get(seat.machine)
            if seat is None or machine is None or self._stopping:
                return Answer(failure=Failure("skipped", STOPPED if self._stopping else NONE_LEFT))
            try:
                answer = self._made(machine, seat.number, call)
                if not self._is_off(machine, seat, call, answer):
                    return answer
            except _LostError:
                lost.append(machine.name)
                self._after_loss(machine)
            except BenchError as error:
                return Answer(failure=Failure("failed", str(error), type(error)))
        return Answer(
            failure=Failure(
                "failed",
                f"{', '.join(lost)} was lost while it ran, {TRIES} times in all; see their logs",
                lost=tuple(lost),
            )
        )

    def _is_off(self, machine: _Machine, seat: Seat, call: Call, answer: Answer) -> bool:
        """Leave out a machine whose canary is off, and off again when it is asked once more.

        Returns:
            Whether the call is to be made on another machine: not where the block's work is done, which nothing undoes.
        """
        if call.block is None or not self._measuring:
            return False
        if call.target != CANARY:
            self._begun.add(call.block)
            return False
        if self._watched(machine, answer) is None:
            return False
        share = self._watched(machine, self._made(machine, seat.number, call))
        if share is None:
            return False
        with self._changing:
            self._machines.pop(machine.name, None)
            self._watch.forget(machine.name)
            self._leave_out(
                machine, f"its fixed piece of work takes {_slower(share)} the median of its kind since the run began"
            )
            self._fleet.lose(machine.name)
            self._count_seats()
        return call.block not in self._begun

    def _watched(self, machine: _Machine, answer: Answer) -> float | None:
        seconds = _seconds_of(answer)
        return None if seconds is None else self._watch.off(machine.name, seconds)

    def _first_seat(self) -> Seat | None:
        return next((Seat(name, 0) for name in self._fleet.machines), None)

    def _made(self, machine: _Machine, seat: int, call: Call) -> Answer:
        """Make a call in a seat of a machine.

        Raises:
            _LostError: the machine or its agent is gone.
        """
        arguments = dict(call.arguments)
        cell, keep = arguments.get("cell"), arguments.pop("keep", None)
        if isinstance(cell, Cell) and cell.job is not None:
            parcels = self._parcels_of(cell)
            arguments["cell"] = moved(cell, {name: self._sent(machine, each) for name, each in parcels.items()})
        kept = kept_by(keep) if isinstance(keep, Keep) else None
        plain = replace(call, arguments=arguments, notify=ignore, tick=never)
        reply: Reply = _get(machine.agent.attempt.remote(Request(plain, kept, seat)))
        if reply.log is not None:
            write_file(call.log_path, reply.log)
        if isinstance(keep, Keep) and kept is not None and reply.kept is not None:
            add_kept(keep, kept, reply.kept)
        return _answer_of(reply, machine)

    def _parcels_of(self, cell: Cell) -> dict[str, Parcel]:
        if cell.job is None:
            return {}
        parcels = {}
        for name, path in wanted(cell).items():
            if path not in self._parcels:
                self._parcels[path] = parcel_of(path, whole=name != "suite_folder")
            parcels[name] = self._parcels[path]
        return parcels

    def _sent(self, machine: _Machine, parcel: Parcel) -> str:
        """Bring a parcel to a machine, unless it is there, and return where it lies."""
        with machine.receiving:
            return self._brought(machine, parcel)

    def _brought(self, machine: _Machine, parcel: Parcel) -> str:
        if parcel.key not in machine.parcels:
            if parcel.address is not None:
                machine.parcels[parcel.key] = self._fetched(machine, parcel, parcel.address)
            elif not parcel.travels:
                self._check_holds(machine, parcel)
            else:
                machine.parcels[parcel.key] = self._delivered(machine, parcel)
        return machine.parcels[parcel.key]

    def _fetched(self, machine: _Machine, parcel: Parcel, address: str) -> str:
        """Let a machine fetch a checkpoint from an object store, and return where it lies there.

        Raises:
            EnvironmentLackError: it cannot, or gets another one.
        """
        try:
            there: str = _get(machine.agent.fetch.remote(address))
        except EnvironmentLackError as error:
            raise EnvironmentLackError(f"{machine.name}: {error}") from error
        if not _get(machine.agent.holds.remote(there, parcel.key, parcel.whole)):
            raise EnvironmentLackError(
                f"what {machine.name} fetches from '{redact(address)}' is another checkpoint than here; if it was "
                "uploaded anew meanwhile, run the same command again"
            )
        return there

    def _delivered(self, machine: _Machine, parcel: Parcel) -> str:
        """Bring a parcel to a machine, and return where it lies.

        Raises:
            EnvironmentLackError: something else arrives.
        """
        for _ in range(DELIVERIES):
            for place, start, chunk in parcel.chunks():
                _get(machine.agent.receive.remote(parcel.key, place, start, chunk))
            there: str | None = _get(machine.agent.received.remote(parcel.key, parcel.path.name))
            if there is not None:
                return there
        raise EnvironmentLackError(
            f"{parcel.path} arrives on {machine.name} with other content than it had when the run began; if it was "
            "changed since, run the same command again"
        )

    def _check_holds(self, machine: _Machine, parcel: Parcel) -> None:
        """Check that a machine has what is too large to travel.

        Raises:
            EnvironmentLackError: it has not.
        """
        if not _get(machine.agent.holds.remote(str(parcel.path), parcel.key, parcel.whole)):
            raise EnvironmentLackError(
                f"{parcel.path} ({parcel.size}) is too large to travel, and is not on {machine.name} with the same "
                "content; put it there, on the same path, or on a disk that all machines share"
            )
        machine.parcels[parcel.key] = str(parcel.path)

    def release(self, block: str) -> None:
        """Free the machine of a block."""
        self._begun.discard(block)
        self._fleet.release(block)

    def prefer(self, block: str, machine: str) -> None:
        """Keep a block for the machine that has done a part of it."""
        self._fleet.prefer(block, machine)

    def is_free(self, machine: str) -> bool | None:
        """Tell whether a machine has room for a block; None where it takes no part."""
        return self._fleet.is_free(machine)

    def _after_loss(self, machine: _Machine) -> None:
        """Start the agent of a machine again where its node is alive; else go on without it."""
        with self._changing:
            if self._stopping or self._machines.get(machine.name) is not machine:
                return  # another thread did it
            with suppress(BenchError):  # the node is gone, and Ray knows it or finds out now
                for node in _nodes():
                    if node["NodeID"] == machine.node:
                        [again] = self._started([node], {machine.node: machine.name}, quiet=True)
                        again.kind = machine.kind
                        self._machines[machine.name] = again
                        self.tell(f"{machine.name}: its agent was killed, and is started again")
                        return
            self._machines.pop(machine.name, None)
            self._watch.forget(machine.name)
            if self._fleet.lose(machine.name):
                self._count_seats()
                self.tell(f"{machine.name} is gone; another machine does its job")

    def _welcome(self) -> None:
        """Take machines that have joined since."""
        if self._stopping or time.monotonic() - self._looked < LOOK_S or not self._changing.acquire(blocking=False):
            return  # or another thread looks just now
        try:
            self._looked = time.monotonic()
            taken = {each.node for each in list(self._machines.values())} | self._left_out
            with suppress(_LostError, BenchError):
                for node in _nodes():
                    if node["NodeID"] not in taken and not self._is_full:
                        self._join(node)
        finally:
            self._changing.release()

    def _join(self, node: Mapping[str, Any]) -> None:
        """Take one machine more, where it is of the class, or nothing is measured."""
        self._left_out.add(node["NodeID"])
        try:
            _compare([node])
            [machine] = self._started([node])
        except BenchError as error:
            self.tell(f"a machine that joined is left out: {error}")
            return
        [own] = classes_of({machine.name: machine.facts})
        machine.kind = own.name
        if self._measuring and self._class is not None and own.key != self._class.key:
            how = _how_other(machine, next((each.facts for each in self._machines.values()), {}))
            self.tell(f"{machine.name} joined and is left out: it is another kind of machine ({how})")
            self._give_up(machine)
            return
        self._left_out.discard(node["NodeID"])
        self._machines[machine.name] = machine
        self._fleet.join(machine.name, self._seats_of(machine))
        self._count_seats()
        self.tell(f"{machine.name} joined: {own.name}")

    def _started(
        self, nodes: Sequence[Mapping[str, Any]], names: Mapping[str, str] | None = None, *, quiet: bool = False
    ) -> list[_Machine]:
        """Start an agent on each node; say which did not start unless `quiet`, and leave it out.

        Raises:
            EnvironmentLackError: none did.
        """
        import ray

        names = names or _names(_nodes())
        tell = ignore if quiet else self.tell
        machines = [_Machine(names[node["NodeID"]], node["NodeID"], *_counted(node)) for node in nodes]
        for machine in machines:
            machine.agent = _agent(machine, self._measuring)
        asked = {machine.agent.describe.remote(): machine for machine in machines}
        ready, late = ray.wait(list(asked), num_returns=len(asked), timeout=START_S)
        started, why = [], ""
        for answer in ready:
            try:
                asked[answer].facts = _get(answer)
                started.append(asked[answer])
            except (_LostError, BenchError) as error:
                why = str(error) or "its agent ended as it began; see Ray's logs there"
                tell(f"{asked[answer].name} is left out: {why}")
        for answer in late:
            why = f"it gave no answer within {START_S:g} s, as where another run holds it (ray list actors)"
            tell(f"{asked[answer].name} is left out: {why}")
            self._give_up(asked[answer])
        if not started:
            raise EnvironmentLackError(f"none of {plural(len(machines), 'machine')} could be used: {why}")
        return [machine for machine in machines if machine in started]

    def _give_up(self, machine: _Machine) -> None:
        self._left_out.add(machine.node)
        _kill(machine)

    def close(self) -> None:
        """End the agents; the connection to the cluster stays until this process ends."""
        with self._changing:
            self._stopping = True
            machines = list(self._machines.values())
        for machine in machines:
            self._fleet.lose(machine.name)
        _end(machines)
        if self._pool is not None:
            self._pool.shutdown(cancel_futures=True)
            self._pool = None
        super().close()
        with self._changing:
            self._machines.clear()
            self._left_out.clear()
            self._fleet = Fleet({})  # what blocks of this run were kept for is no matter of the next
            self._stopping = False


@contextmanager
def _without_loss() -> Iterator[None]:
    """Tell of a machine that is lost before anything runs on it.

    Raises:
        EnvironmentLackError: one is.
    """
    try:
        yield
    except _LostError as error:
        raise EnvironmentLackError(
            f"a machine of the cluster was lost while bench looked at it ({error}); run the same command again"
        ) from error


def _how_other(machine: _Machine, measured: Facts) -> str:
    """Name the kind of a machine; where what is measured has the same name, how it differs."""
    if machine.kind != class_name(measured):
        return machine.kind
    return "; ".join(differences(shared_facts(measured), shared_facts(machine.facts)))


def _slower(share: float) -> str:
    """Say how much longer something took."""
    return f"{100 * abs(share):.1f} % {'longer' if share > 0 else 'less'} than"


def _answer_of(reply: Reply, machine: _Machine) -> Answer:
    """Read what a worker said, and note in a record which machine it ran on."""
    answer = _heard(reply)
    if not isinstance(answer.value, Record):
        return answer
    note = {"name": machine.name, "kind": machine.kind}
    return replace(answer, value=replace(answer.value, notes={**answer.value.notes, MACHINE: note}))


def _heard(reply: Reply) -> Answer:
    """Read what a worker said."""
    try:
        answer = wire.parse(reply.frame[wire.LENGTH_BYTES :])
    except wire.WireError as error:
        return Answer(failure=unreadable(str(error)))
    assert isinstance(answer, Answer)
    return answer


def _seconds_of(answer: Answer) -> float | None:
    """Read how long a canary took; None where it failed."""
    with suppress(ValidationError):
        return TypeAdapter(Canary).validate_python(answer.value).seconds
    return None


def _initialise(address: str | None) -> None:
    """Connect this process to a cluster, or start one of this machine.

    Raises:
        EnvironmentLackError: Ray is not installed, or no cluster answers.
    """
    try:
        import ray
    except ImportError as error:
        raise EnvironmentLackError("Ray is not installed; pip install 'bench[ray]'") from error
    if ray.is_initialized():
        return
    os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")  # GPUs are asked for; and it prints no warning
    logging.getLogger("ray").setLevel(logging.ERROR)
    quiet: dict[str, Any] = {"log_to_driver": False, "logging_level": logging.ERROR, "configure_logging": False}
    if address is not None:
        _knock(address)
        _connected(lambda: ray.init(address, **quiet), address)
        return
    try:
        ray.init("auto", **quiet)
    except ConnectionError:
        os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
        own: dict[str, Any] = {"include_dashboard": False, "object_store_memory": OWN_STORE_BYTES}
        _connected(lambda: ray.init("local", resources={RESOURCE: 1}, **own, **quiet), "a cluster of this machine")


def _connected(connect: Callable[[], object], address: str) -> None:
    try:
        with warnings.catch_warnings(action="ignore"):  # what it warns of is told below
            connect()
    except Exception as error:
        why = str(error).strip().splitlines()
        raise EnvironmentLackError(
            f"{address} cannot be used: {why[0] if why else type(error).__name__}; it must run the same versions of "
            "Ray and Python as this machine, and this one needs its token where it asks for one (docs/machines.md)"
        ) from error


def _knock(address: str) -> None:
    """Find out at once whether anything listens at an address: Ray itself tries for half a minute.

    Raises:
        UsageError: it is no address.
        EnvironmentLackError: nothing does.
    """
    host, _, port = address.removeprefix(CLIENT).rpartition(":")
    if not address.startswith(CLIENT) or not host or not port.isdigit():
        raise UsageError(f"'{address}' is no address of a Ray cluster; write it as ray://HOST:10001")
    try:
        socket.create_connection((host.strip("[]"), int(port)), KNOCK_S).close()
    except (OSError, OverflowError) as error:
        why = getattr(error, "strerror", None) or error
        raise EnvironmentLackError(
            f"no Ray cluster answers at {address} ({why}); start it there with `ray start --head "
            "--ray-client-server-port=10001`, or correct the address"
        ) from error


def _nodes() -> list[Mapping[str, Any]]:
    """List the nodes that are alive and may be measured on."""
    import ray

    try:
        nodes = ray.nodes()
    except Exception as error:  # Ray's own and its connection's: the cluster is gone
        raise EnvironmentLackError(f"the cluster does not answer any more: {error}") from error
    return [node for node in nodes if node["Alive"] and node["Resources"].get(RESOURCE, 0) >= 1]


def _names(nodes: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    """Name each node as `ray start --node-name` did, or by its host; of equal names each with a piece of its id."""
    plain = {
        node["NodeID"]: str(node["NodeName"] if node["NodeName"] != node["NodeManagerAddress"] else "")
        or str(node["NodeManagerHostname"])
        for node in nodes
    }
    names = list(plain.values())
    return {key: name if names.count(name) == 1 else f"{name}-{key[:6]}" for key, name in plain.items()}


def _counted(node: Mapping[str, Any]) -> tuple[float, float]:
    """Read how many CPUs and GPUs Ray counts on a node."""
    cpus, gpus = (float(node["Resources"].get(unit, 0.0)) for unit in UNITS)
    return cpus, gpus


def _compare(nodes: Sequence[Mapping[str, Any]]) -> None:
    """Compare the software of all nodes with this machine's.

    Raises:
        EnvironmentLackError: the first difference.
    """
    import ray

    read = reader((*COMPARED, "ray"))
    names, here = _names(_nodes()), read()
    remote = ray.remote(read)
    asked = [remote.options(num_cpus=0, scheduling_strategy=_on(node["NodeID"])).remote() for node in nodes]
    for node, answer in zip(nodes, asked, strict=True):
        there: Versions = _get(answer)
        wrong = difference(here, there, names.get(node["NodeID"], node["NodeID"]))
        if wrong is not None:
            raise EnvironmentLackError(wrong)


def _on(node: str) -> object:
    from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

    return NodeAffinitySchedulingStrategy(node, soft=False)


def _agent(machine: _Machine, measuring: bool) -> Any:
    """Start bench's part on a machine, which takes the machine and its GPUs whole."""
    import ray

    variables = {name: os.environ[name] for name in CARRIED if name in os.environ}
    options = {"num_cpus": 0, "num_gpus": machine.gpus, "resources": {RESOURCE: 1}, "max_restarts": 0}
    if not measuring and machine.cpus > 1:
        options["max_concurrency"] = int(machine.cpus)
    remote = ray.remote(Agent).options(**options, scheduling_strategy=_on(machine.node))
    return remote.remote(variables, measuring)


def _get(answer: Any) -> Any:
    """Wait for an answer of an agent.

    Raises:
        _LostError: its machine or its process is gone.
        EnvironmentLackError: what bench does there failed.
    """
    import ray
    from ray import exceptions

    try:
        return ray.get(answer)
    except exceptions.RayTaskError as error:
        line = str(error.cause if getattr(error, "cause", None) else error).strip().splitlines()[-1:]
        raise EnvironmentLackError(f"bench's agent failed on a machine: {' '.join(line)}") from error
    except (exceptions.RayError, ConnectionError) as error:
        raise _LostError(str(error).splitlines()[0]) from error


def _end(machines: Sequence[_Machine]) -> None:
    """Let agents clear up, for a moment, and end them."""
    if not machines:
        return
    import ray

    with suppress(Exception):  # the cluster is gone, and they with it
        idle = [machine.agent.close.remote() for machine in machines]
        ray.wait(idle, num_returns=len(idle), timeout=FAREWELL_S)
    for machine in machines:
        _kill(machine)


def _kill(machine: _Machine) -> None:
    """End the agent of a machine at once."""
    import ray

    with suppress(Exception):  # whatever Ray says: it is gone already
        ray.kill(machine.agent)
