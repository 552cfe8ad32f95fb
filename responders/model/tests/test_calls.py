"""Does a model hold a conversation on a whole call, over the simulated network?"""

from __future__ import annotations

import json
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import anyio
import pytest

from voicecall.config.loader import load_config
from voicecall.model.call import CallMode, CallRecord, CallState
from voicecall.model.call_events import CallFinished
from voicecall.plugins.loader import load_plugins
from voicecall.runtime import running
from voicecall.service import CallRequest
from voicecall_responder_model.double.dialects import Said
from voicecall_responder_model.double.server import KEY, Scripted, VendorDouble, vendor_double

BOB = "+15550002222"
US = "+15550001111"
TONES = {"provider": "tones"}
LISTEN = {"listen": True}
PATIENCE = 90


class Call:
    """One gateway with a model behind it, and Bob at his phone."""

    def __init__(self, gateway: Any, double: VendorDouble) -> None:
        self._gateway = gateway
        self.double = double

    async def made(self, greeting: str | None = "Hello.") -> CallRecord:
        service = self._gateway.service
        wish = CallRequest(to_number=BOB, message=greeting, mode=CallMode.CONVERSATION)
        call_id = await service.initiate(wish)
        async with service.watch(call_id) as events:
            async for event in events:
                if isinstance(event, CallFinished):
                    break
        record = await service.find(call_id)
        assert isinstance(record, CallRecord)
        return record


@asynccontextmanager
async def at_work(
    folder: Path, *script: Scripted, steps: Any, streams: bool = True, **section: Any
) -> AsyncIterator[Call]:
    async with vendor_double(*script) as (double, origin):
        model = {"apiKey": KEY, "baseUrl": f"{origin}/v1", **section.pop("model", {})}
        config = {
            "fromNumber": US,
            "serve": {"port": 0},
            "gateway": {"port": 0},
            "streaming": {"enabled": streams, "provider": "tones"},
            "tts": TONES,
            "responseModel": "openai/gpt-4o-mini",
            "responseSystemPrompt": "You are Ada.",
            "responders": {"model": model},
            "mock": {
                "timeScale": 4,
                "voice": TONES,
                "ears": TONES,
                "phones": {BOB: {"answerAfterMs": 50, "steps": steps}},
            },
            **section,
        }
        path = folder / "voicecall.json5"
        path.write_text(json.dumps(config))
        loaded = load_config(path, load_plugins(os.environ), environ={"HOME": str(folder)})
        with anyio.fail_after(PATIENCE):
            async with running(loaded, state_dir=folder / "state", drain_seconds=0) as gateway:
                yield Call(gateway, double)


def said(record: CallRecord) -> list[tuple[str, str]]:
    return [(line.speaker.value, line.heard or line.text) for line in record.transcript]


@pytest.mark.parametrize("streams", [True, False])
def test_a_call_is_talked_through_and_hung_up_after_the_farewell(
    tmp_path: Path, streams: bool
) -> None:
    script = (
        Scripted(said=Said(tokens=["Nice to ", "meet you. ", "What is **it**", "?"])),
        Scripted(said=Said(tokens=["Good bye."], tools=[("end_call", "{}")])),
    )
    steps = [LISTEN, {"say": "I am Bob"}, LISTEN, {"say": "nothing"}, LISTEN, LISTEN]

    async def main() -> None:
        async with at_work(tmp_path, *script, steps=steps, streams=streams) as call:
            record = await call.made()
            assert record.state is CallState.HANGUP_BOT
            assert said(record) == [
                ("bot", "Hello."),
                ("user", "I am Bob"),
                ("bot", "Nice to meet you. What is it?"),
                ("user", "nothing"),
                ("bot", "Good bye."),
            ]
            told = [m["content"] for m in call.double.asked[1]["messages"][1:]]
            assert told == [
                "[The call is connected.]",
                "Hello.",
                "I am Bob",
                "Nice to meet you. What is it?",
                "nothing",
            ]
            assert "You are Ada." in call.double.asked[0]["messages"][0]["content"]

    anyio.run(main)


def test_the_next_call_remembers_what_was_heard_in_the_last_one(tmp_path: Path) -> None:
    farewell = Scripted(said=Said(tokens=["Bye Bob."], tools=[("end_call", "{}")]))
    steps = [LISTEN, {"say": "I am Bob"}, LISTEN, LISTEN]

    async def main() -> None:
        async with at_work(tmp_path, farewell, farewell, steps=steps) as call:
            await call.made()
            await call.made()
            first, second = (body["messages"][1]["content"] for body in call.double.asked)
            assert "on file" not in first
            assert "caller: I am Bob" in second and "you: Bye Bob." in second

    anyio.run(main)


@pytest.mark.parametrize(
    "failure",
    [
        Scripted(status=401, fault={"code": "invalid_api_key", "message": KEY}),
        Scripted(said=Said(tokens=["Well"]), stall_after=2),
    ],
)
def test_a_model_that_fails_is_replaced_by_an_apology(
    tmp_path: Path, failure: Scripted, caplog: pytest.LogCaptureFixture
) -> None:
    steps = [LISTEN, {"say": "I am Bob"}, LISTEN, {"hangUp": True}]

    async def main() -> None:
        options = {"model": {"timeoutSeconds": 0.5}}
        async with at_work(tmp_path, failure, steps=steps, **options) as call:
            record = await call.made()
            assert said(record)[-1] == ("bot", "Sorry, I cannot answer that right now.")

    anyio.run(main)
    assert "responder of voicecall_responder_model gave no reply" in caplog.text
    assert "responders.model" in caplog.text
    for secret in (KEY, "I am Bob", BOB):
        assert secret not in caplog.text


def test_a_missing_key_stops_the_start_and_names_key_and_variable(tmp_path: Path) -> None:
    from voicecall.errors import ConfigError

    async def main() -> None:
        async with at_work(tmp_path, steps=[], model={"apiKey": None}):
            raise AssertionError("must not start")

    with pytest.raises(BaseExceptionGroup) as stopped:
        anyio.run(main)
    (error,) = stopped.value.exceptions
    assert isinstance(error, ConfigError)
    assert "responders.model.apiKey" in error.message and "OPENAI_API_KEY" in error.message
