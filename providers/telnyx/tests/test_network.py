"""Does a whole gateway hold its calls at the live double of Telnyx?"""

from __future__ import annotations

import json
import os
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import anyio
import pytest

from voicecall.checkup import check_carrier
from voicecall.config.loader import load_config
from voicecall.model.call import CallRecord, CallState
from voicecall.plugins.loader import load_plugins
from voicecall.sdk import Severity
from voicecall_conformance import RestAnswer
from voicecall_conformance.phones import Leg
from voicecall_conformance.phones.gateway import BOB, NUMBER, Gateway, Scene, gateway_on
from voicecall_telnyx.network import TelnyxNetwork
from voicecall_telnyx.network.call import TelnyxCall

pytestmark = pytest.mark.anyio

LISTEN: Mapping[str, object] = {"listen": True}
HANG_UP: Mapping[str, object] = {"hangUp": True}
NATIVE: Mapping[str, Any] = {"streaming": {"enabled": False}}
OPEN: Mapping[str, Any] = {"inboundPolicy": "open", "inboundGreeting": "Good morning."}


@asynccontextmanager
async def gateway(
    directory: Path, *steps: Mapping[str, object], **changes: Any
) -> AsyncIterator[tuple[Gateway, TelnyxNetwork]]:
    """A gateway whose Bob does `steps`."""
    scene = Scene(phones={BOB: {"steps": steps}}, changes=changes)
    async with gateway_on(TelnyxNetwork, scene, directory) as (running, network):
        with anyio.fail_after(60):
            yield running, network


def scripted(*lines: str) -> dict[str, Any]:
    return {"responder": "scripted", "responders": {"scripted": {"lines": list(lines)}}}


def said(record: CallRecord) -> list[tuple[str, str]]:
    return [(line.speaker.value, line.text) for line in record.transcript]


def actions(network: TelnyxNetwork) -> list[str]:
    """The commands that were given, in order; "dial" for a dial."""
    posted = (each.path for each in network.requests if each.method == "POST")
    return [path.rpartition("/")[2] if "/actions/" in path else "dial" for path in posted]


async def told(phone: Leg) -> list[str]:
    """The kinds of events of a leg that is over, once all are delivered."""
    call = phone.exchange
    assert isinstance(call, TelnyxCall)
    await call.report.delivered.wait()
    return [each.kind for each in call.report.told]


async def test_a_conversation_over_a_stream(tmp_path: Path) -> None:
    steps = (LISTEN, {"say": "who is there"}, LISTEN, HANG_UP)
    async with gateway(tmp_path, *steps, **scripted("A robot.")) as (running, network):
        record = await running.until_over(await running.call("Hello"))
        phone = await running.phone(record)
        assert phone.heard == ["Hello", "A robot."]
        assert said(record)[1:] == [("user", "who is there"), ("bot", "A robot.")]
        assert actions(network) == ["dial", "streaming_start"]
        kinds = await told(phone)
        assert [kind for kind in kinds if not kind.startswith("call.machine")] == [
            "call.initiated",
            "call.answered",
            "streaming.started",
            "streaming.stopped",
            "call.hangup",
        ]
        assert {each.status for each in network.deliveries} == {200}


async def test_a_conversation_in_the_carriers_voice(tmp_path: Path) -> None:
    steps = (LISTEN, {"say": "who is there"}, LISTEN, HANG_UP)
    changes = {**NATIVE, **scripted("A robot.")}
    async with gateway(tmp_path, *steps, **changes) as (running, network):
        record = await running.until_over(await running.call("Hello"))
        phone = await running.phone(record)
        assert phone.heard == ["Hello", "A robot."]
        assert said(record)[1:] == [("user", "who is there"), ("bot", "A robot.")]
        given = actions(network)
        assert given.count("dial") == 1 and given.count("speak") == 2
        assert "streaming_start" not in given and "transcription_start" in given
        kinds = await told(phone)
        assert kinds.count("call.speak.ended") == 2
        assert kinds.count("call.transcription") == 2
        assert {each.status for each in network.deliveries} == {200}


@pytest.mark.parametrize("voice", [{}, NATIVE], ids=["streamed", "native"])
async def test_a_caller_is_answered(tmp_path: Path, voice: Mapping[str, Any]) -> None:
    steps = (LISTEN, {"say": "what time is it"}, LISTEN, HANG_UP)
    changes = {**voice, **OPEN, **scripted("It is noon.")}
    async with gateway(tmp_path, *steps, **changes) as (running, network):
        phone = network.dial_in(BOB)
        record = await running.record_of(phone)
        assert phone.heard == ["Good morning.", "It is noon."]
        assert (record.from_number, record.to_number) == (BOB, NUMBER)
        assert actions(network)[0] == "answer"
        assert "dial" not in actions(network)


async def test_a_stranger_is_refused(tmp_path: Path) -> None:
    changes = {"inboundPolicy": "allowlist", "allowFrom": ["+15550009999"]}
    async with gateway(tmp_path, LISTEN, **changes) as (running, network):
        phone = network.dial_in(BOB)
        record = await running.record_of(phone)
        assert record.state is CallState.REJECTED
        assert not phone.answered
        assert actions(network) == ["reject"]
        assert await told(phone) == ["call.initiated", "call.hangup"]


async def test_a_carrier_that_fails_at_the_dial_is_not_asked_again(tmp_path: Path) -> None:
    async with gateway(tmp_path, LISTEN) as (running, network):
        network.instead = lambda request: (
            RestAnswer(status=503) if request.path == "/v2/calls" else None
        )
        with pytest.raises(Exception, match="503"):
            await running.call("Hello")
        assert actions(network) == ["dial"]
        assert not network.legs


async def test_every_command_has_an_id_of_its_own(tmp_path: Path) -> None:
    steps = (LISTEN, {"say": "who is there"}, LISTEN, HANG_UP)
    changes = {**NATIVE, **scripted("A robot.")}
    async with gateway(tmp_path, *steps, **changes) as (running, network):
        await running.phone(await running.until_over(await running.call("Hello")))
        bodies = [json.loads(each.body) for each in network.requests if each.method == "POST"]
        ids = [body["command_id"] for body in bodies]
        assert len(set(ids)) == len(ids)


async def test_setup_finds_the_account_in_order(tmp_path: Path) -> None:
    async with gateway(tmp_path, LISTEN) as (_, network):
        path = tmp_path / "voicecall.json5"
        loaded = load_config(path, load_plugins(os.environ), environ={})
        findings = await check_carrier(loaded, tmp_path / "nobody")
        asked = [each for each in findings if each.subject != "public URL"]
        assert {each.severity for each in asked} == {Severity.OK}
        assert {each.method for each in network.requests} == {"GET"}
