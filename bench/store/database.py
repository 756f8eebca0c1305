"""The connection to the database: SQLite in WAL mode by default, PostgreSQL by URL; versions; plain errors.

Every writing transaction takes SQLite's write lock when it begins (BEGIN IMMEDIATE), so that concurrent
writers queue instead of failing half way, which is what SQLite does when a reader wants to become a writer.
Source: https://www.sqlite.org/lang_transaction.html
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from sqlalchemy import Connection, Engine, Executable, create_engine, event, inspect, text
from sqlalchemy.engine import make_url
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError, SQLAlchemyError

from bench.errors import EnvironmentLackError, StoreError, UnreadableError, UsageError
from bench.store.addresses import beginning, redact, shown_address
from bench.store.encoding import Row, to_json, unreadable
from bench.store.files import replacing
from bench.store.locks import FileLock
from bench.store.schema import HEAD, metadata

BUSY_TIMEOUT_S = 60
"""How long a writer waits for others. A commit takes milliseconds: this is enough for hundreds of writers."""

RETRY_DELAYS_S = (0.25, 0.5, 1.0, 2.0, 4.0, 8.0, 15.0)
"""Waits before a lost server is tried again; half a minute in all, which the restart of a PostgreSQL server takes."""

LOST = ("08", "57P")
"""SQLSTATE classes that mean a lost connection, or a server that stops or starts; psycopg gives none when there was
nobody to give one. Source: https://www.postgresql.org/docs/current/errcodes-appendix.html"""

MIGRATION_LOCK = 0x62656E6368
"""PostgreSQL advisory lock held while tables are made or migrated ("bench" in ASCII)."""

ROWS_AT_ONCE = 500
"""Values in one IN list; SQLite takes at least 999 (SQLITE_MAX_VARIABLE_NUMBER of old versions)."""

_DAMAGED = (
    ("no such table", "tables are missing; restore a copy, or move it away and run `bench store import`"),
    ("no such column", "it was not written by this bench; restore a copy, or name another folder with --results"),
    ("not a database", "the file is damaged or no database; move it away and restore a copy"),
    ("malformed", "the file is damaged; move it away and restore a copy, or try `sqlite3 FILE .recover`"),
)
"""A piece of the database's own message, where it is damaged or no database of bench → what to do."""
_EXPLAINED = (
    *_DAMAGED,
    ("readonly", "it is read-only; give this user the right to write it and its folder"),
    ("read-only", "it is read-only; give this user the right to write it"),
    (
        "unable to open",
        "it cannot be opened; check that it is a file and that its folder exists and can be written",
    ),
    ("locked", f"another process kept it locked for {BUSY_TIMEOUT_S} s; find and end that process"),
    ("password authentication failed", "the server refused the password; put the right one into ~/.pgpass"),
    ("Connection refused", "no server answers there; start it, or correct the address"),
    ("No such file or directory", "no server answers there; start it, or correct the address"),
    ("could not translate host name", "the host is not known; correct the address"),
    ("does not exist", "create that database or user on the server, or correct the address"),
    ("permission denied", "the user may not do that; grant it the right to create and write tables"),
    ("server closed the connection", "the server went away; see its log, and try again"),
    ("the connection is lost", "the server went away; see its log, and try again"),
    ("terminating connection", "the server was stopped; start it, and try again"),
    ("starting up", "the server is starting; try again in a moment"),
    ("is full", "the disk is full; make room"),
    ("disk I/O error", "the disk reports an error; check the disk"),
)
"""A piece of the database's own message → what it means and what to do."""


@contextmanager
def explained(place: str, address: str | None = None) -> Iterator[None]:
    """Turn errors of the database or the folder into `StoreError` with the remedy.

    Args:
        place: what is being used, as it may be shown.
        address: of the database, whose password the driver's own message may repeat.
    """
    try:
        yield
    except SQLAlchemyError as error:
        cause = redact(str(getattr(error, "orig", None) or error).strip(), address) or type(error).__name__
        hint = next((hint for piece, hint in _EXPLAINED if piece in cause), "check the address and the server")
        kind = UnreadableError if any(piece in cause for piece, _ in _DAMAGED) else StoreError
        raise kind(f"{place}: {hint} ({cause.splitlines()[0]})") from error
    except OSError as error:
        raise StoreError(
            f"{error.filename or place}: {error.strerror or error}; check the folder and its rights"
        ) from error


