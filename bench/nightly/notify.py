"""Alerts about how the night went: a command that reads JSON, a webhook that takes it, the CI's summary.

A webhook's address is a secret (who has it can post), so that it is never stored, printed or put into an error.
"""

from __future__ import annotations

import json
import os
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from http.client import HTTPException
from pathlib import Path
from urllib.parse import urlsplit

from bench import __version__
from bench.errors import BenchError, UsageError

COMMAND_LIMIT_S = 60.0
"""A hook should pass the news on, not do work; one that hangs must not hold the next night's lock."""
REQUEST_LIMIT_S = 10.0
WAITS_S = (2.0, 8.0)
"""Before the second and the third attempt."""
TAIL = 300
"""Characters of a failed command's words that are shown."""
STEP_SUMMARY = "GITHUB_STEP_SUMMARY"
"""File that GitHub shows as a job's summary. Source: https://docs.github.com/actions, workflow commands."""


class AlertError(BenchError):
    """An alert could not be delivered."""


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """A redirected POST would arrive as a GET without its body, and look delivered."""

    def redirect_request(self, *_: object) -> None:
        """Refuse the redirect, which then counts as an error."""


def run_command(command: str, payload: Mapping[str, object], limit_s: float = COMMAND_LIMIT_S) -> None:
    """Run a shell command with the payload as JSON on its standard input, and BENCH_* in its environment.

    Raises:
        AlertError: it failed, or did not end in time.
    """
    environment = os.environ | {
        "BENCH_SUITE": str(payload["suite"]),
        "BENCH_RUN": str(payload["run_id"]),
        "BENCH_VERDICT": str(payload["verdict"]),
        "BENCH_EXIT_CODE": str(payload["exit_code"]),
        "BENCH_TEXT": str(payload["text"]).replace("\0", "\ufffd"),
    }
    text = json.dumps(payload, ensure_ascii=False)
    try:
        subprocess.run(
            command,
            shell=True,
            input=text,
            env=environment,
            timeout=limit_s,
            check=True,
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
            errors="replace",
        )
    except subprocess.TimeoutExpired as error:
        raise AlertError(f"the command '{command}' did not end within {limit_s:g} s") from error
    except subprocess.CalledProcessError as error:
        output = " ".join(str(error.stdout).split())[-TAIL:]
        raise AlertError(f"the command '{command}' ended with exit code {error.returncode}: {output}") from error


def check_webhook(address: str) -> None:
    """Check an address before the night: one with spaces would fail only at its end, and the failure would print it.

    Raises:
        UsageError: it is not an http or https address.
    """
    parts = urlsplit(address)
    plain = address.isascii() and address.isprintable() and " " not in address
    if not plain or parts.scheme not in ("http", "https") or not parts.hostname:
        raise UsageError("--webhook: not an address that begins with https:// or http:// and names a host")


def post(address: str, payload: Mapping[str, object], sleep: Callable[[float], None] = time.sleep) -> None:
    """Post the payload as JSON, three times at most.

    Raises:
        AlertError: no attempt was answered with success, or the first answer says that none will be.
    """
    body = json.dumps(payload, ensure_ascii=False).encode()
    headers = {"Content-Type": "application/json; charset=utf-8", "User-Agent": f"bench/{__version__}"}
    opener = urllib.request.build_opener(_NoRedirect)
    why = ""
    for wait in (0.0, *WAITS_S):
        if wait:
            sleep(wait)
        request = urllib.request.Request(address, data=body, headers=headers, method="POST")
        try:
            with opener.open(request, timeout=REQUEST_LIMIT_S):
                return
        except urllib.error.HTTPError as error:
            why = f"answered {error.code} {error.reason}"
            if error.code < 500 and error.code != 429:
                break
        except (OSError, HTTPException) as error:
            why = f"did not answer: {getattr(error, 'reason', error)}"
    raise AlertError(f"the webhook at {urlsplit(address).hostname} {why}; nobody was told through it")


def append_step_summary(markdown: str, environment: Mapping[str, str]) -> None:
    """Append the summary where a GitHub workflow runs; do nothing elsewhere."""
    path = environment.get(STEP_SUMMARY)
    if path:
        with Path(path).open("a", encoding="utf-8") as stream:
            stream.write(markdown + "\n")
