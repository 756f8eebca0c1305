"""`bench report --open`, with a browser that only writes down what it was given."""

import webbrowser
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from bench.cli import bench
from tests.report.conftest import view_named


def report(folder: Path, monkeypatch: pytest.MonkeyPatch, browser: str) -> Result:
    monkeypatch.setenv("BROWSER", browser)
    monkeypatch.setattr(webbrowser, "_tryorder", None)
    monkeypatch.setattr(webbrowser, "_browsers", {})
    monkeypatch.setattr("bench.cli.results.open_view", lambda *_: view_named("one"))
    return CliRunner().invoke(bench, ["report", "--open", "--output", str(folder / "a page.html")])


def test_the_page_is_opened_by_its_address(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stub, opened = tmp_path / "browser", tmp_path / "opened.txt"
    stub.write_text(f'#!/bin/sh\necho "$1" > "{opened}"\n')
    stub.chmod(0o755)
    found = report(tmp_path, monkeypatch, f"{stub} %s")
    assert found.exit_code == 0, found.output
    assert opened.read_text().strip() == (tmp_path / "a page.html").resolve().as_uri()
    assert "no browser" not in found.output


def test_without_a_browser_it_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(webbrowser, "register_standard_browsers", lambda: setattr(webbrowser, "_tryorder", []))
    found = report(tmp_path, monkeypatch, "")
    assert found.exit_code == 0
    assert "no browser was found" in found.output
    assert (tmp_path / "a page.html").exists()