def make_engine(url: str) -> Engine:
    """Make an engine for `url`, which connects to nothing yet.

    Raises:
        UsageError: not the URL of a database that SQLAlchemy knows.
        EnvironmentLackError: the driver is not installed.
    """
    shown = shown_address(url)
    try:
        parsed = make_url(url)
        url.encode()  # a driver would raise its UnicodeError only when it connects
        (parsed.host or "").encode("idna")
        engine = create_engine(parsed, json_serializer=to_json, pool_pre_ping=not url.startswith("sqlite"))
    except (ArgumentError, NoSuchModuleError, ValueError, TypeError) as error:
        raise UsageError(
            f"--store '{beginning(shown)}' is no database address; write it as postgresql+psycopg://user@host/name, "
            "with characters such as @, : and / in a password as %40, %3A and %2F"
        ) from error
    except ModuleNotFoundError as error:
        raise EnvironmentLackError(f"'{shown}' needs the package '{error.name}'; install it with pip") from error
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", _set_up_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
    return engine


T = TypeVar("T")


class Database:
    """One database: statements in, rows out, errors with a remedy."""

    def __init__(self, engine: Engine, place: str, address: str | None = None) -> None:
        self.engine = engine
        self.place = place
        """As it may be shown."""
        self._address = address

    @property
    def dialect(self) -> str:
        """`sqlite` or `postgresql`."""
        return self.engine.dialect.name

    def read(self, query: Executable) -> list[Row]:
        """Read the rows of a query.

        Raises:
            StoreError: the database cannot be read, or holds what no bench wrote.
        """

        def once() -> list[Row]:
            with self.engine.connect() as connection:
                return [dict(row) for row in connection.execute(query).mappings()]

        with self.explained():
            try:
                return patiently(self.engine, once)
            except ValueError as error:  # JSON that is none
                raise UnreadableError(unreadable(self.place, str(error))) from error

    def write(self, query: Executable) -> None:
        """Do one statement that may be repeated."""
        self.change(lambda connection: connection.execute(query))

    def change(self, work: Callable[[Connection], T]) -> T:
        """Do a transaction that may be repeated: a commit whose answer was lost is.

        Raises:
            StoreError: the database does not take it.
        """

        def once() -> T:
            with writing(self.engine) as connection:
                return work(connection)

        with self.explained():
            return patiently(self.engine, once)

    def change_once(self, work: Callable[[Connection], T]) -> T:
        """Do a transaction that must not be repeated."""
        with self.explained(), writing(self.engine) as connection:
            return work(connection)

    def probe(self) -> None:
        """Write nothing new, to see whether the database can be written.

        Raises:
            StoreError: it cannot.
        """
        self.change_once(
            lambda connection: connection.execute(text("UPDATE alembic_version SET version_num = version_num"))
        )

    def is_at(self, path: Path) -> bool:
        """Tell whether `path` is the file of this database."""
        return self.dialect == "sqlite" and Path(self.engine.url.database or "").absolute() == path

    def close(self) -> None:
        """Close every connection."""
        self.engine.dispose()

    def explained(self) -> AbstractContextManager[None]:
        """Turn errors of this database into `StoreError` with the remedy."""
        return explained(self.place, self._address)


def patiently(engine: Engine, action: Callable[[], T]) -> T:
    """Do a transaction and return what it returns; try again while a server is away, for half a minute.

    SQLite waits by itself (`BUSY_TIMEOUT_S`). The action must be one that may be done twice: a commit whose answer
    was lost is repeated.
    """
    for delay in RETRY_DELAYS_S if engine.dialect.name == "postgresql" else ():
        try:
            return action()
        except DBAPIError as error:
            if not _is_lost(error):
                raise
            time.sleep(delay)
    return action()


