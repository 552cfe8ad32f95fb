"""Is cloudflared called as documented, understood in what it says, and told from its strangers?"""

from __future__ import annotations

import logging
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import anyio
import psutil
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from voicecall.sdk import (
    CarrierUnreachable,
    ExposureContext,
    ExposureError,
    HttpResponse,
    Marker,
    Severity,
    SystemClock,
)
from voicecall_conformance.runner import Outcome, prove
from voicecall_expose_cloudflared import said
from voicecall_expose_cloudflared.command import command
from voicecall_expose_cloudflared.harness import TOKEN, NamedHarness
from voicecall_expose_cloudflared.plugin import CloudflaredConfig, voicecall_exposures
from voicecall_expose_cloudflared.tunnel import findings

LOG = """\
2026-11-23T05:00:00Z INF Requesting new quick Tunnel on trycloudflare.com...
2026-11-23T05:00:01Z INF +------------------------------------------------------------+
2026-11-23T05:00:01Z INF |  Your quick Tunnel has been created! Visit it at:          |
2026-11-23T05:00:01Z INF |  https://Four-random-words-here.trycloudflare.com          |
2026-11-23T05:00:01Z INF +------------------------------------------------------------+
2026-11-23T05:00:02Z INF Starting metrics server on 127.0.0.1:36425/metrics
2026-11-23T05:00:03Z INF Registered tunnel connection connIndex=0 location=fra08 protocol=quic
"""
DEADLINE = 20.0


class Answers:
    """The metrics server, without a network."""

    def __init__(self, **bodies: bytes) -> None:
        self.bodies = bodies
        self.asked: list[str] = []

    async def request(self, method: str, url: str, **kwargs: object) -> HttpResponse:
        self.asked.append(url)
        body = self.bodies.get(url.rpartition("/")[2])
        if body is None:
            raise CarrierUnreachable("nobody there")
        return HttpResponse(status=200, headers={}, body=body)


@pytest.fixture
def program(tmp_path: Path) -> Path:
    path = tmp_path / "cloudflared"
    path.write_text(f"#!/bin/sh\ncat {tmp_path / 'log'} >&2; exec sleep 60\n")
    path.chmod(0o700)
    (tmp_path / "log").write_text(LOG)
    return path


@pytest.fixture
def context(tmp_path: Path) -> ExposureContext:
    return ExposureContext(
        http=Answers(ready=b"", quicktunnel=b'{"hostname":"words.trycloudflare.com"}'),
        clock=SystemClock(),
        logger=logging.getLogger("test"),
        state_dir=tmp_path / "state",
        host="127.0.0.1",
        port=3334,
        webhook_path="/voice/webhook",
        stream_path="/voice/stream",
    )


@pytest.mark.parametrize("host", ["127.0.0.1", "0.0.0.0"])
def test_a_quick_tunnel_is_called_as_documented(
    program: Path, context: ExposureContext, host: str
) -> None:
    call = command(CloudflaredConfig(cloudflared_path=str(program)), replace(context, host=host))
    assert (call.program, *call.arguments) == (
        str(program),
        "tunnel",
        "--config",
        "/dev/null",
        "--no-autoupdate",
        "--metrics",
        "127.0.0.1:0",
        "--url",
        "http://127.0.0.1:3334",
    )


