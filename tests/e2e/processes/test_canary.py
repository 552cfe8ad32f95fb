"""Do secrets, numbers and words of a call stay where they belong, whatever goes wrong?"""

from __future__ import annotations

import base64
import json
import os
import re
import sqlite3
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import pytest
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

OURS, BOB, PREMIUM = "+15550001111", "+15550002222", "+19005551234"
SPOKEN, ANSWERED = "The password is swordfish", "I will remember swordfish"
STEPS = [{"listen": True}, {"say": ANSWERED}, {"listen": True}, {"hangUp": True}]
WORD = "canary7f3b9d"
FULL = os.environ.get("VOICECALL_FULL") == "1"
SIGNING_KEY = base64.b64encode(f"{WORD:<32}".encode()).decode()
COMMANDS = (
    ("status", "--json"),
    ("tail", "--no-follow"),
    ("latency",),
    ("doctor",),
    ("setup", "--json"),
    ("config", "show"),
    ("config", "check", "--json"),
    ("plugins", "--json"),
)
PRIVATE = (WORD, SIGNING_KEY, BOB, BOB[1:], PREMIUM, PREMIUM[1:], "swordfish")


def canary(name: str) -> str:
    return f"{WORD}-{name}-do-not-tell"


@dataclass
class Parrot:
    """Everybody whom the gateway asks: refuses, and says again whatever it was told."""

    url: str = ""
    heard: list[tuple[str, str, str]] = field(default_factory=list)
    """Path, headers and body of every request."""

    def bodies(self, path: str) -> str:
        """What was posted to a path."""
        return "\n".join(body for where, _, body in self.heard if where.startswith(path))


