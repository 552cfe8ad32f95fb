"""How does an ngrok agent look from outside? A program that says what it says, with its local API.

Standard library only: it is started by its file name, without our packages, with the directory of
its state before the arguments of the real one. There it notes every start in ``starts`` and its
endpoints in ``endpoints-PID``. A file ``mode`` tells how it fails, see `STARTS` and `ANSWERS`;
``name`` is the public name from now on. What its one port is asked under a public name it hands on,
as ngrok's edge would; under any other name it is the API.
"""

from __future__ import annotations

import http.client
import json
import os
import re
import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlsplit

DROPPED = {"host", "connection", "transfer-encoding", "content-length"}
_INVALID = (
    "authentication failed: The authtoken you specified is properly formed, but it is invalid. "
    "Your authtoken: {token}. ERR_NGROK_107"
)
STARTS = {
    "refused": _INVALID,
    "malformed": (
        "authentication failed: The authtoken you specified does not look like a proper ngrok "
        "authtoken. Your authtoken: {token}. ERR_NGROK_105"
    ),
    "sessions": (
        "authentication failed: Your account is limited to 1 simultaneous ngrok agent sessions. "
        "ERR_NGROK_108"
    ),
}
"""Modes in which it ends at once, and with which words."""
ANSWERS = {
    "in-use": (
        502,
        "failed to start tunnel: The endpoint '{url}' is already online. ERR_NGROK_334",
    ),
    "broken": (500, "internal server error for {token}"),
}
"""Modes in which it makes no endpoint: status, and words."""
MUTE = "mute"
"""Mode in which its API always answers 503."""
HANGS = "hangs"
"""Mode in which it says nothing of use."""
KIND = re.compile(r"/api/(endpoints|tunnels)(?:/(.+))?")


def log(level: str, text: str) -> None:
    """One line, as the real one writes it."""
    now = time.strftime("%Y-%m-%dT%H:%M:%S+0000", time.gmtime())
    sys.stdout.write(f"t={now} lvl={level} {text}\n")
    sys.stdout.flush()


class State:
    """What the test says, and what is told to it."""

    def __init__(self, folder: Path, arguments: list[str]) -> None:
        self.folder = folder
        config = Path(arguments[arguments.index("--config") + 1]).read_text()
        match = re.search(r"authtoken: *['\"]?([^'\"\n]+)", config)
        self.token = match[1] if match else ""
        self.endpoints: dict[str, dict[str, str]] = {}

    def read(self, name: str) -> str:
        """The file `name`; empty when there is none."""
        path = self.folder / name
        return path.read_text() if path.exists() else ""

    def note(self, port: int) -> None:
        """This start, for the test."""
        told = {"pid": os.getpid(), "argv": sys.argv[2:], "port": port, "token": self.token}
        with (self.folder / "starts").open("a") as file:
            file.write(json.dumps(told) + "\n")

    def url(self, endpoint: dict[str, str]) -> str:
        """The public one at the moment."""
        name = self.read("name")
        return f"https://{name}" if name else endpoint["url"]

    def make(self, wanted: dict[str, object]) -> dict[str, str]:
        """An endpoint of either kind of request."""
        upstream = wanted.get("upstream")
        target = upstream["url"] if isinstance(upstream, dict) else str(wanted["addr"])
        domain = wanted.get("domain")
        url = wanted.get("url") or (f"https://{domain}" if domain else None)
        chosen = str(url or f"https://fake-{os.getpid()}.ngrok-free.app")
        self.endpoints[str(wanted["name"])] = made = {"url": chosen, "upstream": target}
        (self.folder / f"endpoints-{os.getpid()}").write_text(json.dumps(self.endpoints))
        return made


