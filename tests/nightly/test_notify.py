"""Alerts against a real shell and a real server on the loopback address."""

import json
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from bench.errors import UsageError
from bench.nightly.notify import AlertError, append_step_summary, check_webhook, post, run_command
from tests.nightly.outcomes import judged, line, outcome

PAYLOAD = outcome(gate=judged(line("regressed", "quote\" ' $HOME ü"), code=6)).brief()


@contextmanager
def answering(*codes):
    """Yields an address that answers with one code after the other, and the bodies that it was sent."""
    bodies, left = [], list(codes)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            bodies.append((self.headers, self.rfile.read(int(self.headers["Content-Length"]))))
            code = left.pop(0)
            self.send_response(code)
            if code == 302:
                self.send_header("Location", "/elsewhere")
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_):
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/secret-token", bodies
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def test_a_webhook_is_sent_the_payload_as_json():
    with answering(204) as (address, bodies):
        post(address, PAYLOAD)
    headers, body = bodies[0]
    assert json.loads(body) == json.loads(json.dumps(PAYLOAD))
    assert headers["Content-Type"] == "application/json; charset=utf-8"


def test_a_server_in_trouble_is_asked_again():
    waits = []
    with answering(503, 429, 200) as (address, bodies):
        post(address, PAYLOAD, sleep=waits.append)
    assert len(bodies) == 3
    assert waits == [2.0, 8.0]


@pytest.mark.parametrize(("codes", "attempts"), [((404,), 1), ((302,), 1), ((500, 500, 500), 3)])
def test_a_refusal_is_told_without_the_secret(codes, attempts):
    said = pytest.raises(AlertError, match=f"127.0.0.1 answered {codes[0]}")
    with answering(*codes) as (address, bodies), said as found:
        post(address, PAYLOAD, sleep=lambda _: None)
    assert len(bodies) == attempts
    assert "secret" not in str(found.value)


def test_nobody_there_is_told_without_the_secret():
    with answering() as (address, _):
        pass
    with pytest.raises(AlertError, match="did not answer") as found:
        post(address, PAYLOAD, sleep=lambda _: None)
    assert "secret" not in str(found.value)


@pytest.mark.parametrize("address", ["ftp://x/y", "example.org/hook", "https://", "https://x/a b", "https://x/é"])
def test_what_is_no_address_is_told_before_the_night(address):
    with pytest.raises(UsageError, match="--webhook"):
        check_webhook(address)


def test_a_command_reads_json_and_knows_the_verdict(tmp_path):
    run_command(
        f'cat > "{tmp_path}/in"; printf "%s %s" "$BENCH_VERDICT" "$BENCH_EXIT_CODE" > "{tmp_path}/env"', PAYLOAD
    )
    assert json.loads((tmp_path / "in").read_text()) == json.loads(json.dumps(PAYLOAD))
    assert (tmp_path / "env").read_text() == "regressed 6"


def test_a_command_that_reads_nothing_is_well():
    run_command("true", {**PAYLOAD, "text": "x" * 200_000} | {"text": "short", "more": "x" * 200_000})


def test_a_command_that_fails_or_hangs_is_told():
    with pytest.raises(AlertError, match="exit code 3: no mail today"):
        run_command("echo no mail today; exit 3", PAYLOAD)
    with pytest.raises(AlertError, match=r"did not end within 0\.2 s"):
        run_command("exec sleep 60", PAYLOAD, limit_s=0.2)


def test_the_summary_is_appended_where_github_runs(tmp_path):
    path = tmp_path / "summary"
    path.write_text("before\n")
    append_step_summary("night", {"GITHUB_STEP_SUMMARY": str(path)})
    append_step_summary("night", {})
    assert path.read_text() == "before\nnight\n"
