"""Behind a tunnel that hides the signed URL: does only the call's own secret let a webhook in?"""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import anyio
import httpx
import pytest

from voicecall.plugins.loader import load_plugins
from voicecall.plugins.registry import Registry
from voicecall.sdk import ExposureContext, ExposureSpec, PublicEndpoint, Section
from voicecall_conformance.phones import gateway as gateways
from voicecall_conformance.phones.gateway import BOB, WEBHOOK_URL, Scene, gateway_on
from voicecall_twilio.network import TwilioNetwork

pytestmark = pytest.mark.anyio


class Hidden(PublicEndpoint):
    """A tunnel for development."""

    webhook_url = WEBHOOK_URL
    stream_url = "wss://voice.example.com/voice/stream"
    forwards_from_loopback = True


@asynccontextmanager
async def hidden(config: Section, context: ExposureContext) -> AsyncIterator[Hidden]:
    yield Hidden()


SPEC = ExposureSpec(
    name="hidden",
    summary="a tunnel for development",
    config=Section,
    open=hidden,
    wanted=lambda config: False,
)


def signed(url: str, form: dict[str, str], token: str) -> str:
    text = url + "".join(key + form[key] for key in sorted(form))
    return base64.b64encode(hmac.new(token.encode(), text.encode(), hashlib.sha1).digest()).decode()


async def test_a_stranger_behind_the_tunnel_is_refused_and_the_carrier_is_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    registry = Registry.of(*load_plugins(os.environ).all_specs(), SPEC)
    monkeypatch.setattr(gateways, "load_plugins", lambda environ: registry)
    changes: dict[str, Any] = {
        "publicUrl": None,
        "tunnel": {"provider": "hidden"},
        "reachability": {"check": "off"},
    }
    scene = Scene(phones={BOB: {"answerAfterMs": 600_000}}, changes=changes)
    async with gateway_on(TwilioNetwork, scene, tmp_path) as (gateway, network):
        with anyio.fail_after(60):
            call_id = await gateway.call("Hello")
            await gateway.until_state(call_id, "ringing")
            record = await gateway.service.find(call_id)
            assert record is not None
            token = str(network.section()["authToken"])
            form = {"CallSid": record.carrier_ids[0], "CallStatus": "ringing"}

            async def post(query: dict[str, str], base: str, headers: dict[str, str]) -> int:
                path = f"/voice/webhook/status?{urlencode(query)}"
                signature = signed(f"{base}{path}", form, token)
                async with httpx.AsyncClient() as client:
                    answer = await client.post(
                        gateway.running.public.url + path,
                        data=form,
                        headers={"x-twilio-signature": signature, **headers},
                    )
                return answer.status_code

            query = {"callId": call_id, "secret": record.secret}
            stranger = {"callId": call_id, "secret": "guessed"}
            wrong, seen = "https://another.example", "https://seen.example"
            forwarded = {"x-forwarded-host": "seen.example", "x-forwarded-proto": "https"}
            assert await post(stranger, wrong, {}) == 401
            assert await post({"callId": call_id}, wrong, forwarded) == 401
            assert (await gateway.service.find(call_id)).state == "ringing"  # type: ignore[union-attr]
            assert await post({"step": "1"}, seen, forwarded) in (200, 204)
            assert "although its signature is wrong" not in caplog.text
            form["CallStatus"] = "busy"
            assert await post(stranger, wrong, {}) == 401
            assert await post(query, wrong, {}) in (200, 204)
            assert "its URL shows its call's secret" in caplog.text
            assert (await gateway.until_over(call_id)).state == "busy"
