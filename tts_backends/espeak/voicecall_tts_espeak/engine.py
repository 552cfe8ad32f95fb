"""How is libespeak-ng driven? One engine a process, one synthesis at a time, through ctypes.

Functions and constants: ``speak_lib.h`` of espeak-ng 1.52.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from threading import Lock
from typing import Any

import espeakng_loader  # type: ignore[import-untyped]

from voicecall.sdk import SpeechError

PIECE_MS = 100
"""How much sound espeak-ng hands out at once; what a cancelled synthesis still makes."""

_AUDIO_OUTPUT_SYNCHRONOUS = 2
_DO_NOT_EXIT = 0x8000
_CHARS_UTF8 = 1
_END_PAUSE = 0x1000
_RATE, _VOLUME, _PITCH = 1, 2, 3
_OK = 0

_Callback = ctypes.CFUNCTYPE(
    ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.c_void_p
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Voice:
    """How to speak: candidates for the voice's name, best first, and its parameters."""

    names: tuple[str, ...]
    speed: int
    pitch: int
    volume: int


class Engine:
    """The library and its global state. Methods block, and may be called from any thread."""

    def __init__(self) -> None:
        # Python's own lock: the library belongs to the process, not to one event loop.
        self._lock = Lock()
        self._voice: Voice | None = None
        self._take: Callable[[bytes], bool] = lambda piece: False
        self._data = Path(espeakng_loader.get_data_path())
        self._library, self.rate = _load(self._data)
        self._callback = _Callback(self._receive)
        self._library.espeak_SetSynthCallback(self._callback)

    def load(self, voice: Voice) -> None:
        """Make `voice` ready; the first load of a voice takes some 50 ms.

        Raises:
            SpeechError: espeak-ng has no voice of these names.
        """
        with self._lock:
            self._use(voice)

    def speak(self, text: str, voice: Voice, take: Callable[[bytes], bool]) -> None:
        """Give the sound of `text` to `take`: 16-bit PCM at `rate` Hz; returns at its end.

        Args:
            text: without NUL; markup is read out like any other text.
            voice: how to speak.
            take: called in this thread with each piece; False stops the synthesis.

        Raises:
            SpeechError: no such voice, or the library failed.
        """
        encoded = text.encode("utf-8", "replace") + b"\0"
        with self._lock:
            self._use(voice)
            self._take = take
            result = self._library.espeak_Synth(
                encoded, len(encoded), 0, 0, 0, _CHARS_UTF8 | _END_PAUSE, None, None
            )
        if result != _OK:
            raise SpeechError(f"espeak-ng failed with status {result:#x}", retryable=True)

    def _receive(self, samples: Any, count: int, events: Any) -> int:
        """Called by the library with each piece; 1 makes it stop."""
        if not samples or count <= 0:
            return 0
        return 0 if self._take(ctypes.string_at(samples, 2 * count)) else 1

    def _use(self, voice: Voice) -> None:
        if voice == self._voice:
            return
        self._voice = None
        if not any(self._set_name(name) for name in voice.names):
            raise SpeechError(
                f"espeak-ng has no voice {voice.names[0]!r}; set `voice` to a language such as "
                "'en-us', 'de' or 'fr', optionally with a speaker such as '+f3'"
            )
        self._library.espeak_SetParameter(_RATE, voice.speed, 0)
        self._library.espeak_SetParameter(_PITCH, voice.pitch, 0)
        self._library.espeak_SetParameter(_VOLUME, voice.volume, 0)
        self._voice = voice

    def _set_name(self, name: str) -> bool:
        # The library ignores a speaker that it does not have.
        _, _, speaker = name.partition("+")
        if speaker and not (self._data / "voices" / "!v" / speaker).is_file():
            return False
        return int(self._library.espeak_SetVoiceByName(name.encode())) == _OK


@cache
def engine() -> Engine:
    """The process's engine; stays loaded until the process ends.

    Raises:
        SpeechError: the library cannot be loaded.
    """
    return Engine()


def _load(data: Path) -> tuple[ctypes.CDLL, int]:
    try:
        library = ctypes.CDLL(espeakng_loader.get_library_path())
    except OSError as error:
        raise SpeechError(
            f"libespeak-ng cannot be loaded ({error}); reinstall espeakng-loader"
        ) from error
    library.espeak_Synth.argtypes = [
        ctypes.c_char_p,
        ctypes.c_size_t,
        ctypes.c_uint,
        ctypes.c_int,
        ctypes.c_uint,
        ctypes.c_uint,
        ctypes.POINTER(ctypes.c_uint),
        ctypes.c_void_p,
    ]
    rate = library.espeak_Initialize(
        _AUDIO_OUTPUT_SYNCHRONOUS, PIECE_MS, str(data).encode(), _DO_NOT_EXIT
    )
    if rate <= 0:
        raise SpeechError(f"espeak-ng cannot read its data in {str(data)!r}; reinstall it")
    return library, int(rate)
