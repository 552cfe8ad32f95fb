"""Which voice does the carrier speak with when media streams are off?"""

from __future__ import annotations

from typing import Any

import pytest

from voicecall.config.native_voice import NativeVoice, native_voice


@pytest.mark.parametrize(
    ("tts", "voice", "language"),
    [
        ("{}", None, None),
        ('{ voice: "Joanna", language: "en-GB" }', "Joanna", "en-GB"),
        ('{ providers: { openai: { voice: "nova" } } }', "nova", None),
        ('{ openai: { speakerVoice: "onyx" } }', "onyx", None),
        ('{ elevenlabs: { voiceId: "v1", languageCode: "de" } }', "v1", "de"),
        (
            '{ provider: "offline", providers: { offline: {}, openai: { voice: "nova" } } }',
            None,
            None,
        ),
        ('{ voice: "Joanna", openai: { voice: "nova" } }', "Joanna", None),
        ('{ openai: { voice: "nova" }, elevenlabs: { voiceId: "v1" } }', None, None),
    ],
)
def test_the_effective_tts_section_names_it(
    load: Any, tts: str, voice: str | None, language: str | None
) -> None:
    found = native_voice(load(f"{{ tts: {tts} }}"))
    assert found == NativeVoice(voice=voice, language=language)


def test_there_may_be_no_tts_section(load: Any) -> None:
    assert native_voice(load("{}")) == NativeVoice()
