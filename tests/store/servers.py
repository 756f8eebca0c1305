"""A PostgreSQL server of the test's own: its own data folder, a Unix socket beside it, no network."""

import os
import pwd
import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest

OWNER = "postgres"


def binaries() -> Path | None:
    """Returns the folder with initdb and pg_ctl."""
    versions = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda p: float(p.parent.name), reverse=True)
    on_path = shutil.which("initdb")
    found = [*versions, *([Path(on_path).resolve().parent] if on_path else [])]
    return next((folder for folder in found if (folder / "initdb").exists() and (folder / "pg_ctl").exists()), None)


def as_owner() -> list[str]:
    """Returns the words in front of a command: PostgreSQL refuses to run as root."""
    if os.geteuid() != 0:
        return []
    return ["setpriv", f"--reuid={OWNER}", f"--regid={pwd.getpwnam(OWNER).pw_gid}", "--clear-groups"]


def why_not() -> str | None:
    """Returns why no server can be started here."""
    if binaries() is None:
        return "no PostgreSQL server is installed"
    if os.geteuid() == 0:
        try:
            pwd.getpwnam(OWNER)
        except KeyError:
            return f"PostgreSQL does not run as root, and there is no user '{OWNER}'"
        if shutil.which("setpriv") is None:
            return "PostgreSQL does not run as root, and there is no setpriv"
    return None


class Server:
    """One server; `start` after `kill` is a restart over the same data."""

    def __init__(self) -> None:
        pytest.importorskip("psycopg")
        reason = why_not()
        if reason is not None:
            pytest.skip(reason)
        self.folder = Path(tempfile.mkdtemp(prefix="bench-pg-", dir="/tmp"))  # a socket's path has 107 bytes at most
        self.user = OWNER if os.geteuid() == 0 else pwd.getpwuid(os.geteuid()).pw_name
        if os.geteuid() == 0:
            shutil.chown(self.folder, OWNER)
        self._do("initdb", "-D", self.data, "-A", "trust", "--no-sync", "-E", "UTF8", "--locale=C", "-U", self.user)
        with (self.data / "postgresql.conf").open("a") as stream:
            stream.write(f"listen_addresses = ''\nunix_socket_directories = '{self.folder}'\nshared_buffers = 16MB\n")

    @property
    def data(self) -> Path:
        return self.folder / "data"

    def url(self, database: str = "postgres") -> str:
        return f"postgresql+psycopg://{self.user}@/{database}?host={self.folder}"

    def start(self) -> None:
        self._do("pg_ctl", "-D", self.data, "-w", "-l", self.folder / "log", "start")

    def kill(self) -> None:
        """Stops it at once, without a checkpoint and without a word to its clients, as a crash does."""
        self._do("pg_ctl", "-D", self.data, "-w", "-m", "immediate", "stop")

    def close(self) -> None:
        if (self.data / "postmaster.pid").exists():
            self.kill()
        shutil.rmtree(self.folder, ignore_errors=True)

    def database(self, name: str) -> str:
        """Makes an empty database; returns its address."""
        import psycopg

        with psycopg.connect(f"host={self.folder} user={self.user} dbname=postgres", autocommit=True) as connection:
            connection.execute(f'CREATE DATABASE "{name}"')
        return self.url(name)

    def _do(self, program, *arguments) -> None:
        folder = binaries()
        assert folder is not None
        command = [*as_owner(), folder / program, *arguments]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd="/", timeout=60)
