"""`bench serve`: a small read-only page over a results folder that lists its runs and serves their reports.

The standard library's `ThreadingHTTPServer` is enough: a few users on the loopback address, two kinds of pages, nothing
written, no path of a request ever turned into a file name (a run's id is looked up in the store). It answers only
requests whose Host is the loopback address, so that a page elsewhere cannot reach it by rebinding its name.
"""

from __future__ import annotations

import functools
import re
import socket
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from bench.errors import BenchError, EnvironmentLackError, StoreError, UnreadableError
from bench.report.page import render
from bench.report.templating import environment
from bench.report.view import RunView, view_of
from bench.store import RunInfo, Store
from bench.text import visible

HOST = "127.0.0.1"
PORT = 8765
KEPT = 8
"""Pages of finished runs that are kept in memory."""
SOCKET_TIMEOUT_S = 30.0
"""A client that sends nothing for so long is cut off."""
_RUN = re.compile(r"^/run/([\w.-]{1,100})$")
LIST_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)

UNEXPECTED = "This page cannot be made: a bug of bench. Please report it, with what bench serve printed where it runs."

Build = Callable[[Path, str], str]
Request = socket.socket | tuple[bytes, socket.socket]
WAITING = 1024
"""Connections that may wait to be accepted; the kernel's own limit (`net.core.somaxconn`) may be lower. With Python's 5
a hundred clients at once wait for seconds, or are turned away."""
READERS = 8
"""Requests that read the store at once; the others wait their turn, so that files and connections do not run out."""


class Server(ThreadingHTTPServer):
    """Serves each request in a thread of its own, and is silent about clients that leave."""

    request_queue_size = WAITING

    def handle_error(self, request: Request, client_address: str | tuple[str, int]) -> None:
        """Ignore a client that left; report other errors as usual."""
        if not isinstance(sys.exception(), (ConnectionError, TimeoutError)):
            super().handle_error(request, client_address)


def make_server(results: Path, port: int = PORT, build: Build | None = None, store_url: str | None = None) -> Server:
    """Bind a server over a results folder, on 127.0.0.1 but not serving yet.

    Args:
        results: the folder; it must hold runs.
        port: 0 for any free one.
        build: makes a run's page from the folder and the run's id; by default `page_of`. Pages of finished runs are
            remembered.
        store_url: address of the database, when it is not the folder's SQLite.

    Raises:
        StoreError: there are no results.
        EnvironmentLackError: the port is taken.
    """
    Store.open(results, store_url, create=False).close()
    make: Build = build or functools.partial(page_of, store_url=store_url)
    site = Site(results, store_url, make)

    class Handler(_Handler):
        page_of_path = staticmethod(site.answer)

    try:
        return Server((HOST, port), Handler)
    except OSError as error:
        raise EnvironmentLackError(
            f"port {port} of {HOST} cannot be used: {error.strerror}; choose another with --port"
        ) from error


def page_of(results: Path, run_id: str, store_url: str | None = None) -> str:
    """Make the report of one run."""
    with Store.open(results, store_url, create=False) as store:
        view: RunView = view_of(store.load(run_id))
    return render(view)


def list_page(results: Path, store_url: str | None = None) -> str:
    """Make the page that lists the runs, the newest first."""
    with Store.open(results, store_url, create=False) as store:
        runs = store.runs()
    return environment().get_template("runs.html.j2").render(runs=runs, policy=LIST_POLICY)


def find_run(results: Path, run_id: str, store_url: str | None = None) -> RunInfo | None:
    """Look up the run of exactly this id; None where there is none."""
    with Store.open(results, store_url, create=False) as store:
        return next((run for run in store.runs() if run.id == run_id), None)


@dataclass(frozen=True, slots=True)
class Answer:
    """What is sent for one path."""

    status: HTTPStatus
    text: str
    kind: str = "text/plain"


def _status_of(error: BenchError) -> HTTPStatus:
    """Choose the status by whether asking again may help."""
    may_pass = isinstance(error, StoreError | EnvironmentLackError) and not isinstance(error, UnreadableError)
    return HTTPStatus.SERVICE_UNAVAILABLE if may_pass else HTTPStatus.INTERNAL_SERVER_ERROR


class Site:
    """The pages of one results folder, for many threads at once.

    A page is built by one thread at a time: matplotlib's settings are global, and a second client that wants the same
    page waits for the first one's.
    """

    def __init__(self, results: Path, store_url: str | None, build: Build) -> None:
        self._results, self._store_url, self._build = results, store_url, build
        self._building = threading.Lock()
        self._reading = threading.BoundedSemaphore(READERS)
        self._kept = functools.lru_cache(maxsize=KEPT)(build)

    def answer(self, path: str) -> Answer:
        """Answer for a path: the list of runs, a run's report, that there is no such page, or why it can't be made now.

        Only a run that there is not is answered by 404. Of a database or an object store that is away a client is to
        ask again (503), but not for what is missing from them, or damaged (500).
        """
        try:
            return self._page(path)
        except BenchError as error:
            return Answer(_status_of(error), visible(str(error)))

    def _page(self, path: str) -> Answer:
        if path == "/":
            with self._reading:
                return Answer(HTTPStatus.OK, list_page(self._results, self._store_url), "text/html")
        match = _RUN.match(path)
        if match is None:
            return Answer(HTTPStatus.NOT_FOUND, "There is no such page.")
        with self._reading:
            run = find_run(self._results, match.group(1), self._store_url)
        if run is None:
            return Answer(HTTPStatus.NOT_FOUND, f"There is no run '{match.group(1)}'.")
        with self._building:
            build = self._kept if run.finished_at else self._build
            return Answer(HTTPStatus.OK, build(self._results, run.id), "text/html")


class _Handler(BaseHTTPRequestHandler):
    """Answers GET and HEAD for `/` and `/run/ID`; nothing else exists."""

    page_of_path: Callable[[str], Answer]
    timeout = SOCKET_TIMEOUT_S
    server_version = "bench"
    sys_version = ""

    def do_GET(self) -> None:
        """Answer with a page."""
        self._answer(body=True)

    def do_HEAD(self) -> None:
        """Answer with a page's headers."""
        self._answer(body=False)

    def _answer(self, *, body: bool) -> None:
        if not self._is_local():
            answer = Answer(HTTPStatus.FORBIDDEN, "Only 127.0.0.1 and localhost are served.")
        else:
            try:
                answer = type(self).page_of_path(self.path.split("?", 1)[0])
            except Exception:
                self._send(Answer(HTTPStatus.INTERNAL_SERVER_ERROR, UNEXPECTED), body=body)
                raise
        self._send(answer, body=body)

    def _is_local(self) -> bool:
        host = (self.headers.get("Host") or "").rsplit(":", 1)[0]
        return host in (HOST, "localhost")

    def _send(self, answer: Answer, *, body: bool) -> None:
        data = answer.text.encode()
        self.send_response(answer.status)
        headers = {
            "Content-Type": f"{answer.kind}; charset=utf-8",
            "Content-Length": str(len(data)),
            "Cache-Control": "no-store",
            "X-Content-Type-Options": "nosniff",
            "X-Frame-Options": "DENY",
            "Referrer-Policy": "no-referrer",
        }
        for key, value in headers.items():
            self.send_header(key, value)
        self.end_headers()
        if body:
            self.wfile.write(data)

    def log_message(self, format: str, *args: object) -> None:
        """Print nothing: the terminal belongs to the command."""
