"""`bench serve`: a read-only page over a results folder, on 127.0.0.1 alone."""

from __future__ import annotations

from pathlib import Path

import click

from bench.cli.options import results_option, store_option
from bench.cli.output import say


@click.command()
@results_option
@store_option
@click.option("--port", type=click.IntRange(0, 65535), default=8765, show_default=True, help="0 for any free port.")
def serve(results: Path, store_url: str | None, port: int) -> None:
    """Serve the reports of a results folder until interrupted."""
    from bench.report.server import make_server
    from bench.store.elsewhere import address_of

    with make_server(results, port, store_url=store_url) as server:
        place = address_of(results) or results
        say(f"serving {place} on http://127.0.0.1:{server.server_address[1]}/ (Ctrl-C ends it)")
        server.serve_forever()
