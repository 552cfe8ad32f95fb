"""Which models are there, over which API do they speak, and when does one end?

Ends and replacements: https://developers.openai.com/api/docs/deprecations, read in November 2026.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from types import MappingProxyType

DEFAULT_MODEL = "gpt-realtime-2.1-mini"
"""What OpenAI names as the successor of its speech models, all of which end."""
COMPATIBLE_MODEL = "gpt-4o-mini-tts"
"""What another server under `baseUrl` is asked for: such servers offer `/audio/speech` alone."""

_SPEECH_END = date(2027, 1, 6)
_REALTIME_END = date(2027, 1, 20)

ENDS: Mapping[str, date] = MappingProxyType(
    {
        "tts-1": _SPEECH_END,
        "tts-1-hd": _SPEECH_END,
        "gpt-4o-mini-tts": _SPEECH_END,
        "gpt-4o-mini-tts-2025-12-15": _SPEECH_END,
        "gpt-realtime": _REALTIME_END,
        "gpt-realtime-2025-08-28": _REALTIME_END,
        "gpt-realtime-mini": _REALTIME_END,
        "gpt-realtime-mini-2025-12-15": _REALTIME_END,
    }
)
"""Models whose last day OpenAI has announced."""


def is_realtime(model: str) -> bool:
    """Whether `model` speaks over the Realtime API, and not over `/audio/speech`."""
    return "realtime" in model


def takes_instructions(model: str) -> bool:
    """Whether `model` can be told how to speak."""
    return not model.startswith("tts-1")
