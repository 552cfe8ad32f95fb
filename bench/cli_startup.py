"""How long does the command line take to start, beside a bare interpreter in the same run?

::

    python bench/cli_startup.py [--rounds 20] [--limit 8]

Runs `python -c pass`, `voicecall --help`, `voicecall --version` and `voicecall status --json` in
turn, again and again, so that whatever else the machine does hits all of them alike; compares the
medians. `status` talks to a small server that answers as a gateway without calls does, so that
the client is measured and not a gateway. Exit code 1 when one costs more than the limit.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

RUN_MAIN = "import sys; from voicecall.cli.main import main; sys.exit(main())"
BARE = "python -c pass"


class IdleGateway(BaseHTTPRequestHandler):
    """Answers every method as a gateway without calls answers `voicecall.status`."""

    def do_POST(self) -> None:
        """Answer an RPC."""
        self.rfile.read(int(self.headers["Content-Length"]))
        body = json.dumps({"calls": []}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


def commands() -> dict[str, list[str]]:
    """What is measured, by the name under which it is printed."""
    voicecall = [sys.executable, "-c", RUN_MAIN]
    return {
        BARE: [sys.executable, "-c", "pass"],
        "voicecall --help": [*voicecall, "--help"],
        "voicecall --version": [*voicecall, "--version"],
        "voicecall status --json": [*voicecall, "status", "--json"],
    }


def seconds_of(argv: list[str], environ: dict[str, str]) -> float:
    """Wall time of one run of `argv`, which must succeed."""
    begin = time.perf_counter()
    subprocess.run(argv, env=environ, stdout=subprocess.DEVNULL, check=True)
    return time.perf_counter() - begin


def medians(rounds: int, environ: dict[str, str]) -> dict[str, float]:
    """The median of every command over interleaved `rounds`, after one that warms caches."""
    argvs = commands()
    times: dict[str, list[float]] = {name: [] for name in argvs}
    for round_number in range(rounds + 1):
        for name, argv in argvs.items():
            taken = seconds_of(argv, environ)
            if round_number:
                times[name].append(taken)
    return {name: statistics.median(values) for name, values in times.items()}


def main() -> int:
    """Measure, print, judge."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--limit", type=float, default=8.0, help="times the bare interpreter")
    options = parser.parse_args()
    server = HTTPServer(("127.0.0.1", 0), IdleGateway)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    environ = {
        **os.environ,
        "PYTHONPATH": str(Path(__file__).parent.parent),
        "VOICECALL_URL": f"http://127.0.0.1:{server.server_port}",
        "VOICECALL_TOKEN": "unused",
    }
    results = medians(options.rounds, environ)
    bare = results[BARE]
    for name, seconds in results.items():
        print(f"{name:<24} {seconds * 1000:7.1f} ms  {seconds / bare:4.1f} x")
    return int(max(results.values()) > options.limit * bare)


if __name__ == "__main__":
    sys.exit(main())
