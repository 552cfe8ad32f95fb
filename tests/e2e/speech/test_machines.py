"""Does a voicemail get the message where no carrier tells machines from people, and nobody else?"""

from __future__ import annotations

from typing import Any

import pytest

from voicecall.model.call import CallMode, CallState

pytestmark = pytest.mark.anyio

BOB = "+15550002222"
MESSAGE = "This is the workshop. Your car is ready, please call back before six o'clock"
LONG = (
    "You have reached the Smith family. We are not at home right now, and we are sorry to miss "
    "your call. If you leave your name and your number, one of us will call you back this evening."
)
SHORT = "Nobody is here. Please leave a message after the tone."
ESPEAK = {"provider": "espeak"}


def detecting(phone: dict[str, Any], **voicemail: Any) -> dict[str, Any]:
    phones = {BOB: {"answerAfterMs": 100} | phone}
    return {"voicemail": {"detect": "greeting", **voicemail}, "mock": {"phones": phones}}


async def left_after_the_beep(gateway: Any, call_id: str) -> list[str]:
    lines = await gateway.phone_lines(call_id)
    beep = next(i for i, line in enumerate(lines) if line["text"] == "beep")
    return [line["text"] for line in lines[beep:] if line["kind"] == "heard"]


async def test_a_message_is_left_after_the_beep_of_a_short_greeting(start: Any) -> None:
    # A starved machine takes its time to read what the phone heard.
    patient = {"outbound": {"notifyHangupDelaySec": 12}}
    short = detecting({"outcome": "voicemail", "greeting": SHORT})
    async with start(short | patient) as gateway:
        call_id = await gateway.call(MESSAGE, mode=CallMode.NOTIFY)
        record = await gateway.until_over(call_id)
        assert (record.state, record.answered_by) == (CallState.VOICEMAIL, "machine")
        assert (await left_after_the_beep(gateway, call_id))[-1].endswith(MESSAGE)


async def test_a_machine_that_talks_on_is_hung_up_on_or_gets_the_message(start: Any) -> None:
    machine = {"outcome": "voicemail", "greeting": LONG, "voice": ESPEAK}
    async with start(detecting(machine)) as gateway:
        await gateway.until_over(
            await gateway.call("Hello?")
        )  # the voice is made for the first time

        talk = await gateway.call("Hello?")
        assert (await gateway.until_over(talk)).state is CallState.VOICEMAIL
        assert not any(line["text"] == "beep" for line in await gateway.phone_lines(talk))

        notice = await gateway.call(MESSAGE, mode=CallMode.NOTIFY)
        record = await gateway.until_over(notice)
        assert (record.state, record.answered_by) == (CallState.VOICEMAIL, "machine")
        assert await left_after_the_beep(gateway, notice) == [MESSAGE]


async def test_a_person_hears_the_message_once_and_is_no_machine(start: Any) -> None:
    steps = [{"wait": 200}, {"say": "Hello, Bob speaking"}, {"listen": True}]
    async with start(detecting({"steps": steps, "voice": ESPEAK})) as gateway:
        call_id = await gateway.call("The pizza is ready", mode=CallMode.NOTIFY)
        record = await gateway.until_over(call_id)
        assert record.state is CallState.COMPLETED
        assert record.answered_by == "human"
        assert await gateway.heard_by_phone(call_id) == ["The pizza is ready"]