@pytest.fixture(scope="module")
def parrot() -> Iterator[Parrot]:
    state = Parrot()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"] or 0))
            state.heard.append((self.path, str(self.headers), body.decode("latin-1")))
            said = json.dumps({"code": 20003, "message": f"no: {self.headers} {body!r}"}).encode()
            self.send_response(400 if self.path == "/v1/traces" else 401)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(said)))
            self.end_headers()
            self.wfile.write(said)

        do_GET = do_POST

        def log_message(self, *arguments: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        state.url = f"http://127.0.0.1:{server.server_port}"
        yield state
        server.shutdown()
        thread.join()


@pytest.fixture(scope="module")
def machine(new_machine: Any, parrot: Parrot) -> Any:
    """A secret in every section that there is; the selected parts fail."""
    headers = {"authorization": canary("otel"), "x-key": canary("otel-key")}
    voice = {"apiKey": canary("openai"), "baseUrl": f"{parrot.url}/v1", "model": "tts-1"}
    receiver = {"url": f"{parrot.url}/events", "allowPrivateNetwork": True, "events": ["*"]}
    return new_machine(
        {
            "gateway": {"token": canary("token"), "password": canary("password")},
            "mock": {
                "secret": canary("mock"),
                "phones": {BOB: {"answerAfterMs": 100, "steps": STEPS}},
            },
            "tts": {
                "provider": "openai",
                "fallback": ["tones"],
                "providers": {"openai": voice, "elevenlabs": {"apiKey": canary("eleven")}},
            },
            "streaming": {"providers": {"deepgram": {"apiKey": canary("deepgram")}}},
            "responder": "http",
            "responders": {
                "http": {
                    "url": f"{parrot.url}/turn",
                    "token": canary("responder"),
                    "headers": {"x-key": canary("responder-key")},
                },
                "model": {"apiKey": canary("model"), "vendors": {"x": {"apiKey": canary("x")}}},
                "command": {"argv": ["true"], "env": {"KEY": canary("command")}},
            },
            "sinks": [
                {"use": "webhooks", "secret": f"whsec_{SIGNING_KEY}", **receiver},
                {"use": "otel", "endpoint": parrot.url, "headers": headers},
            ],
            "tunnel": {"ngrokAuthToken": canary("ngrok")},
            "twilio": {"authToken": canary("twilio")},
            "telnyx": {"apiKey": canary("telnyx")},
            "plivo": {"authToken": canary("plivo")},
        }
    )


def keeps(told: str, private: Sequence[str] = PRIVATE) -> None:
    """Fail where something private is told; does not tell it once more."""
    for hidden in private:
        at = told.find(hidden)
        assert at < 0, f"it tells what is private after …{told[max(0, at - 300) : at]}"


def test_acceptance_43_nothing_private_is_told_by_a_gateway_whose_parts_all_fail(
    machine: Any, parrot: Parrot
) -> None:
    with machine.serving(VOICECALL_LOG="DEBUG", VOICECALL_LOG_FORMAT="json") as server:
        bearer = {"Authorization": f"Bearer {canary('token')}"}

        def ask(method: str, **params: Any) -> httpx.Response:
            url = f"{server.client.url}/rpc/voicecall.{method}"
            return httpx.post(url, json=params, headers=bearer, timeout=30)

        wish = {"to": BOB, "message": SPOKEN, "mode": "conversation", "wait": True}
        ended = ask("initiate", **wish).json()
        assert ended["call"]["state"] == "hangup-user", ended
        told = [
            ask("initiate", to=PREMIUM, message=SPOKEN).text,
            ask("speak", callId=ended["callId"], message=SPOKEN).text,
            ask("dtmf", callId=ended["callId"], digits=SPOKEN).text,
            ask("initiate", to=BOB, message=SPOKEN, token=canary("token")).text,
            *strangers(server.client.url, server.ready["public"]),
        ]
        broken_reload(machine, server)
        pages = [httpx.get(f"{server.client.url}/metrics", headers=bearer).text]
        pages += [httpx.get(f"{server.client.url}{path}").text for path in ("/readyz", "/healthz")]
        shown = [machine.run(*command) for command in (COMMANDS if FULL else COMMANDS[:2])]
        assert server.stop() == 0
    for text in (*told, *pages, server.errors):
        assert text
        keeps(text)
    for ran in shown:
        keeps(ran.out + ran.err, (WORD, SIGNING_KEY))
    assert any(json.loads(line).get("callId") == ended["callId"] for line in log_of(server))
    for path in ("/v1/audio/speech", "/turn", "/events", "/v1/traces"):
        assert parrot.bodies(path), f"{path} was not asked"
        keeps(parrot.bodies(path), (WORD, SIGNING_KEY))
    keeps(parrot.bodies("/v1/traces"))
    secrets = call_secrets(machine.state / "calls.db")
    assert secrets
    keeps(server.errors + pages[0] + parrot.bodies("/v1/traces"), secrets)
    assert not re.search(r"/voice/stream/[\w-]{8}", server.errors)
    keeps_in_files(machine.state, besides={"gateway.json", "mock-network.json"})


def strangers(private: str, public: str) -> list[str]:
    """What those are told who have no business here, or cannot spell."""
    secret, junk = canary("token"), b'{"to": "' + BOB.encode() + b'", "message": "swordfish'
    basic = {"Authorization": f"Basic {secret}"}
    known = {"Authorization": f"Bearer {secret}"}
    answers = [
        httpx.post(f"{private}/rpc", content=junk),
        httpx.post(f"{private}/rpc", content=junk, headers=known),
        httpx.post(f"{private}/rpc/voicecall.initiate", content=junk, headers=known),
        httpx.post(f"{private}/mcp", content=junk, headers=known),
        httpx.get(f"{private}/events?token={secret}", headers=known),
        httpx.get(f"{private}/metrics", headers=basic),
        httpx.get(f"{private}/calls/{secret}/events", headers=known),
        httpx.get(f"{private}/{secret}", headers=known),
        httpx.get(f"{private}/metrics", headers={**known, "Origin": f"https://{secret}"}),
        httpx.post(f"{public}/voice/webhook?secret={secret}", content=junk),
        httpx.post(
            f"{public}/voice/webhook", content=junk, headers={"x-voicecall-signature": secret}
        ),
    ]
    assert all(answer.is_error or "error" in answer.json() for answer in answers), answers
    told = [f"{answer.headers} {answer.text}" for answer in answers]
    for url in (f"{public}/voice/stream/{secret}", f"{private}/?token={secret}"):
        with pytest.raises(InvalidStatus) as refused:
            connect(url.replace("http", "ws", 1))
        told.append(f"{refused.value.response}")
    return told


def broken_reload(machine: Any, server: Any) -> None:
    """A configuration with mistakes beside its secrets, on one line with them."""
    file = machine.root / "voicecall.json5"
    good = file.read_text()
    file.write_text(good.replace('"apiKey": "canary', '"apiKe": "canary').replace("{", "{a:1,", 1))
    with pytest.raises(Exception, match="unknown key") as refused:
        server.client.call("voicecall.reload")
    keeps(str(refused.value))
    file.write_text(good)


def log_of(server: Any) -> list[str]:
    return [line for line in server.errors.splitlines() if line.startswith("{")]


def call_secrets(database: Path) -> list[str]:
    """What the URLs of callbacks prove themselves with, of every call."""
    with closing(sqlite3.connect(database)) as store:
        rows = store.execute("SELECT body FROM events").fetchall()
    found = (json.loads(body).get("secret") for (body,) in rows)
    return [secret for secret in found if secret]


def keeps_in_files(folder: Path, besides: set[str]) -> None:
    """No file, the database and its log included, has a secret of the configuration in it."""
    for file in folder.rglob("*"):
        if file.is_file() and file.name not in besides:
            content = file.read_bytes()
            for secret in (WORD, SIGNING_KEY):
                assert secret.encode() not in content, file.name
                assert secret.encode("utf-16-le") not in content, file.name


CARRIERS: dict[str, dict[str, Any]] = {
    "telnyx": {"apiKey": canary("key"), "connectionId": "1", "publicKey": SIGNING_KEY},
    "plivo": {"authId": "MA00000000000000000000", "authToken": canary("token")},
    "twilio": {
        "accountSid": "AC00000000000000000000000000000000",
        "authToken": canary("token"),
        "sharedKeys": {"key": canary("shared")},
    },
}
"""The first is light; the others load an SDK of their vendor."""


@pytest.mark.parametrize("carrier", CARRIERS if FULL else list(CARRIERS)[:1])
def test_acceptance_43_a_command_whose_carrier_repeats_our_secrets_does_not(
    new_machine: Callable[..., Any], parrot: Parrot, carrier: str
) -> None:
    machine = new_machine(
        {
            "provider": carrier,
            "fromNumber": OURS,
            "publicUrl": "https://voice.example.com/voice/webhook",
            "reachability": {"check": "off"},
            "streaming": {"enabled": False},
            carrier: {**CARRIERS[carrier], "apiBaseUrl": parrot.url},
        }
    )
    call = ("call", "--to", BOB, "--message", SPOKEN)
    for command in (call, ("setup",), ("doctor", "--json")) if FULL else (call,):
        ran = machine.run(*command, VOICECALL_LOG="DEBUG", VOICECALL_DEBUG="1")
        assert ran.code
        assert "401" in ran.out + ran.err or carrier.capitalize() in ran.out + ran.err
        keeps(ran.out + ran.err)
    keeps_in_files(machine.state, besides={"gateway.token", "gateway.json"})
