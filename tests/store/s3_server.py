"""A server on the loopback that speaks S3's protocol, and has faults on demand."""

from __future__ import annotations

import os
import signal
import socket
import threading
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import boto3
from moto.server import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import WSGIRequestHandler, make_server

BUCKET = "bench"
_ERROR = "<?xml version='1.0'?><Error><Code>{code}</Code><Message>{message}</Message></Error>"
Start = Callable[..., Any]


class _Quiet(WSGIRequestHandler):
    """Logs nothing."""

    def log(self, type: str, message: str, *args: Any) -> None:
        """Leave a line out."""


class S3Server:
    """The server, with one bucket; a fault holds for requests of one method until it is used up."""

    def __init__(self) -> None:
        self._moto = DomainDispatcherApplication(create_backend_app)
        self.faults: list[tuple[str, str]] = []
        """Method and fault of the next requests: `slow_down`, `expired`, `denied`, `stall`, `cut` before an answer,
        `half` an answer, or `kill`, of the process `victim`."""
        self.victim = 0
        self.requests: list[tuple[str, str]] = []
        """Method and path of each, in order."""
        self.closing = threading.Event()
        self._server = make_server("127.0.0.1", 0, self._answer, threaded=True, request_handler=_Quiet)
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        keys = {"aws_access_key_id": "key", "aws_secret_access_key": "secret", "region_name": "us-east-1"}
        self.client = boto3.client("s3", endpoint_url=self.url, **keys)
        self.client.create_bucket(Bucket=BUCKET)

    def _answer(self, environ: dict[str, Any], start: Start) -> Iterable[bytes]:
        method = environ["REQUEST_METHOD"]
        self.requests.append((method, environ["PATH_INFO"]))
        fault = next((place for place, (of, _) in enumerate(self.faults) if of == method), None)
        if fault is None:
            return self._moto(environ, start)
        return self._fail(self.faults.pop(fault)[1], environ, start)

    def _fail(self, fault: str, environ: dict[str, Any], start: Start) -> Iterable[bytes]:
        if fault == "stall":
            self.closing.wait()
            return []
        if fault == "cut":
            environ["werkzeug.socket"].shutdown(socket.SHUT_RDWR)  # in the middle of the upload
            return []
        if fault == "kill":
            os.kill(self.victim, signal.SIGKILL)
            return []
        if fault == "half":
            return self._half(environ, start)
        status, code = {
            "slow_down": ("503 Slow Down", "SlowDown"),
            "expired": ("400 Bad Request", "ExpiredToken"),
            "denied": ("403 Forbidden", "AccessDenied"),
        }[fault]
        start(status, [("Content-Type", "application/xml")])
        message = f"{code} on resource: arn:aws:s3:::{environ['PATH_INFO'].lstrip('/')}"  # AWS names it, too
        return [_ERROR.format(code=code, message=message).encode()]

    def _half(self, environ: dict[str, Any], start: Start) -> Iterator[bytes]:
        whole = b"".join(self._moto(environ, start))
        yield whole[: len(whole) // 2]
        environ["werkzeug.socket"].shutdown(socket.SHUT_RDWR)

    def names(self) -> list[str]:
        """List the objects in the bucket."""
        return [entry["Key"] for entry in self.client.list_objects_v2(Bucket=BUCKET).get("Contents", [])]

    def uploads(self) -> list[str]:
        """List the objects of which parts were uploaded and no more."""
        return [upload["Key"] for upload in self.client.list_multipart_uploads(Bucket=BUCKET).get("Uploads", [])]

    def close(self) -> None:
        """End the server."""
        self.closing.set()
        self._server.shutdown()
        self._server.server_close()
