"""What becomes of one thing to say: its audio as it is made, what was played of it, its end."""

from __future__ import annotations

from collections.abc import Callable

import anyio

from voicecall.calls.line import Speech, Spoken
from voicecall.media.convert import Converter, silence
from voicecall.media.notice import Notice
from voicecall.model.media import FRAME_SECONDS, Audio, AudioFormat
from voicecall.sdk.clock import Clock

BUFFER_SECONDS = 30.0
"""Audio of one utterance that is made ahead of its playback; then the backend waits."""
KEPT_SECONDS = 15.0
"""Audio that was sent and is kept, so that it can be sent again."""
TEXT_SECONDS_PER_CHARACTER = 1 / 15
"""How long text takes to speak, for a cut utterance whose audio was not made whole."""


class Job:
    """One queued `Speech`: the synthesiser writes audio into it, the player takes frames.

    Args:
        speech: what to say.
        format: what the media stream carries.
        clock: dates the first audio.
    """

    def __init__(self, speech: Speech, format: AudioFormat, clock: Clock) -> None:
        self.speech = speech
        self.scope = anyio.CancelScope()
        self.marked_seconds = 0.0
        self.plays_until = 0.0
        self.all_sent = False
        self.resumed = False
        self.first_audio_at: float | None = None
        self.first_frame_at: float | None = None
        self.first_heard_at: float | None = None
        self._format = format
        self._clock = clock
        self._converter: Converter | None = None
        self._audio = bytearray()
        self._dropped = 0
        self._made_bytes = 0
        self._sent_frames = 0
        self._on_air = False
        self._complete = False
        self._whole = False
        self._failed: str | None = None
        self._changed = Notice()
        self._spoken: Spoken | None = None
        self._settled = anyio.Event()

    @property
    def outcome(self) -> Spoken | None:
        """What became of it, None while that is open."""
        return self._spoken

    @property
    def settled(self) -> bool:
        """Whether its end is known."""
        return self._spoken is not None

    @property
    def sent_seconds(self) -> float:
        """How much of it was sent, from its beginning."""
        return self._sent_frames * FRAME_SECONDS

    @property
    def audible(self) -> bool:
        """Whether some of it is on its way to the caller's ear, or there."""
        return self._on_air and not self.settled

    async def played(self) -> Spoken:
        """Wait until it was heard, cut or failed."""
        while self._spoken is None:
            await self._settled.wait()
        return self._spoken

    async def write(self, audio: Audio) -> None:
        """Take audio from the synthesiser; waits while `BUFFER_SECONDS` are ahead."""
        if self._converter is None:
            self.first_audio_at = self._clock.wall()
            self._converter = Converter(audio.format, self._format)
        self._extend(self._converter.feed(audio.data))
        while self._ahead > BUFFER_SECONDS * self._format.bytes_per_second:
            await self._changed.wait()

    def complete(self, failed: str | None = None) -> None:
        """No more audio comes; `failed` says why when it is not the whole."""
        if self._converter is not None:
            self._extend(self._converter.flush())
        self._failed = failed
        self._whole = failed is None
        self._complete = True
        self._changed.give()

    async def next_frame(self, wanted: Callable[[], bool]) -> bytes | None:
        """The next 20 ms, the last ones filled up with silence; the same until it was `sent`.

        None: there are no more, or, after `wake`, it is not `wanted` any more.
        """
        size = self._format.frame_bytes
        while self._ahead < size and not self._complete and not self.settled and wanted():
            await self._changed.wait()
        if self.settled or self._ahead <= 0 or not wanted():
            return None
        begin = self._sent_frames * size - self._dropped
        frame = bytes(self._audio[begin : begin + size])
        return frame + silence(self._format, size - len(frame))

    def wake(self) -> None:
        """Let who waits for a frame look whether it is wanted still."""
        self._changed.give()

    def sent(self, plays_until: float) -> None:
        """The next frame left; the caller hears its end at `plays_until`, in call seconds."""
        self._sent_frames += 1
        self._on_air = True
        self.plays_until = plays_until
        old = int((self.sent_seconds - KEPT_SECONDS) * self._format.bytes_per_second)
        if old > self._dropped + self._format.bytes_per_second:
            del self._audio[: old - self._dropped]
            self._dropped = old
        self._changed.give()

    def take_back(self, heard_seconds: float, overlap: float) -> None:
        """What was sent will not be played after `heard_seconds`; it goes on `overlap` earlier,
        so that no word is lost whatever our guess is worth."""
        frame = self._format.frame_bytes
        wanted = int(max(0.0, heard_seconds - overlap) / FRAME_SECONDS)
        self._sent_frames = max(wanted, -(-self._dropped // frame))
        self.marked_seconds = max(self.marked_seconds, heard_seconds)
        self.all_sent = self._on_air = False
        self.resumed = True

    def settle(self, heard_seconds: float | None = None) -> None:
        """Its end is known. `heard_seconds` None: everything that was made was heard."""
        if self.settled:
            return
        self._spoken = Spoken(
            text=self.speech.text,
            heard=self._heard_text(heard_seconds),
            failed=self._failed,
            first_audio_at=self.first_audio_at,
            first_frame_at=self.first_frame_at,
            first_heard_at=self.first_heard_at if heard_seconds != 0 else None,
        )
        self.scope.cancel()
        self._audio.clear()
        self._settled.set()
        self._changed.give()

    def fail(self, reason: str, heard_seconds: float) -> None:
        """It cannot be spoken to its end."""
        self._failed = self._failed or reason
        self.settle(heard_seconds)

    def _heard_text(self, heard_seconds: float | None) -> str:
        if heard_seconds is None and self._failed is None:
            return self.speech.text
        heard = self.sent_seconds if heard_seconds is None else heard_seconds
        whole = self._made_bytes / self._format.bytes_per_second
        if not self._whole:
            whole = max(whole, len(self.speech.text) * TEXT_SECONDS_PER_CHARACTER)
        return heard_text(self.speech.text, heard / whole if whole else 0.0)

    @property
    def _ahead(self) -> int:
        """Bytes that were made and not sent."""
        sent = self._sent_frames * self._format.frame_bytes
        return self._dropped + len(self._audio) - sent

    def _extend(self, data: bytes) -> None:
        if data and not self.settled:
            self._audio += data
            self._made_bytes += len(data)
            self._changed.give()


def heard_text(text: str, fraction: float) -> str:
    """The words of `text` that were over when `fraction` of its audio had been played."""
    if fraction >= 1:
        return text
    length = max(0, int(len(text) * fraction))
    if not any(character.isspace() for character in text.strip()):
        return text[:length]
    while length and not text[length].isspace():
        length -= 1
    return text[:length].rstrip()
