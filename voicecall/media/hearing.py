"""How does the caller's audio reach recognition, whatever happens to either of them?"""

from __future__ import annotations

import logging
from collections import deque

import anyio.lowlevel

from voicecall.errors import SpeechError
from voicecall.media.convert import Converter, silence
from voicecall.media.counters import MediaCounters
from voicecall.media.notice import Notice
from voicecall.model.media import FRAME_SECONDS, AudioFormat
from voicecall.sdk.clock import Clock
from voicecall.sdk.stt import SttBackend, TranscriptSink

FIRST_RETRY_SECONDS = 0.25
LONGEST_RETRY_SECONDS = 5.0
STEADY_SECONDS = 10.0
"""Recognition that took so much was well; the next loss is retried quickly again."""
DEAF_SECONDS = 30.0
"""Call seconds, and real ones, after which recognition that was not well again is given up."""


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
        self._taken = 0
        self._closed = False
        self._changed = Notice()

    @property
    def taken_seconds(self) -> float:
        """How much was taken so far."""
        return self._taken * FRAME_SECONDS

    def push(self, data: bytes) -> None:
        """Add audio; never waits."""
        self._pieces.append(data)
        self._size += len(data)
        while self._size > self._limit:
            dropped = len(self._pieces.popleft())
            self._size -= dropped
            self._counters.dropped_audio_ms += 1000 * dropped / self._source.bytes_per_second
        self._changed.give()

    @property
    def ended(self) -> bool:
        """Whether it was closed and everything was taken."""
        return self._closed and not self._pieces and not self._converted

    def close(self) -> None:
        """No more audio comes."""
        self._closed = True
        self._changed.give()

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
        self._taken += 1
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


async def hear(
    audio: AudioQueue,
    stt: SttBackend,
    out: TranscriptSink,
    *,
    clock: Clock,
    counters: MediaCounters,
    logger: logging.Logger,
) -> str | None:
    """Recognise `audio` to its end; a lost recogniser is asked again, ever less often.

    Returns:
        Why the caller is heard no more, when it says that trying again is of no use, or has been
        lost for `DEAF_SECONDS`; None at the end of `audio`.
    """
    delay, lost_from = FIRST_RETRY_SECONDS, clock.now()
    while not audio.ended:
        taken, error = audio.taken_seconds, None
        try:
            await stt.transcribe(audio, out)
        except SpeechError as failure:
            counters.recognition_failures += 1
            error = failure
        except (Exception, SystemExit) as failure:
            counters.recognition_failures += 1
            package = type(stt).__module__.partition(".")[0]
            logger.exception("an STT backend is broken", extra={"stt": package})
            error = SpeechError(
                f"STT backend of {package} is broken ({type(failure).__name__}); "
                "report it to its author",
                retryable=True,
            )
        if audio.taken_seconds - taken >= STEADY_SECONDS:
            delay, lost_from = FIRST_RETRY_SECONDS, clock.now()
        if error is not None:
            lasts = clock.now() - lost_from >= DEAF_SECONDS * max(1.0, clock.scale)
            if lasts or not error.retryable:
                logger.error("speech recognition failed for good", extra={"error": str(error)})
                return str(error)
            logger.warning("speech recognition was lost", extra={"error": str(error)})
        if audio.ended:
            return None
        counters.recognition_restarts += 1
        await clock.sleep(delay)
        delay = min(2 * delay, LONGEST_RETRY_SECONDS)
    return None
