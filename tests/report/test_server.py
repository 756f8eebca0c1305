import http.client
import socket
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from bench.errors import EnvironmentLackError, StoreError
from bench.report.server import make_server, page_of
from bench.store import RunInfo, Store
from tests.factories import make_record


@pytest.fixture
def results(tmp_path: Path) -> Path:
    folder = tmp_path / "results"
    with Store.open(folder) as store:
        record = make_record("a")
        info = RunInfo("<b>suite", "", "5" * 64, "bench run", "m", "quick", ((record.cell.id, record.cell.label),))
        run = store.begin_run(info)
        store.commit(run, record)
        store.finish_run(run, "complete")
    (tmp_path / "secret.txt").write_text("secret")
    return folder


@pytest.fixture
def port(results: Path) -> Iterator[int]:
    with serving(results, lambda folder, run_id: f"<p>page of {run_id}</p>") as port:
        yield port


def ask(port: int, path: str, method: str = "GET", host: str | None = None) -> tuple[int, str, dict[str, str]]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    connection.request(method, path, headers={} if host is None else {"Host": host})
    response = connection.getresponse()
    found = response.status, response.read().decode(), dict(response.getheaders())
    connection.close()
    return found


def test_it_lists_the_runs_and_serves_a_report(port: int, results: Path) -> None:
    with Store.open(results, create=False) as store:
        run = store.find("latest").id
    status, text, headers = ask(port, "/")
    assert status == 200
    assert f'href="/run/{run}"' in text
    assert "&lt;b&gt;suite" in text
    assert headers["X-Frame-Options"] == "DENY"
    assert ask(port, f"/run/{run}")[:2] == (200, f"<p>page of {run}</p>")


@pytest.mark.parametrize(
    "path",
    ["/../secret.txt", "/run/../secret.txt", "/run/%2e%2e%2fsecret.txt", "/secret.txt", "/run/latest", "//x", "/run/"],
)
def test_nothing_else_exists(port: int, path: str) -> None:
    status, text, _ = ask(port, path)
    assert status == 404
    assert "secret" not in text.replace("secret.txt", "")


@contextmanager
def serving(results: Path, build: Callable[[Path, str], str]) -> Iterator[int]:
    with make_server(results, 0, build) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})  # how soon it ends
        thread.start()
        try:
            yield server.server_address[1]
        finally:
            server.shutdown()
            thread.join()


def wait_for_requests() -> None:
    """Wait until the threads of all requests have ended, with what they print."""
    for thread in threading.enumerate():
        if "process_request_thread" in thread.name:
            thread.join(20)


def test_what_is_out_of_reach_is_not_taken_for_missing(results: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """A store that is away is told by 503 and one line; what is lost, or a page that a bug breaks, by 500."""
    failing: list[Exception] = [StoreError("s3://b cannot be read: renew"), EnvironmentLackError("pip install s3fs")]
    failing += [ValueError("a bug")]

    def build(folder: Path, run_id: str) -> str:
        if failing:
            raise failing.pop(0)
        return "<p>page</p>"

    with Store.open(results, create=False) as store:
        run = store.find("latest").id
    with serving(results, build) as port:
        assert ask(port, f"/run/{run}")[:2] == (503, "s3://b cannot be read: renew")
        assert ask(port, f"/run/{run}")[:2] == (503, "pip install s3fs")
        assert capfd.readouterr() == ("", "")
        assert ask(port, f"/run/{run}")[0] == 500
        wait_for_requests()
        assert "a bug" in capfd.readouterr().err
        assert ask(port, f"/run/{run}")[:2] == (200, "<p>page</p>")
        (results / "bench.db").rename(results / "moved")
        (results / "bench.db").write_bytes(b"no database" * 100)
        for path in ("/", f"/run/{run}", "/run/of-nobody"):
            status, text, _ = ask(port, path)
            assert (status, text.count("\n")) == (500, 0)
            assert "restore a copy" in text
        (results / "bench.db").unlink()
        status, text, _ = ask(port, "/")
        assert (status, text.count("\n"), "no results are there" in text) == (500, 0, True)
        (results / "moved").rename(results / "bench.db")
        assert ask(port, "/")[0] == 200
        assert ask(port, "/run/of-nobody")[0] == 404


def test_rows_that_are_lost_are_no_reason_to_ask_again(results: Path) -> None:
    with Store.open(results, create=False) as store:
        run = store.find("latest").id
    with serving(results, page_of) as port:
        files = sorted((results / "rows" / run).glob("*.parquet"))
        for damage in (lambda path: path.write_bytes(path.read_bytes()[:50]), Path.unlink):
            for path in files:
                damage(path)
            status, text, _ = ask(port, f"/run/{run}")
            assert (status, text.count("\n"), str(results / "rows") in text) == (500, 0, True)


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH"])
def test_nothing_can_be_written(port: int, method: str) -> None:
    assert ask(port, "/", method)[0] == 501


def test_head_has_no_body(port: int) -> None:
    status, text, headers = ask(port, "/", "HEAD")
    assert (status, text) == (200, "")
    assert int(headers["Content-Length"]) > 100


def test_a_foreign_host_is_refused(port: int) -> None:
    assert ask(port, "/", host="evil.example")[0] == 403
    assert ask(port, "/", host=f"localhost:{port}")[0] == 200


def test_a_folder_without_runs_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="no results"):
        make_server(tmp_path)


def test_a_taken_port_says_what_to_do(port: int, results: Path) -> None:
    with pytest.raises(EnvironmentLackError, match="--port"):
        make_server(results, port)


CLIENTS = 100


def at_once(count: int, call: Callable[[int], object]) -> list[object]:
    """Makes a call in so many threads, all let go at the same moment."""
    gate, answers = threading.Barrier(count), list[object]()

    def wait_and_call(place: int) -> None:
        gate.wait()
        try:
            answers.append(call(place))
        except OSError as error:
            answers.append(error)

    threads = [threading.Thread(target=wait_and_call, args=(place,)) for place in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return answers


def test_a_hundred_clients_at_once_are_all_served(results: Path, capfd: pytest.CaptureFixture[str]) -> None:
    building, most, built = set[int](), list[int](), list[str]()

    def build(folder: Path, run_id: str) -> str:
        building.add(threading.get_ident())
        most.append(len(building))
        built.append(run_id)
        building.discard(threading.get_ident())
        return f"<p>page of {run_id}</p>"

    with Store.open(results, create=False) as store:
        run = store.find("latest").id
    with serving(results, build) as port:
        answers = at_once(CLIENTS, lambda place: ask(port, ("/", f"/run/{run}")[place % 2])[0])
    assert answers == [200] * CLIENTS
    assert built == [run], "the page of a finished run is built once, however many ask for it"
    assert max(most) == 1
    assert capfd.readouterr() == ("", "")


def test_clients_that_leave_print_nothing(port: int, capfd: pytest.CaptureFixture[str]) -> None:
    def leave(place: int) -> None:
        with socket.create_connection(("127.0.0.1", port), timeout=20) as connection:
            if place % 3:
                connection.sendall(b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n" + b"\r\n" * (place % 3 - 1))
            # closed with a reset: what the server still sends fails
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    assert at_once(CLIENTS, leave) == [None] * CLIENTS
    assert ask(port, "/")[0] == 200
    wait_for_requests()
    assert capfd.readouterr() == ("", "")
