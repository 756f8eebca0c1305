"""`bench serve`: a small read-only page over a results folder that lists its runs and serves their reports.

The standard library's `ThreadingHTTPServer` is enough: one user on the loopback address, two kinds of
pages, nothing
written, no path of a request ever turned into a file name (a run's id is looked up in the store). It
answers only
requests whose Host is the loopback address, so that a page elsewhere cannot reach it by rebinding its name.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from bench.errors import BenchError, EnvironmentLackError, UsageError
from bench.report.page import render
from bench.report.templating import environment
from bench.report.view import RunView, view_of
from bench.store import RunInfo, Store

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

Build = Callable[[Path, str], str]


def make_server(
    results: Path, port: int = PORT, build: Build | None = None, store_url: str | None = None
) -> ThreadingHTTPServer:
    """Returns the server over a results folder, bound to 127.0.0.1 but not serving yet.

    Args:
        results: the folder; it must hold runs.
        port: 0 for any free one.
        build: makes a run's page from the folder and the run's id; by default `page_of`, remembered.
        store_url: address of the database, when it is not the folder's SQLite.

    Raises:
        StoreError: there are no results.
        EnvironmentLackError: the port is taken.
    """
    Store.open(results, store_url, create=False).close()
    make: Build = build or functools.partial(page_of, store_url=store_url)
    pages = functools.lru_cache(maxsize=KEPT)(make)

    class Handler(_Handler):
        folder = results
        store = store_url
        fresh = staticmethod(make)
        page = staticmethod(pages)

    try:
        return ThreadingHTTPServer((HOST, port), Handler)
    except OSError as error:
        raise EnvironmentLackError(
            f"port {port} of {HOST} cannot be used: {error.strerror}; choose another with --port"
        ) from error


def page_of(results: Path, run_id: str, store_url: str | None = None) -> str:
    """Returns the report of one run."""
    with Store.open(results, store_url, create=False) as store:
        view: RunView = view_of(store.load(run_id))
    return render(view)


def list_page(results: Path, store_url: str | None = None) -> str:
    """Returns the page that lists the runs, the newest first."""
    with Store.open(results, store_url, create=False) as store:
        runs = store.runs()
    return environment().get_template("runs.html.j2").render(runs=runs, policy=LIST_POLICY)


def find_run(results: Path, run_id: str, store_url: str | None = None) -> RunInfo:
    """Returns the run of exactly this id.

    Raises:
        UsageError: there is none.
    """
    with Store.open(results, store_url, create=False) as store:
        for run in store.runs():
            if run.id == run_id:
                return run
    raise UsageError(f"no run is named '{run_id}'")


class _Handler(BaseHTTPRequestHandler):
    """Answers GET and HEAD for `/` and `/run/ID`; nothing else exists."""

    folder: Path
    store: str | None
    fresh: Callable[[Path, str], str]
    page: Callable[[Path, str], str]
    timeout = SOCKET_TIMEOUT_S
    server_version = "bench"
    sys_version = ""

    def do_GET(self) -> None:
        """Answers with a page."""
        self._answer(body=True)

    def do_HEAD(self) -> None:
        """Answers with a page's headers."""
        self._answer(body=False)

    def _answer(self, *, body: bool) -> None:
        if not self._is_local():
            self._send(HTTPStatus.FORBIDDEN, "Only 127.0.0.1 and localhost are served.", "text/plain", body=body)
            return
        try:
            status, text, kind = self._page()
        except BenchError as error:
            status, text, kind = HTTPStatus.NOT_FOUND, str(error), "text/plain"
        self._send(status, text, kind, body=body)

    def _is_local(self) -> bool:
        host = (self.headers.get("Host") or "").rsplit(":", 1)[0]
        return host in (HOST, "localhost")

    def _page(self) -> tuple[HTTPStatus, str, str]:
        path = self.path.split("?", 1)[0]
        if path == "/":
            return HTTPStatus.OK, list_page(self.folder, self.store), "text/html"
        match = _RUN.match(path)
        if match is None:
            return HTTPStatus.NOT_FOUND, "There is no such page.", "text/plain"
        run = find_run(self.folder, match.group(1), self.store)
        build = type(self).page if run.finished_at else type(self).fresh
        return HTTPStatus.OK, build(self.folder, run.id), "text/html"

    def _send(self, status: HTTPStatus, text: str, kind: str, *, body: bool) -> None:
        data = text.encode()
        self.send_response(status)
        headers = {
            "Content-Type": f"{kind}; charset=utf-8",
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
        """Says nothing: the terminal belongs to the command."""
