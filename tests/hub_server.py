"""A Hugging Face Hub on the loopback: models, data sets and metric spaces from folders, with the Hub's own errors.

Serves `ROOT/models/OWNER/NAME`, `ROOT/datasets/OWNER/NAME` and `ROOT/spaces/OWNER/NAME` at revisions `main` and
`COMMIT`. What `OWNER` `private` owns needs the token. A path in `cut` is sent up to its half, then the line drops.
"""

from __future__ import annotations

import hashlib
import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

COMMIT = "5d0f2e8a7c1b4936a0e1f2d3c4b5a69788776655"
TOKEN = "hf_loopback"
API = re.compile(r"/api/(models|datasets|spaces)/([^/]+/[^/]+)(?:/(revision|tree|paths-info)/([^/]+)(?:/(.*))?)?$")
RESOLVE = re.compile(r"/(?:(datasets|spaces)/)?([^/]+/[^/]+)/resolve/([^/]+)/(.*)$")


@dataclass
class Hub:
    """What a running server serves, and what it was asked."""

    root: Path
    url: str = ""
    cut: set[str] = field(default_factory=set)
    """Names of files whose transfer breaks off."""
    asked: list[tuple[str, str]] = field(default_factory=list)
    """Method and path of every request."""


@contextmanager
def serve(root: Path) -> Iterator[Hub]:
    """Serves `root` until the end of the block."""
    hub = Hub(root)

    class Handler(_Handler):
        pass

    Handler.hub = hub
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    hub.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield hub
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    hub: Hub

    def do_GET(self) -> None:
        self._answer(body=True)

    def do_HEAD(self) -> None:
        self._answer(body=False)

    def do_POST(self) -> None:
        self._answer(body=True)

    def log_message(self, *_: Any) -> None:
        pass

    def _answer(self, body: bool) -> None:
        path = unquote(urlsplit(self.path).path)
        self.hub.asked.append((self.command, path))
        given = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if match := API.match(path):
            self._api(*match.groups(), given=given)
        elif match := RESOLVE.match(path):
            kind, repo, revision, name = match.groups()
            self._file(kind or "models", repo, revision, name, body)
        else:
            self._error(404, "EntryNotFound", "no such page")

    def _folder(self, kind: str, repo: str, revision: str | None) -> Path | None:
        """Returns the repository's folder, or None when an error was sent."""
        folder = self.hub.root / kind / repo
        if repo.startswith("private/") and self.headers.get("Authorization") != f"Bearer {TOKEN}":
            self._error(401, None, "Invalid username or password.")
        elif not folder.is_dir():
            self._error(404, "RepoNotFound", "Repository not found")
        elif revision not in (None, "main", COMMIT):
            self._error(404, "RevisionNotFound", f"Invalid rev id: {revision}")
        else:
            return folder
        return None

    def _api(
        self, kind: str, repo: str, what: str | None, revision: str | None, under: str | None, given: bytes
    ) -> None:
        folder = self._folder(kind, repo, revision)
        if folder is None:
            return
        files = sorted(path for path in folder.rglob("*") if path.is_file())
        if what == "tree":
            shown = [path for path in files if path.relative_to(folder).as_posix().startswith(under or "")]
            self._json([self._entry(folder, path) for path in shown])
        elif what == "paths-info":
            names = set(self._paths(given))
            self._json([self._entry(folder, path) for path in files if path.relative_to(folder).as_posix() in names])
        else:
            names = [{"rfilename": path.relative_to(folder).as_posix()} for path in files]
            about = {"id": repo, "modelId": repo, "sha": COMMIT, "siblings": names, "tags": [], "private": False}
            self._json(about | {"gated": False, "disabled": False, "downloads": 0, "likes": 0})

    def _paths(self, given: bytes) -> list[str]:
        if "json" in (self.headers.get("Content-Type") or ""):
            return list(json.loads(given)["paths"])
        return parse_qs(given.decode()).get("paths", [])

    @staticmethod
    def _entry(folder: Path, path: Path) -> dict[str, Any]:
        content = path.read_bytes()
        oid = hashlib.sha1(content).hexdigest()
        return {"type": "file", "path": path.relative_to(folder).as_posix(), "size": len(content), "oid": oid}

    def _file(self, kind: str, repo: str, revision: str, name: str, body: bool) -> None:
        folder = self._folder(kind, repo, revision)
        if folder is None:
            return
        path = folder / name
        if not path.is_file():
            self._error(404, "EntryNotFound", "Entry not found")
            return
        content = path.read_bytes()
        start = int((self.headers.get("Range") or "bytes=0-").removeprefix("bytes=").partition("-")[0] or 0)
        part = content[start:]
        self.send_response(206 if "Range" in self.headers else 200)
        self.send_header("Content-Length", str(len(part)))
        self.send_header("ETag", f'"{hashlib.sha256(content).hexdigest()}"')
        self.send_header("X-Repo-Commit", COMMIT)
        self.send_header("Accept-Ranges", "bytes")
        if "Range" in self.headers:
            self.send_header("Content-Range", f"bytes {start}-{len(content) - 1}/{len(content)}")
        self.end_headers()
        if not body:
            return
        if path.name in self.hub.cut:
            self.wfile.write(part[: len(part) // 2])
            self.close_connection = True
        else:
            self.wfile.write(part)

    def _json(self, value: Any) -> None:
        self._send(200, json.dumps(value).encode(), {"Content-Type": "application/json", "X-Repo-Commit": COMMIT})

    def _error(self, status: int, code: str | None, message: str) -> None:
        headers = {"Content-Type": "application/json", "X-Error-Message": message}
        self._send(status, json.dumps({"error": message}).encode(), headers | ({"X-Error-Code": code} if code else {}))

    def _send(self, status: int, content: bytes, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in (headers | {"Content-Length": str(len(content))}).items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)
