"""Which of the carrier's own voices speaks when media streams are off? What `tts` names."""

from __future__ import annotations

from dataclasses import dataclass

from voicecall.config.loaded import LoadedConfig
from voicecall.config.tree import Node

_VOICE_KEYS = ("voice", "speakerVoice", "voiceId", "speakerVoiceId")
_LANGUAGE_KEYS = ("language", "languageCode")


@dataclass(frozen=True, slots=True, kw_only=True)
class NativeVoice:
    """A voice and a language as the file writes them; providers map what they know."""

    voice: str | None = None
    language: str | None = None


def native_voice(loaded: LoadedConfig) -> NativeVoice:
    """The voice of the effective `tts`: its own, else that of the speech backend in force."""
    tts = loaded.tree.child("tts")
    if tts is None:
        return NativeVoice()
    sections = tts.members.get("providers", Node({})).members
    name = loaded.settings.tts.provider or (next(iter(sections)) if len(sections) == 1 else None)
    backend = sections.get(name or "", Node({}))
    return NativeVoice(
        voice=loaded.settings.tts.voice or _first(backend, _VOICE_KEYS),
        language=loaded.settings.tts.language or _first(backend, _LANGUAGE_KEYS),
    )


def _first(node: Node, keys: tuple[str, ...]) -> str | None:
    return next((text for key in keys if (text := node.text(key))), None)