class Api(BaseHTTPRequestHandler):
    """The API and the public side, told apart by the name that is asked for."""

    state: State
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        """One, all, the status, or handed on."""
        self.serve(b"")

    def do_DELETE(self) -> None:
        """Away with one."""
        self.serve(b"")

    def do_POST(self) -> None:
        """Made, or handed on."""
        self.serve(self.rfile.read(int(self.headers["content-length"] or 0)))

    def serve(self, body: bytes) -> None:
        """Whatever it is."""
        host = f"https://{self.headers['host']}"
        for endpoint in self.state.endpoints.values():
            if self.state.url(endpoint) == host:
                return self.hand_on(endpoint, body)
        match = KIND.fullmatch(self.path)
        if self.state.read("mode") == MUTE:
            self.tell(503, {"msg": "unavailable"})
        elif self.path == "/api/status":
            self.tell(200, {"status": "online"})
        elif match is None:
            self.tell(404, {"msg": "not found"})
        elif match[2] is not None:
            self.one(match[1], match[2])
        elif self.command == "POST":
            self.make(match[1], json.loads(body))
        else:
            shown = [self.shown(match[1], name) for name in self.state.endpoints]
            self.tell(200, {match[1]: shown, "uri": self.path})
        return None

    def make(self, kind: str, wanted: dict[str, object]) -> None:
        """An endpoint, unless the mode says otherwise."""
        mode = self.state.read("mode")
        if mode in ANSWERS:
            status, words = ANSWERS[mode]
            said = words.format(url=wanted.get("url"), token=self.state.token)
            self.tell(status, {"error_code": 103, "status_code": status, "msg": said})
            return
        self.state.make(wanted)
        self.tell(201, self.shown(kind, str(wanted["name"])))

    def one(self, kind: str, name: str) -> None:
        """The endpoint `name`."""
        if name not in self.state.endpoints:
            self.tell(404, {"msg": "not found"})
        elif self.command == "DELETE":
            del self.state.endpoints[name]
            self.reply(204, b"")
        else:
            self.tell(200, self.shown(kind, name))

    def shown(self, kind: str, name: str) -> dict[str, object]:
        """As the API of that kind shows it."""
        endpoint = self.state.endpoints[name]
        url = self.state.url(endpoint)
        common = {"name": name, "uri": f"/api/{kind}/{name}", "proto": "https"}
        if kind == "endpoints":
            return {**common, "url": url, "upstream": {"url": endpoint["upstream"]}}
        return {**common, "public_url": url, "config": {"addr": endpoint["upstream"]}}

    def hand_on(self, endpoint: dict[str, str], body: bytes) -> None:
        """Ask what is behind it, and answer as that does."""
        target = urlsplit(endpoint["upstream"])
        connection = http.client.HTTPConnection(target.hostname or "", target.port, timeout=10)
        headers = {name: value for name, value in self.headers.items() if name not in DROPPED}
        headers |= {"Host": self.headers["host"], "X-Forwarded-Proto": "https"}
        connection.request(self.command, self.path, body, headers)
        answer = connection.getresponse()
        self.reply(answer.status, answer.read())

    def tell(self, status: int, what: dict[str, object]) -> None:
        """An answer of the API."""
        self.reply(status, json.dumps(what).encode())

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
    folder, arguments = Path(sys.argv[1]), sys.argv[2:]
    if arguments == ["version"]:
        sys.stdout.write("ngrok version 3.30.0\n")
        return 0
    state = State(folder, arguments)
    if arguments[:2] == ["config", "check"]:
        sys.stdout.write("Valid configuration file\n")
        return 0
    mode = state.read("mode")
    if mode in STARTS or mode == HANGS:
        state.note(0)
    if mode in STARTS:
        words = STARTS[mode].format(token=state.token)
        log("eror", f'msg="failed to reconnect session" obj=tunnels.session err="{words}"')
        sys.stderr.write(f"ERROR:  {words}\n")
        return 1
    if mode == HANGS:
        log("info", f'msg="no configuration paths supplied" token={state.token}')
        time.sleep(600)
    serve(state)
    return 0


def serve(state: State) -> None:
    """Serve until killed."""
    Api.state = state
    with ThreadingHTTPServer(("127.0.0.1", 0), Api) as server:
        port = server.server_address[1]
        state.note(port)
        log("info", f'msg="starting web service" obj=web addr=127.0.0.1:{port} allow_hosts=[]')
        log("info", 'msg="client session established" obj=csess id=1')
        log("info", 'msg="tunnel session started" obj=tunnels.session')
        server.serve_forever()


if __name__ == "__main__":
    sys.exit(main())
