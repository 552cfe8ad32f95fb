"""How does the caller's audio reach recognition, whatever happens to either of them?"""

from __future__ import annotations

import logging
from collections import deque

import anyio
import anyio.lowlevel

from voicecall.errors import SpeechError
from voicecall.media.convert import Converter, silence
from voicecall.media.counters import MediaCounters
from voicecall.model.media import AudioFormat
from voicecall.sdk.clock import Clock
from voicecall.sdk.stt import SttBackend, TranscriptSink

FIRST_RETRY_SECONDS = 0.25
LONGEST_RETRY_SECONDS = 5.0
STEADY_SECONDS = 10.0
"""Recognition that held so long was well; the next loss is retried quickly again."""


class AudioQueue:
    """The caller's audio on its way to recognition; bounded, the oldest is dropped.

    An `AudioSource`: frames of 20 ms in `target`, ending after `close`. A second iteration
    goes on where the first was left, so audio waits while recognition is away.

    Args:
        source: the format of what is pushed.
        target: the format of what comes out.
        limit_seconds: how much may wait.
        counters: counts what is dropped.
    """

    def __init__(
        self,
        *,
        source: AudioFormat,
        target: AudioFormat,
        limit_seconds: float,
        counters: MediaCounters,
    ) -> None:
        self._source = source
        self._target = target
        self._converter = Converter(source, target)
        self._limit = int(limit_seconds * source.bytes_per_second)
        self._counters = counters
        self._pieces: deque[bytes] = deque()
        self._size = 0
        self._converted = bytearray()
        self._closed = False
        self._changed = anyio.Event()

    def push(self, data: bytes) -> None:
        """Add audio; never waits."""
        self._pieces.append(data)
        self._size += len(data)
        while self._size > self._limit:
            dropped = len(self._pieces.popleft())
            self._size -= dropped
            self._counters.dropped_audio_ms += 1000 * dropped / self._source.bytes_per_second
        self._notify()

    @property
    def ended(self) -> bool:
        """Whether it was closed and everything was taken."""
        return self._closed and not self._pieces and not self._converted

    def close(self) -> None:
        """No more audio comes."""
        self._closed = True
        self._notify()

    def __aiter__(self) -> AudioQueue:
        return self

    async def __anext__(self) -> bytes:
        size = self._target.frame_bytes
        await anyio.lowlevel.checkpoint()
        while len(self._converted) < size:
            if self._pieces:
                self._convert(self._pieces.popleft())
            elif self._closed:
                return self._last_frame(size)
            else:
                await self._changed.wait()
        frame = bytes(self._converted[:size])
        del self._converted[:size]
        return frame

    def _convert(self, piece: bytes) -> None:
        self._size -= len(piece)
        self._converted += self._converter.feed(piece)

    def _last_frame(self, size: int) -> bytes:
        self._converted += self._converter.flush()
        if not self._converted:
            raise StopAsyncIteration
        frame = bytes(self._converted[:size])
        del self._converted[:size]
        return frame + silence(self._target, size - len(frame))

    def _notify(self) -> None:
        self._changed.set()
        self._changed = anyio.Event()


async def hear(
    audio: AudioQueue,
    stt: SttBackend,
    out: TranscriptSink,
    *,
    clock: Clock,
    counters: MediaCounters,
    logger: logging.Logger,
) -> None:
    """Recognise `audio` to its end; a lost recogniser is asked again, ever less often.

    Returns early, with an error logged, when it says that trying again is of no use: the call
    goes on unheard.
    """
    delay = FIRST_RETRY_SECONDS
    while not audio.ended:
        began = clock.now()
        try:
            await stt.transcribe(audio, out)
        except SpeechError as error:
            counters.recognition_failures += 1
            if not error.retryable:
                logger.error("speech recognition failed for good", extra={"error": str(error)})
                return
            logger.warning("speech recognition was lost", extra={"error": str(error)})
        if audio.ended:
            return
        counters.recognition_restarts += 1
        if clock.now() - began >= STEADY_SECONDS:
            delay = FIRST_RETRY_SECONDS
        await clock.sleep(delay)
        delay = min(2 * delay, LONGEST_RETRY_SECONDS)
