"""Whether the Hub takes a connection, and the cache alone where it does not."""

from __future__ import annotations

import socket

import pytest

from bench import endpoint


@pytest.fixture
def listener() -> socket.socket:
    """A port that takes connections and says nothing."""
    return socket.create_server(("127.0.0.1", 0))


def test_an_endpoint_that_listens_is_reachable(listener: socket.socket, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(endpoint, "getproxies", dict)
    with listener:
        monkeypatch.setenv("HF_ENDPOINT", f"http://127.0.0.1:{listener.getsockname()[1]}")
        assert endpoint.reachable()


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
