"""Does a call end with a spoken reason, or go on, when what speaks, hears or answers fails?"""

from __future__ import annotations

from typing import Any

import anyio
import pytest

from voicecall.calls.replies import APOLOGY, UNHEARD
from voicecall.model.call import CallMode, CallState
from voicecall_stt_deepgram.testing import KEY, Behaviour, deepgram_double
from voicecall_tts_openai.testing import KEY as VOICE_KEY
from voicecall_tts_openai.testing import Answer, speech_double

pytestmark = pytest.mark.anyio

BOB = "+15550002222"
REFUSED = [Behaviour(status=401, code="INVALID_AUTH")] * 4
LISTEN = {"listen": True, "timeoutMs": 30_000}


def bob(*steps: Any, **mock: Any) -> dict[str, Any]:
    return {"mock": {"phones": {BOB: {"answerAfterMs": 100, "steps": list(steps)}}, **mock}}


def ears(url: str) -> dict[str, Any]:
    deepgram = {"apiKey": KEY, "baseUrl": url}
    return {"streaming": {"provider": "deepgram", "providers": {"deepgram": deepgram}}}


async def test_a_key_that_recognition_does_not_take_ends_a_conversation_with_a_reason(
    start: Any, caplog: Any
) -> None:
    async with (
        deepgram_double(*REFUSED) as (_, url),
        start(bob(LISTEN, {"say": "hello?"}, LISTEN) | ears(url)) as gateway,
    ):
        call_id = await gateway.call("Hello, how can I help?")
        record = await gateway.until_over(call_id)
        heard = " ".join(await gateway.heard_by_phone(call_id))
    assert heard == f"Hello, how can I help? {UNHEARD}"
    assert record.state is CallState.ERROR
    assert "DEEPGRAM_API_KEY" in record.end_detail
    assert record.transcript[-1].text == UNHEARD
    assert KEY not in caplog.text


async def test_a_message_is_delivered_though_nobody_could_hear_an_answer(start: Any) -> None:
    async with (
        deepgram_double(*REFUSED) as (_, url),
        start(bob(LISTEN) | ears(url)) as gateway,
    ):
        call_id = await gateway.call("The pizza is ready", mode=CallMode.NOTIFY)
        record = await gateway.until_over(call_id)
        assert await gateway.heard_by_phone(call_id) == ["The pizza is ready"]
    assert record.state is CallState.COMPLETED


async def test_a_voice_that_breaks_off_costs_its_sentence_and_not_the_call(start: Any) -> None:
    """The reply breaks off after a tenth of a second; the next one is spoken whole."""
    lines = [
        {"match": "first", "say": "This is cut."},
        {"match": "second", "say": "This is whole."},
    ]
    script = {"responder": "scripted", "responders": {"scripted": {"lines": lines}}}
    steps = (LISTEN, {"say": "first"}, {"wait": 4000}, {"say": "second"}, LISTEN)
    answers = [Answer(), Answer(), Answer(cut_after=4800)]
    async with speech_double(*answers) as (double, url):
        openai = {"apiKey": VOICE_KEY, "baseUrl": url, "model": "gpt-4o-mini-tts"}
        voice = {"tts": {"provider": "openai", "providers": {"openai": openai}}}
        async with start(bob(*steps, {"hangUp": True}) | voice | script) as gateway:
            call_id = await gateway.call("Hello.")
            record = await gateway.until_over(call_id)
    ours = {line.text: line.heard for line in record.transcript if line.speaker == "bot"}
    assert record.state is CallState.HANGUP_USER
    assert ours["This is whole."] is None
    assert ours.get("This is cut.", "") != "This is cut."
    assert double.asked.count("This is cut.") == 1
    assert [line.text for line in record.transcript if line.speaker == "user"] == [
        "first",
        "second",
    ]


async def test_a_model_that_does_not_answer_is_apologised_for_and_the_call_goes_on(
    start: Any,
) -> None:
    async def never(stream: Any) -> None:
        async with stream:
            await anyio.sleep_forever()

    listener = await anyio.create_tcp_listener(local_host="127.0.0.1")
    port = listener.listeners[0].extra(anyio.abc.SocketAttribute.local_port)
    steps = (LISTEN, {"say": "hello?"}, LISTEN, {"say": "still there?"}, LISTEN, {"hangUp": True})
    http = {"responders": {"http": {"url": f"http://127.0.0.1:{port}/"}}, "responder": "http"}
    async with listener, anyio.create_task_group() as tasks:
        tasks.start_soon(listener.serve, never)
        async with start(bob(*steps) | http | {"responseTimeoutMs": 400}) as gateway:
            call_id = await gateway.call("Hello.")
            record = await gateway.until_over(call_id)
        tasks.cancel_scope.cancel()
    assert record.state is CallState.HANGUP_USER
    said = [line.text for line in record.transcript]
    assert said == ["Hello.", "hello?", APOLOGY, "still there?", APOLOGY]
