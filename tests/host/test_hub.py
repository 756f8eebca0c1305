"""Whether the Hub answers, and the cache alone where it does not."""

from __future__ import annotations

import socket
import threading

import pytest

from bench.host import hub as endpoint


@pytest.fixture
def listener() -> socket.socket:
    """A port that takes connections and says nothing."""
    return socket.create_server(("127.0.0.1", 0))


@pytest.mark.parametrize(
    ("answer", "found"),
    [(b"HTTP/1.1 503 Service Unavailable\r\n\r\n", True), (b"no HTTP at all\r\n\r\n", True), (b"", False)],
)
def test_an_endpoint_that_answers_anything_is_reachable(
    answer: bytes, found: bool, listener: socket.socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(endpoint, "getproxies", dict)

    def serve() -> None:
        taken, _ = listener.accept()
        with taken:
            taken.recv(1000)
            taken.sendall(answer)

    thread = threading.Thread(target=serve)
    with listener:
        monkeypatch.setenv("HF_ENDPOINT", f"http://127.0.0.1:{listener.getsockname()[1]}")
        thread.start()
        assert endpoint.reachable() is found
        thread.join()


def test_an_endpoint_that_takes_a_connection_and_stays_silent_is_not(
    listener: socket.socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(endpoint, "getproxies", dict)
    monkeypatch.setattr(endpoint, "ANSWER_TIMEOUT_S", 0.1)
    with listener:
        monkeypatch.setenv("HF_ENDPOINT", f"http://127.0.0.1:{listener.getsockname()[1]}")
        assert not endpoint.reachable()


def test_a_dead_endpoint_is_not_reachable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(endpoint, "getproxies", dict)
    monkeypatch.setenv("HF_ENDPOINT", dead_endpoint())
    assert not endpoint.reachable()


def dead_endpoint() -> str:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return f"http://127.0.0.1:{server.getsockname()[1]}"


def test_behind_a_proxy_the_library_finds_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_ENDPOINT", dead_endpoint())
    monkeypatch.setattr(endpoint, "getproxies", lambda: {"http": "proxy"})
    assert endpoint.reachable()


def test_offline_no_connection_is_tried(listener: socket.socket, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(endpoint, "getproxies", dict)
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with listener:
        listener.setblocking(False)
        monkeypatch.setenv("HF_ENDPOINT", f"http://127.0.0.1:{listener.getsockname()[1]}")
        with endpoint.cache_if_unreachable(), pytest.raises(BlockingIOError):
            listener.accept()
