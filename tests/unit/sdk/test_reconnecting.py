"""Does recognition outlive its connections, give up when it has to, and say what was lost?"""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Sequence

import anyio
import anyio.lowlevel
import pytest

from voicecall.sdk import ReconnectingStream, SpeechError

LOST = SpeechError("the line is cut", retryable=True)
WRONG_KEY = SpeechError("the key is wrong")
FRAMES = [bytes([number]) * 160 for number in range(1, 6)]


class Played(ReconnectingStream):
    """Takes one frame a connection and then meets the next of `ends`; None: takes them all."""

    def __init__(self, *ends: SpeechError | None, progress: bool = True, stands: bool = True):
        super().__init__(
            vendor="Acme", retry_seconds=(0.0, 0.0), logger=logging.getLogger("voicecall.acme")
        )
        self.ends = list(ends)
        self.progress = progress
        self.stands = stands
        self.heard: list[list[bytes]] = []
        self.finished = 0

    async def converse(self) -> SpeechError | None:
        end = self.ends.pop(0)
        if not self.stands:
            return end
        self.connected()
        self.heard.append([])
        while (frame := await self.next_frame()) is not None:
            self.heard[-1].append(frame)
            if end is not None:
                break
        if self.progress:
            self.progressed()
        return end

    async def finish(self) -> None:
        self.finished += 1


async def said(frames: Sequence[bytes]) -> AsyncIterator[bytes]:
    for frame in frames:
        yield frame


async def settle() -> None:
    """Let everything go on that can go on without waiting."""
    for _ in range(20):
        await anyio.lowlevel.checkpoint()


@pytest.mark.anyio
async def test_a_new_connection_is_sent_what_the_lost_one_did_not_recognise() -> None:
    stream = Played(LOST, None)
    await stream.transcribe(said(FRAMES))
    assert stream.heard == [FRAMES[:1], FRAMES]
    assert stream.finished == 1


@pytest.mark.anyio
async def test_every_lost_connection_is_told(caplog: pytest.LogCaptureFixture) -> None:
    await Played(LOST, LOST, None).transcribe(said(FRAMES))
    assert [record.getMessage() for record in caplog.records] == ["Acme is connected anew"] * 2
    assert caplog.records[0].__dict__["error"] == "the line is cut"
    assert caplog.records[0].__dict__["lost_seconds"] == 0


@pytest.mark.anyio
async def test_attempts_without_any_progress_come_to_an_end() -> None:
    stream = Played(*[LOST] * 3, progress=False)
    with pytest.raises(SpeechError, match="cut"):
        await stream.transcribe(said(FRAMES))
    assert stream.ends == [] and stream.finished == 1


@pytest.mark.anyio
async def test_progress_gives_new_attempts() -> None:
    stream = Played(*[LOST] * 5, None)
    await stream.transcribe(said(FRAMES))
    assert len(stream.heard) == 6


@pytest.mark.anyio
async def test_a_permanent_fault_is_not_tried_again() -> None:
    stream = Played(LOST, WRONG_KEY, None)
    with pytest.raises(SpeechError, match="key"):
        await stream.transcribe(said(FRAMES))
    assert stream.ends == [None] and stream.finished == 1


@pytest.mark.anyio
async def test_a_first_connection_that_does_not_come_about_is_for_the_kernel_to_try_again() -> None:
    stream = Played(LOST, None, stands=False)
    with pytest.raises(SpeechError) as caught:
        await stream.transcribe(said(FRAMES))
    assert caught.value.retryable and stream.ends == [None]


@pytest.mark.anyio
async def test_frames_are_not_taken_while_there_is_no_connection() -> None:
    tried = anyio.Event()

    class Cut(Played):
        async def converse(self) -> SpeechError | None:
            if len(self.ends) == 1:  # the second attempt hangs
                await settle()
                tried.set()
                await anyio.sleep_forever()
            return await super().converse()

    taken: list[bytes] = []

    async def source() -> AsyncIterator[bytes]:
        for frame in FRAMES:
            taken.append(frame)
            yield frame

    async with anyio.create_task_group() as group:
        group.start_soon(Cut(LOST, None).transcribe, source())
        with anyio.fail_after(10):
            await tried.wait()
        group.cancel_scope.cancel()
    assert taken == FRAMES[:2]  # one sent, one in the hand


def test_messages_that_cannot_be_read_are_counted_and_bounded(
    caplog: pytest.LogCaptureFixture,
) -> None:
    stream = Played()
    assert not any(stream.unreadable("KeyError") for _ in range(19))
    assert stream.unreadable("KeyError")
    assert len(caplog.records) == 1
    stream.progressed()
    assert not stream.unreadable("KeyError")
    assert caplog.records[-1].__dict__["skipped"] == 21
