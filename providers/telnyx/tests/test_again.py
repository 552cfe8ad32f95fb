"""Is a command that Telnyx did not take given again, and only where it cannot be done twice?"""

import json
from collections.abc import Sequence
from typing import Any

import pytest

from voicecall.sdk import (
    CarrierCall,
    CarrierError,
    CarrierRateLimited,
    CarrierRejected,
    CarrierUnreachable,
    Gather,
    Instruction,
    Live,
    OpenStream,
    Say,
    SendDigits,
    StreamToken,
    TurnToken,
)
from voicecall_conformance import Commanded, RestAnswer, RestRequest
from voicecall_conformance.rig import Rig, rigged
from voicecall_telnyx.testing import TelnyxHarness

A, B = TurnToken("turn-a"), TurnToken("turn-b")
KEYS: list[Instruction] = [SendDigits(digits="1")]
STREAM = OpenStream(url="wss://voice.example.test/s/token", token=StreamToken("token"))


def problem(status: int, code: str, title: str, **headers: str) -> RestAnswer:
    body = json.dumps({"errors": [{"code": code, "title": title, "detail": title}]}).encode()
    return RestAnswer(status=status, body=body, headers=headers)


BROKEN = problem(503, "10007", "Unexpected error")
BUSY = problem(429, "10011", "Too many requests")
RUNNING = problem(422, "90046", "Media streaming already started")


class Troubled(TelnyxHarness):
    """A Telnyx that answers the next requests of one command otherwise.

    Args:
        command: its name.
        instead: the answers; a command that is answered so was not done, unless it is `done`.
        done: whether it was done all the same.
    """

    def __init__(self, command: str, *instead: RestAnswer, done: bool = False) -> None:
        super().__init__()
        self._command = command
        self._instead = list(instead)
        self._was_done = done

    def answer(self, request: RestRequest) -> RestAnswer:
        if not request.path.endswith(f"/{self._command}") or not self._instead:
            return super().answer(request)
        if self._was_done:
            super().answer(request)
        return self._instead.pop(0)


async def call_up(rig: Rig) -> CarrierCall:
    call = await rig.place()
    rig.harness.set_status(rig.carrier_call_id, Live(answered=True))
    return call


def given(rig: Rig) -> list[tuple[str, Any]]:
    """The commands that were sent, each with its id."""
    sent = [each for each in rig.requests if "/actions/" in each.path]
    return [(each.path.rpartition("/")[2], json.loads(each.body)["command_id"]) for each in sent]


def done(rig: Rig) -> list[Instruction]:
    return [each for entry in rig.entries(Commanded) for each in entry.instructions]


@pytest.mark.anyio
@pytest.mark.parametrize("was_done", [False, True])
@pytest.mark.parametrize("troubles", [[BROKEN], [BUSY], [BUSY, BROKEN]])
async def test_a_command_that_nobody_confirmed_is_given_again_and_done_once(
    troubles: Sequence[RestAnswer], was_done: bool
) -> None:
    async with rigged(Troubled("send_dtmf", *troubles, done=was_done)) as rig:
        await rig.provider.command(await call_up(rig), KEYS)
        assert len(given(rig)) == len(troubles) + 1
        assert len(set(given(rig))) == 1
        assert done(rig) == KEYS


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("troubles", "error", "tries"),
    [
        ([BROKEN] * 5, CarrierUnreachable, 3),
        ([BUSY] * 5, CarrierRateLimited, 3),
        ([problem(429, "10011", "Too many requests", **{"retry-after": "30"})],
         CarrierRateLimited, 1),
        ([problem(422, "10015", "Bad Request")], CarrierRejected, 1),
        ([BROKEN, problem(422, "90034", "Not now")], CarrierUnreachable, 2),
        ([BUSY, problem(422, "10015", "Bad Request")], CarrierRejected, 2),
    ],
    ids=["broken", "busy", "long-wait", "refused", "perhaps-done", "refused-later"],
)  # fmt: skip
async def test_what_cannot_be_given_again_is_the_error_that_it_means(
    troubles: Sequence[RestAnswer], error: type[CarrierError], tries: int
) -> None:
    async with rigged(Troubled("send_dtmf", *troubles)) as rig:
        with pytest.raises(error):
            await rig.provider.command(await call_up(rig), KEYS)
        assert len(given(rig)) == tries


@pytest.mark.anyio
async def test_a_dial_is_never_given_again() -> None:
    async with rigged(Troubled("calls", BROKEN)) as rig:
        with pytest.raises(CarrierUnreachable):
            await rig.place()
        assert [each.path for each in rig.requests] == ["/v2/calls"]


@pytest.mark.anyio
async def test_a_text_that_was_said_is_no_failure_because_recognition_goes_on() -> None:
    """Else the kernel takes it for unsaid, and the caller's transcript lacks it."""
    async with rigged(Troubled("transcription_stop", *[BROKEN] * 3)) as rig:
        call = await call_up(rig)
        await rig.provider.command(call, [Gather(turn=A, timeout_seconds=8)])
        prompt: list[Instruction] = [Say(text="Next?", turn=B), Gather(turn=B, timeout_seconds=8)]
        await rig.provider.command(call, prompt)
        names = [name for name, _ in given(rig)]
        assert names == ["transcription_start", "speak", *["transcription_stop"] * 4,
                         "transcription_start"]  # fmt: skip


@pytest.mark.anyio
async def test_a_stream_that_telnyx_closes_slowly_is_opened_when_it_has() -> None:
    async with rigged(Troubled("streaming_start", *[RUNNING] * 3)) as rig:
        await rig.provider.command(await call_up(rig), [STREAM])
        names = [name for name, _ in given(rig)]
        assert names == ["streaming_start", "streaming_stop"] * 3 + ["streaming_start"]