def _is_lost(error: DBAPIError) -> bool:
    state = getattr(error.orig, "sqlstate", None)
    unknown = state is None and type(error.orig).__name__ == "OperationalError"
    return error.connection_invalidated or unknown or str(state).startswith(LOST)


def _set_up_sqlite(connection: DBAPIConnection, _: object) -> None:
    connection.isolation_level = None  # transactions are begun by `_begin_sqlite`, not by the driver
    cursor = connection.cursor()
    for pragma in (f"busy_timeout = {BUSY_TIMEOUT_S * 1000}", "foreign_keys = ON"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _begin_sqlite(connection: Connection) -> None:
    writes = connection.get_execution_options().get("writes", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def writing(engine: Engine) -> AbstractContextManager[Connection]:
    """Open one transaction that may write."""
    return engine.execution_options(writes=True).begin()


@dataclass(frozen=True, slots=True)
class Migration:
    """What it took to bring a database to the newest version."""

    before: str | None
    """None for a database that had no tables yet."""
    after: str
    backup: Path | None = None
    """Copy of a SQLite file as it was before."""


def migrate(engine: Engine, lock_path: Path) -> Migration:
    """Bring the database to the newest version; does nothing, and writes nothing, when it is there already.

    A SQLite file of an older version is copied beside itself first; of a server, its own tools make copies.

    Raises:
        StoreError: the database is newer than this bench.
    """
    with engine.connect() as connection:
        before = version_of(connection)
    if before == HEAD:
        return Migration(HEAD, HEAD)
    lock = FileLock(lock_path, keep_file=True)
    lock.take(wait=True)
    try:
        backup = None
        if engine.dialect.name == "sqlite":
            backup = _copy(engine)
            _use_write_ahead_log(engine)
        with writing(engine) as connection:
            if engine.dialect.name == "postgresql":
                connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": MIGRATION_LOCK})
            _upgrade(connection)
    finally:
        lock.release()
    return Migration(before, HEAD, backup)


def _copy(engine: Engine) -> Path | None:
    """Copy a SQLite file of an older version to `FILE.VERSION-backup`; what others write meanwhile waits.

    Source: https://www.sqlite.org/backup.html
    """
    with engine.connect() as connection:
        version = version_of(connection)  # again: another process may have been first
        file = connection.execute(text("SELECT file FROM pragma_database_list WHERE name = 'main'")).scalar()
    if version in (None, HEAD) or not file:
        return None
    path = Path(f"{file}.{version}-backup")
    with replacing(path) as partial, engine.raw_connection() as source, closing(sqlite3.connect(partial)) as target:
        connection_of_sqlite = source.driver_connection
        assert isinstance(connection_of_sqlite, sqlite3.Connection)
        connection_of_sqlite.backup(target)
    return path


def _use_write_ahead_log(engine: Engine) -> None:
    with engine.raw_connection() as connection:  # outside a transaction, as SQLite demands
        connection.cursor().execute("PRAGMA journal_mode = WAL")


SHOWN_TABLES = 5
"""Tables of another program that an error names."""


def version_of(connection: Connection) -> str | None:
    """Read the version of the database's tables; None when it has none.

    Raises:
        StoreError: the database is newer than this bench, or is of another program.
    """
    tables = inspect(connection).get_table_names()
    if "alembic_version" not in tables:
        foreign = sorted(tables if connection.dialect.name == "sqlite" else {*tables} & {*metadata.tables})
        if foreign:
            raise UnreadableError(
                f"the database has tables that are not of bench ({', '.join(foreign[:SHOWN_TABLES])}); name another "
                "folder with --results, or another database with --store"
            )
        return None
    version = connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
    if version is not None and version > HEAD:
        raise UnreadableError(
            f"the database has version {version}, and this bench knows versions up to {HEAD}; "
            "install the newer bench, or name another folder with --results"
        )
    return version


def _upgrade(connection: Connection) -> None:
    if version_of(connection) == HEAD:
        return  # another process was first
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations").replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
