"""How is a call recorded? As a stereo WAV file, the caller left, us right, as each was heard."""

from __future__ import annotations

import logging
import os
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import BinaryIO, Protocol

import anyio
import numpy as np

from voicecall.media.convert import Converter, decode
from voicecall.media.g711 import Samples
from voicecall.model.media import PCM16_8K, Audio
from voicecall.sdk.clock import Clock

logger = logging.getLogger(__name__)

SETTLED_SECONDS = 2.0
"""How far behind now the file is written: until then audio may come late or be cleared."""
CALLER_JITTER_SECONDS = 0.2
"""The caller's frames arrive unevenly; they are placed anew only when they are further off."""

_RATE = PCM16_8K.rate
_FRAME_BYTES = 4


class Tap(Protocol):
    """Listens in on a session. `at` is in call seconds; nothing here waits."""

    def caller(self, audio: Audio, at: float) -> None:
        """The caller's audio, arrived at `at`."""
        ...

    def us(self, audio: Audio, at: float) -> None:
        """Our audio, in the caller's ear from `at` on."""
        ...

    def cleared(self, at: float) -> None:
        """What of ours was to be heard after `at` was not."""
        ...


class Taps:
    """Several listeners as one `Tap`."""

    def __init__(self, *taps: Tap) -> None:
        self._taps = taps

    def caller(self, audio: Audio, at: float) -> None:
        """The caller's audio, arrived at `at`."""
        for tap in self._taps:
            tap.caller(audio, at)

    def us(self, audio: Audio, at: float) -> None:
        """Our audio, in the caller's ear from `at` on."""
        for tap in self._taps:
            tap.us(audio, at)

    def cleared(self, at: float) -> None:
        """What of ours was to be heard after `at` was not."""
        for tap in self._taps:
            tap.cleared(at)


@asynccontextmanager
async def recording(path: Path, clock: Clock) -> AsyncIterator[Tap]:
    """Record to `path` (mode 0600), 8000 Hz, 16 bits, until the context ends.

    The file is a whole WAV file every second, so that a crash costs no more than the last ones.

    Raises:
        OSError: the file cannot be written.
    """
    recorder = StereoRecorder(clock.now())
    file = await anyio.to_thread.run_sync(_create, path)
    try:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(_write_on, recorder, file, clock)
            yield recorder
            tasks.cancel_scope.cancel()
    finally:
        with anyio.CancelScope(shield=True):
            await _write(file, recorder.take(None))
            await anyio.to_thread.run_sync(file.close)


class StereoRecorder:
    """A `Tap` that keeps both sides on one time line until they are taken.

    Args:
        began: the moment of the first sample, in call seconds.
    """

    def __init__(self, began: float) -> None:
        self._origin = began
        self._taken = 0
        self._caller = _Side(jitter=CALLER_JITTER_SECONDS)
        self._us = _Side(jitter=0.0)

    def caller(self, audio: Audio, at: float) -> None:
        """The caller's audio follows itself; after a pause in the stream the clock places it."""
        self._caller.add(audio, self._position(at - audio.seconds))

    def us(self, audio: Audio, at: float) -> None:
        """Our audio, from `at` on."""
        self._us.add(audio, self._position(at))

    def cleared(self, at: float) -> None:
        """Forget what was not heard."""
        self._us.cut(self._position(at))

    def take(self, until: float | None) -> bytes:
        """Interleaved samples up to the moment `until`, None: everything; each only once."""
        end = max(self._caller.end, self._us.end)
        if until is not None:
            end = self._position(until)
        count = max(0, end - self._taken)
        stereo = np.stack(
            [side.take(self._taken, count) for side in (self._caller, self._us)], axis=1
        )
        self._taken += count
        return stereo.astype("<i2").tobytes()

    def _position(self, at: float) -> int:
        return round((at - self._origin) * _RATE)


class _Side:
    """One side's samples on the time line, silence where there are none."""

    def __init__(self, *, jitter: float) -> None:
        self._jitter = round(jitter * _RATE)
        self._pieces: list[tuple[int, Samples]] = []
        self._converter: Converter | None = None
        self.end = 0

    def add(self, audio: Audio, position: int) -> None:
        if self._converter is None:
            self._converter = Converter(audio.format, PCM16_8K)
        samples = decode(self._converter.feed(audio.data), PCM16_8K.encoding)
        begin = self.end if abs(position - self.end) <= self._jitter else max(0, position)
        self._pieces.append((begin, samples))
        self.end = begin + len(samples)

    def cut(self, position: int) -> None:
        self._pieces = [
            (begin, samples[: position - begin])
            for begin, samples in self._pieces
            if begin < position
        ]
        self.end = min(self.end, max(0, position))

    def take(self, begin: int, count: int) -> Samples:
        line = np.zeros(count, np.int16)
        for at, samples in self._pieces:
            first, last = max(at, begin), min(at + len(samples), begin + count)
            if first < last:
                line[first - begin : last - begin] = samples[first - at : last - at]
        end = begin + count
        self._pieces = [piece for piece in self._pieces if piece[0] + len(piece[1]) > end]
        return line


async def _write_on(recorder: StereoRecorder, file: BinaryIO, clock: Clock) -> None:
    while True:
        await anyio.sleep(1.0)
        await _write(file, recorder.take(clock.now() - SETTLED_SECONDS))


async def _write(file: BinaryIO, data: bytes) -> None:
    """A recording that cannot be written has holes; the call goes on."""
    try:
        await anyio.to_thread.run_sync(_append, file, data)
    except OSError as error:
        logger.error("a part of a recording is lost", extra={"error": str(error)})


def _create(path: Path) -> BinaryIO:
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
    file = os.fdopen(descriptor, "w+b")
    file.write(_header(0))
    return file


def _append(file: BinaryIO, data: bytes) -> None:
    """Add `data` and say in the header how much there is now."""
    file.seek(0, os.SEEK_END)
    file.write(data)
    size = file.tell() - len(_header(0))
    file.seek(0)
    file.write(_header(size))
    file.flush()


def _header(size: int) -> bytes:
    """The 44 bytes before `size` bytes of samples (RIFF WAVE, PCM, two channels)."""
    return struct.pack(
        "<4sI4s4sIHHIIHH4sI",
        b"RIFF",
        36 + size,
        b"WAVE",
        b"fmt ",
        16,
        1,
        2,
        _RATE,
        _RATE * _FRAME_BYTES,
        _FRAME_BYTES,
        16,
        b"data",
        size,
    )
