"""Which models recognise, which of them hear the ends of speech, and when does one end?

https://developers.openai.com/api/docs/deprecations and
https://developers.openai.com/api/docs/guides/realtime-vad, read in November 2026.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from types import MappingProxyType

DEFAULT_MODEL = "gpt-transcribe"
"""The one that lives on and with which OpenAI detects the ends of speech itself."""

_END = date(2027, 2, 26)

ENDS: Mapping[str, date] = MappingProxyType(
    {
        "whisper-1": _END,
        "gpt-4o-transcribe": _END,
        "gpt-4o-transcribe-diarize": _END,
        "gpt-4o-mini-transcribe": _END,
        "gpt-4o-mini-transcribe-2025-12-15": _END,
    }
)
"""Models whose last day OpenAI has announced."""

WITHOUT_VAD = frozenset({"gpt-live-transcribe", "gpt-realtime-whisper"})
"""Models with which OpenAI does not detect the ends of speech."""

TAKES_KEYWORDS = frozenset({"gpt-transcribe", "gpt-live-transcribe"})
