from __future__ import annotations

import mmap
import subprocess
import sys
from pathlib import Path

import pytest

from bench.meters.cascade import open_memory
from bench.meters.clock import HostClock
from bench.meters.resident import program_bytes, shared_bytes
from bench.meters.source import OWN_PROC, Site

MIB = 1024**2
SMAPS = b"""\
555500000000-555500100000 r-xp 00000000 fe:00 11 /usr/bin/a program
Size: 1024 kB
Rss: 800 kB
Pss: 400 kB
Anonymous: 0 kB
VmFlags: rd ex mr
555500100000-555500200000 rw-p 00100000 fe:00 11                         /usr/bin/a program
Rss: 100 kB
Anonymous: 60 kB
7f0000000000-7f0000100000 r--p 00000000 fe:00 12 /models/weights.safetensors
Rss: 512 kB
Anonymous: 0 kB
7f0000100000-7f0000200000 rwxp 00000000 00:00 0
Rss: 64 kB
Anonymous: 64 kB
"""


def test_program_pages_are_those_of_files_that_are_executed_and_were_not_written_to(tmp_path: Path) -> None:
    (tmp_path / "smaps").write_bytes(SMAPS)
    assert program_bytes(tmp_path) == (800 + 100 - 60) * 1024
    (tmp_path / "smaps_rollup").write_text(
        "Rss: 9 kB\nShared_Clean:   3 kB\nShared_Dirty:  4 kB\nPrivate_Dirty: 2 kB\n"
    )
    assert shared_bytes(tmp_path) == 7 * 1024


def test_where_the_kernel_does_not_tell_there_is_no_value(tmp_path: Path) -> None:
    assert program_bytes(tmp_path) is None and shared_bytes(tmp_path) == 0
    meter = open_memory(Site("cpu", HostClock("cpu"), proc=tmp_path))
    meter.start(poll=True)
    peak = meter.stop()
    assert peak.rss_bytes and peak.own_bytes is None


def test_this_process_has_program_pages() -> None:
    pages = program_bytes(OWN_PROC)
    if pages is None:
        pytest.skip("the kernel does not list mappings here")
    assert pages > MIB


def test_weights_that_are_mapped_from_their_file_are_the_models(tmp_path: Path) -> None:
    meter = open_memory(Site("cpu", HostClock("cpu")))
    if not meter.keeps_peak:
        pytest.skip("the kernel's peak cannot be reset here")
    path = tmp_path / "weights"
    path.write_bytes(bytes(64 * MIB))
    meter.start(poll=False)
    empty = meter.stop().own_bytes or 0
    meter.start(poll=False)
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, prot=mmap.PROT_READ) as mapped:
        assert sum(mapped[::4096]) == 0
        own = meter.stop().own_bytes or 0
    assert own - empty == pytest.approx(64 * MIB, rel=0.05)


FORKED = """
import os, sys
import psutil
from bench.meters.cascade import open_memory
from bench.meters.clock import HostClock
from bench.meters.source import Site

MIB = 1024**2
template = bytearray(b"x") * (96 * MIB)    # what the template imported
if os.fork():
    sys.exit(os.waitstatus_to_exitcode(os.wait()[1]))
meter, process = open_memory(Site("cpu", HostClock("cpu"))), psutil.Process()
if not meter.keeps_peak:
    print("not resettable")
    sys.exit()
meter.start(poll=False)
empty, private = meter.stop().own_bytes, process.memory_full_info().uss
meter.start(poll=False)
model = bytearray(b"x") * (256 * MIB)
for page in range(0, len(template), 4096):
    template[page] = 1                     # shared pages are copied, as they are when Python counts references
print(meter.stop().own_bytes - empty, process.memory_full_info().uss - private)
"""


def test_pages_of_the_template_are_not_the_models_though_it_copied_them() -> None:
    """256 MiB are allocated; private memory grows by 96 MiB more, which is why it is not what is read."""
    done = subprocess.run([sys.executable, "-c", FORKED], capture_output=True, text=True, check=True)
    if "not resettable" in done.stdout:
        pytest.skip("the kernel's peak cannot be reset here")
    own, private = map(float, done.stdout.split())
    assert own == pytest.approx(256 * MIB, rel=0.02)
    assert private == pytest.approx(352 * MIB, rel=0.02)


@pytest.mark.skipif(not Path("/proc/self/smaps").is_file(), reason="the kernel lists no mappings")
def test_all_pages_of_files_are_taken_where_nearly_all_are_programs_and_listed_where_not(tmp_path: Path) -> None:
    process = tmp_path / "process"
    process.mkdir()
    smaps = (
        "1000-3000 r-xp 00000000 08:01 7 /lib/a.so\nRss: 8 kB\nAnonymous: 0 kB\n"
        "{} r--p 00000000 08:01 8 /weights\nRss: 4 kB\nAnonymous: 0 kB\n"
    )
    for span, expected in (("4000-5000", 12), ("100000-900000", 8)):
        (process / "smaps").write_text(smaps.format(span))
        (process / "maps").write_text(
            "1000-3000 r-xp 00000000 08:01 7 /lib/a.so\n9000-a000 rw-p 00000000 00:00 0\n"
            f"{span} r--p 00000000 08:01 8 /weights\n"
        )
        (process / "status").write_text("Name:\tx\nRssFile:\t      12 kB\n")
        assert program_bytes(process) == expected * 1024
    (process / "maps").unlink()
    assert program_bytes(process) == 8 * 1024
