"""What of a process's resident memory belongs to the work that it does, and what it has by being a process at all.

The resident set of a forked worker counts the pages that it shares with the template it was forked from, and the code
of torch that it happened to run: some 320 MiB and 20 to 60 MiB, of a model that may need 6. Neither is the model's.
The template's pages go when the same is read of the empty worker and taken off. That is right for the resident set
alone: a shared page that the worker merely touches is copied, by which its private memory (USS) grows though it
needs no more, and its proportional share (PSS) falls with every sibling. Code goes here: the pages of program files.

Source: proc_pid_smaps(5).
"""

from __future__ import annotations

import re
from pathlib import Path

_MAPPING = re.compile(
    rb"^[0-9a-f]+-[0-9a-f]+ ..(.). \S+ \S+ (\d+)[ ]*(.*)\n"
    rb"(?:[^\n]*\n)*?Rss: +(\d+) kB\n(?:[^\n]*\n)*?Anonymous: +(\d+) kB\n",
    re.MULTILINE,
)
"""Whether it may be executed, inode, path, resident kB, and those of them that belong to no file any more."""
_FILE = re.compile(rb"^([0-9a-f]+)-([0-9a-f]+) ..(.). \S+ \S+ [1-9]\d* +(.+)$", re.MULTILINE)
"""Start and end of a mapping of a file, whether it may be executed, and the path: a line of `/proc/PID/maps`."""
_SHARED = re.compile(r"^Shared_(?:Clean|Dirty): +(\d+) kB$", re.MULTILINE)
_FILES = re.compile(r"^RssFile:\s+(\d+) kB$", re.MULTILINE)
MOST_OTHERS = 2**20
"""Bytes of files that are no programs, mapped at most where all resident pages of files are taken for programs': a
locale or a cache of glibc."""
KB = 1024
""""kB" there is 1024 bytes: proc(5)."""


def program_bytes(folder: Path) -> int | None:
    """Count the resident pages of program files in the process of a `/proc/PID` folder.

    A program file is one of which some part is mapped to be executed. Weights that are mapped from their file are
    none, and pages of a program that were written to have become the process's own. None where the kernel does not
    tell; takes 3 ms, and 40 ms where other files are mapped too.
    """
    counted = _pages_of_files(folder)
    if counted is not None:
        return counted
    try:
        listing = (folder / "smaps").read_bytes()
    except OSError:
        return None
    mappings = [match.groups() for match in _MAPPING.finditer(listing)]
    if not mappings:
        return None
    programs = {path for executable, inode, path, _, _ in mappings if executable == b"x" and inode != b"0"}
    return KB * sum(int(rss) - int(own) for _, inode, path, rss, own in mappings if inode != b"0" and path in programs)


def _pages_of_files(folder: Path) -> int | None:
    """Count the resident pages of all files, as the kernel counts them anyway; None where that would not do.

    `smaps` walks over every page of the process to tell the same by mapping.
    """
    try:
        listing, status = (folder / "maps").read_bytes(), (folder / "status").read_text()
    except OSError:
        return None
    resident, files = _FILES.search(status), _FILE.findall(listing)
    programs = {path for _, _, executable, path in files if executable == b"x"}
    others = sum(int(end, 16) - int(start, 16) for start, end, _, path in files if path not in programs)
    return None if resident is None or others > MOST_OTHERS else KB * int(resident[1])


def shared_bytes(folder: Path) -> int:
    """Count the resident pages that a process shares with others; 0 where the kernel does not tell."""
    try:
        listing = (folder / "smaps_rollup").read_text()
    except OSError:
        return 0
    return KB * sum(int(size) for size in _SHARED.findall(listing))
