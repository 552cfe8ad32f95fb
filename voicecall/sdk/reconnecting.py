"""How does recognition outlive its connections? Lost ones are replaced, nothing is said twice."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from logging import Logger

import anyio
from anyio.abc import ObjectReceiveStream, ObjectSendStream

from voicecall.errors import SpeechError
from voicecall.sdk.stt import AudioSource
from voicecall.sdk.unheard import UnheardAudio

MOST_UNREADABLE = 20
"""Messages in a row that cannot be read, after which the connection is given up."""


class ReconnectingStream(ABC):
    """One caller's audio, recognised by a vendor over one connection after another.

    A subclass says how one connection goes (`converse`), and how what was begun ends
    (`finish`). It calls `connected` when a connection stands, sends what `next_frame` gives,
    tells `unheard` what is recognised, calls `progressed` when anything was, and `unreadable`
    for each message that is none. While there is no connection, audio is left in its source,
    which is bounded and counts what it drops.

    Args:
        vendor: its name, for messages.
        retry_seconds: real seconds before each attempt to replace a lost connection; anything
            that is recognised lets them begin anew.
        logger: gets a line for each lost connection, with the `error` and the `lost_seconds` of
            audio that will never be recognised, and one for the first message in a row that
            cannot be read, with the `reason` and how many were `skipped` in all.
    """

    def __init__(self, *, vendor: str, retry_seconds: Sequence[float], logger: Logger) -> None:
        self.unheard = UnheardAudio()
        self._vendor = vendor
        self._retry_seconds = retry_seconds
        self._logger = logger
        self._frames: ObjectReceiveStream[bytes]
        self._was_connected = False
        self._progress = False
        self._skipped = 0
        self._skipped_in_a_row = 0

    @abstractmethod
    async def converse(self) -> SpeechError | None:
        """One connection's life.

        Returns:
            None when the audio has ended and all words are there, else why the connection is
            lost, or did not come about.
        """

    @abstractmethod
    async def finish(self) -> None:
        """End what was begun with what is known; nothing more will be heard."""

    async def transcribe(self, audio: AudioSource) -> None:
        """Recognise `audio` to its end.

        Raises:
            SpeechError: there is no connection, and none can be had; what was begun is finished.
        """
        sender, self._frames = anyio.create_memory_object_stream[bytes](0)
        # A task of its own asks for frames: a lost connection must not cancel in there.
        async with sender, self._frames, anyio.create_task_group() as tasks:
            tasks.start_soon(_pass_on, audio, sender)
            error = await self._recognise()
            tasks.cancel_scope.cancel()
        await self.finish()
        if error is not None:
            raise error

    def connected(self) -> None:
        """A connection stands: everything that was not recognised is to be sent over it."""
        self._was_connected = True
        self._skipped_in_a_row = 0
        self.unheard.reconnect()

    def progressed(self) -> None:
        """Something was recognised: the connection is a good one."""
        self._progress = True
        self._skipped_in_a_row = 0

    def unreadable(self, reason: str) -> bool:
        """Pass over a message; whether there were so many that the connection is of no use.

        Args:
            reason: what is wrong with it, safe to show.
        """
        self._skipped += 1
        self._skipped_in_a_row += 1
        if self._skipped_in_a_row == 1:
            self._logger.warning(
                f"{self._vendor} sent what cannot be read; it is passed over",
                extra={"reason": reason, "skipped": self._skipped},
            )
        return self._skipped_in_a_row >= MOST_UNREADABLE

    async def next_frame(self) -> bytes | None:
        """The next frame to send over this connection; None: the audio has ended."""
        if self.unheard.caught_up:
            try:
                self.unheard.add(await self._frames.receive())
            except anyio.EndOfStream:
                return None
        return self.unheard.take()

    async def _recognise(self) -> SpeechError | None:
        """One connection after another; returns why there cannot be another one."""
        delays = iter(self._retry_seconds)
        while (error := await self.converse()) is not None:
            if self._progress:
                delays, self._progress = iter(self._retry_seconds), False
            delay = next(delays, None) if error.retryable and self._was_connected else None
            if delay is None:
                return error
            self._logger.warning(
                f"{self._vendor} is connected anew",
                extra={"error": str(error), "lost_seconds": self.unheard.lost_seconds},
            )
            await anyio.sleep(delay)
        return None


async def _pass_on(audio: AudioSource, frames: ObjectSendStream[bytes]) -> None:
    async with frames:
        async for frame in audio:
            await frames.send(frame)
