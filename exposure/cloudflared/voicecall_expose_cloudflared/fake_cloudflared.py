"""How does cloudflared look from outside? A program that says what it says and serves what it does.

Standard library only: it is started by its file name, without our packages, with the directory of
its state before the arguments of the real one. There it notes every start in ``starts``; a file
``mode`` (refused, hangs) makes it fail, ``name`` holds its public name and ``ingress`` the service
behind a named tunnel. What its one port is asked under its public name it hands on, as Cloudflare's
edge would; under any other name it is the metrics server.
"""

from __future__ import annotations

import http.client
import json
import os
import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlsplit

TOKEN = "TUNNEL_TOKEN"
DROPPED = {"host", "connection", "transfer-encoding", "content-length"}


def log(level: str, text: str) -> None:
    """One line, as the real one writes it."""
    sys.stderr.write(f"{time.strftime('%Y-%m-%dT%H:%M:%SZ', time.gmtime())} {level} {text}\n")
    sys.stderr.flush()


class State:
    """What the test says, and what is told to it."""

    def __init__(self, folder: Path, arguments: list[str]) -> None:
        self.folder = folder
        self.arguments = arguments
        self.quick = "run" not in arguments

    def read(self, name: str) -> str:
        """The file `name`; empty when there is none."""
        path = self.folder / name
        return path.read_text() if path.exists() else ""

    @property
    def name(self) -> str:
        """The public name at the moment."""
        return self.read("name") or f"fake-{os.getpid()}.trycloudflare.com"

    @property
    def target(self) -> str:
        """What requests are handed on to."""
        if not self.quick:
            return self.read("ingress")
        return self.arguments[self.arguments.index("--url") + 1]

    def note(self, port: int) -> None:
        """This start, for the test."""
        told = {"pid": os.getpid(), "argv": sys.argv[2:], "port": port, "target": self.target}
        with (self.folder / "starts").open("a") as file:
            file.write(json.dumps(told) + "\n")


class Edge(BaseHTTPRequestHandler):
    """The metrics server and the public side, told apart by the name that is asked for."""

    state: State
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        """``/ready``, ``/quicktunnel``, or handed on."""
        if self.headers["host"] == self.state.name:
            self.hand_on(b"")
        elif self.path == "/ready":
            self.reply(200, b'{"status":200,"readyConnections":4}')
        elif self.path == "/quicktunnel":
            hostname = self.state.name if self.state.quick else ""
            self.reply(200, json.dumps({"hostname": hostname}).encode())
        else:
            self.reply(404, b"")

    def do_POST(self) -> None:
        """Handed on."""
        self.hand_on(self.rfile.read(int(self.headers["content-length"] or 0)))

    def hand_on(self, body: bytes) -> None:
        """Ask the target, and answer as it does."""
        target = urlsplit(self.state.target)
        connection = http.client.HTTPConnection(target.hostname or "", target.port, timeout=10)
        headers = {name: value for name, value in self.headers.items() if name not in DROPPED}
        headers |= {"Host": self.state.name, "X-Forwarded-Proto": "https"}
        connection.request(self.command, self.path, body, headers)
        answer = connection.getresponse()
        self.reply(answer.status, answer.read())

    def reply(self, status: int, body: bytes) -> None:
        """One answer."""
        self.send_response(status)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *arguments: object) -> None:
        """Says nothing."""


def main() -> int:
    """Behave as the real one does with these arguments."""
    state = State(Path(sys.argv[1]), sys.argv[2:])
    mode = state.read("mode")
    if mode == "refused":
        state.note(0)
        if state.quick:
            log("ERR", 'failed to request quick Tunnel error="429 Too Many Requests"')
        else:
            log("ERR", f"Provided Tunnel token is not valid: {os.environ.get(TOKEN)}")
        return 1
    if state.quick:
        log("INF", "Requesting new quick Tunnel on trycloudflare.com...")
    if mode == "hangs":
        state.note(0)
        log("INF", f"Version 2026.1.0 token={os.environ.get(TOKEN)}")
        time.sleep(600)
    serve(state)
    return 0


def serve(state: State) -> None:
    """Serve until killed."""
    Edge.state = state
    with ThreadingHTTPServer(("127.0.0.1", 0), Edge) as server:
        port = server.server_address[1]
        state.note(port)
        if state.quick:
            log("INF", f"|  https://{state.name}                        |")
        log("INF", f"Starting metrics server on 127.0.0.1:{port}/metrics")
        log("INF", "Registered tunnel connection connIndex=0 location=fra01 protocol=quic")
        server.serve_forever()


if __name__ == "__main__":
    sys.exit(main())