def test_a_named_tunnel_has_its_token_in_the_environment_alone(
    program: Path, context: ExposureContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TUNNEL_URL", "http://elsewhere")
    section = {
        "cloudflaredPath": str(program),
        "cloudflaredToken": TOKEN,
        "cloudflaredHostname": "Voice.Example.com.",
    }
    call = command(CloudflaredConfig.model_validate(section), context)
    assert call.arguments[-1] == "run"
    assert call.hostname == "voice.example.com"
    assert TOKEN not in f"{call!r} {call.arguments}"
    theirs = {name: text for name, text in call.environment().items() if name[:7] == "TUNNEL_"}
    assert theirs == {"TUNNEL_TOKEN": TOKEN}


@pytest.mark.parametrize(
    ("section", "reason"),
    [
        ({"cloudflaredToken": TOKEN}, "go together"),
        ({"cloudflaredHostname": "voice.example.com"}, "go together"),
        ({"cloudflaredToken": TOKEN, "cloudflaredHostname": "https://a.example"}, "host name"),
        ({"cloudflaredToken": TOKEN, "cloudflaredHostname": "a.example/path"}, "host name"),
    ],
)
def test_half_a_named_tunnel_is_refused(section: dict[str, str], reason: str) -> None:
    with pytest.raises(ValidationError, match=reason) as caught:
        CloudflaredConfig.model_validate(section)
    assert TOKEN not in str(caught.value.errors(include_input=False))


def test_settings_alone_open_nothing() -> None:
    (spec,) = voicecall_exposures()
    assert not spec.wanted(CloudflaredConfig(cloudflared_path="/opt/cloudflared"))


def test_without_the_program_the_remedy_says_where_it_is_to_be_had(
    context: ExposureContext, tmp_path: Path
) -> None:
    config = CloudflaredConfig(cloudflared_path=str(tmp_path / "nowhere"))
    with pytest.raises(ExposureError, match="no executable.*install it.*cloudflaredPath"):
        command(config, context)
    assert [finding.severity for finding in findings(config)] == [Severity.ERROR]


def test_what_it_says_is_understood() -> None:
    assert said.metrics_address(LOG) == "127.0.0.1:36425"
    assert said.quick_host(LOG) == "four-random-words-here.trycloudflare.com"
    assert said.is_registered(LOG)


def test_the_address_of_the_service_in_an_error_is_no_tunnel() -> None:
    log = 'ERR error="Post \\"https://api.trycloudflare.com/tunnel\\": EOF"'
    assert said.quick_host(log) is None
    assert "EOF" in said.reason(log)


def test_the_complaint_is_told_and_not_the_hint_at_the_help() -> None:
    log = "Provided Tunnel token is not valid.\nSee 'cloudflared tunnel run --help'.\n"
    assert said.reason(log) == "Provided Tunnel token is not valid."


@pytest.mark.parametrize(
    ("complaint", "remedy"),
    [
        ("dial tcp: lookup api.trycloudflare.com: no such host", "DNS"),
        ('ERR Error unmarshaling QuickTunnel response status_code="429 Too Many"', "some minutes"),
    ],
)
def test_the_remedy_fits_the_complaint(
    program: Path, tmp_path: Path, context: ExposureContext, complaint: str, remedy: str
) -> None:
    (tmp_path / "log").write_text(complaint)
    program.write_text(f"#!/bin/sh\ncat {tmp_path / 'log'} >&2\n")

    async def main() -> None:
        with pytest.raises(ExposureError) as caught:
            async with opened(program, context):
                pass
        assert remedy in (caught.value.remedy or "")

    anyio.run(main)


def test_what_a_killed_gateway_left_goes_though_cloudflared_is_not_in_force(
    program: Path, context: ExposureContext
) -> None:
    (spec,) = voicecall_exposures()
    clear = spec.clear
    assert clear is not None

    async def main() -> None:
        async with opened(program, replace(context, by_hand=True)):
            pass
        by_hand = Marker(context.state_dir, "cloudflared-by-hand")
        noted = by_hand.read() or {}
        ours = Marker(context.state_dir, "cloudflared")
        ours.write({**noted, "owner": os.getppid(), "owner_created": 1.0})
        by_hand.clear()
        assert await clear(CloudflaredConfig(), context)
        assert not psutil.pid_exists(int(str(noted["pid"])))
        assert ours.read() is None

    anyio.run(main)


@given(st.text(), st.from_regex(r"[A-Za-z0-9_-]{8,40}", fullmatch=True))
def test_a_reason_is_short_and_printable_and_holds_no_secret(log: str, secret: str) -> None:
    told = said.reason(f"2026-11-23T05:00:00Z ERR {log}{secret}{log}", secret)
    assert told.isprintable()
    assert len(told) <= said.LONGEST_REASON + 1
    assert secret not in told


@asynccontextmanager
async def opened(program: Path, context: ExposureContext) -> AsyncIterator[str]:
    (spec,) = voicecall_exposures()
    config = CloudflaredConfig(cloudflared_path=str(program))
    with anyio.fail_after(DEADLINE):
        async with spec.open(config, context) as endpoint:
            yield endpoint.webhook_url


def test_the_metrics_server_knows_the_name_best(program: Path, context: ExposureContext) -> None:
    async def main() -> None:
        async with opened(program, context) as url:
            assert url == "https://words.trycloudflare.com/voice/webhook"

    anyio.run(main)
    assert isinstance(context.http, Answers)
    assert set(context.http.asked) == {
        "http://127.0.0.1:36425/quicktunnel",
        "http://127.0.0.1:36425/ready",
    }


@pytest.mark.parametrize("junk", [b"", b"<html>", b"[]", b'{"hostname": 7}', b'{"hostname":"a/b"}'])
def test_without_a_name_from_the_metrics_server_the_box_tells_it(
    program: Path, context: ExposureContext, junk: bytes
) -> None:
    async def main() -> None:
        async with opened(
            program, replace(context, http=Answers(ready=b"", quicktunnel=junk))
        ) as url:
            assert url.startswith("https://four-random-words-here.trycloudflare.com/")

    anyio.run(main)


def test_it_is_kept_as_the_sdk_keeps_programs(program: Path, context: ExposureContext) -> None:
    async def main() -> None:
        async with opened(program, context):
            noted = Marker(context.state_dir, "cloudflared").read() or {}
            assert noted["metrics"] == "127.0.0.1:36425"
            assert noted["owner"] == os.getpid()
            log = context.state_dir / "exposures" / "cloudflared.log"
            assert "Registered tunnel connection" in log.read_text()

    anyio.run(main)
    assert not list((context.state_dir / "exposures").iterdir())


def test_a_living_owner_keeps_its_tunnel(program: Path, context: ExposureContext) -> None:
    parent = psutil.Process(os.getppid())
    marker = Marker(context.state_dir, "cloudflared")
    marker.write({"owner": parent.pid, "owner_created": parent.create_time(), "tag": "theirs"})

    async def main() -> None:
        with pytest.raises(ExposureError, match=f"process {parent.pid} has the tunnel open"):
            async with opened(program, context):
                pass

    anyio.run(main)
    assert marker.read() is not None


NAMED = (
    "exposure.paths",
    "exposure.forwards",
    "exposure.recovers",
    "exposure.fails",
    "exposure.borrows",
    "exposure.private",
    "exposure.silent",
    "exposure.secrets",
)


def test_a_named_tunnel_keeps_the_rules_that_a_quick_one_cannot_show() -> None:
    results = list(prove(NamedHarness, NAMED))
    assert {result.requirement.id: result.outcome for result in results} == dict.fromkeys(
        NAMED, Outcome.KEPT
    ), [result.detail for result in results if not result.is_good]
