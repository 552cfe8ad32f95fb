"""What can be set, and what should somebody know about it?

Models: https://elevenlabs.io/docs/overview/models. Settings:
https://elevenlabs.io/docs/api-reference/text-to-speech/stream
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Literal

from voicecall.sdk import Field, Finding, Secret, Section, Severity

VENDOR_URL = "https://api.elevenlabs.io"
DEFAULT_MODEL = "eleven_flash_v2_5"
DEFAULT_VOICE = "JBFqnCBsd6RMkjVDRZzb"
"""George, the voice of ElevenLabs' own examples."""

SUPERSEDED: Mapping[str, str] = MappingProxyType(
    {
        "eleven_monolingual_v1": "eleven_flash_v2",
        "eleven_multilingual_v1": "eleven_multilingual_v2",
        "eleven_turbo_v2": "eleven_flash_v2",
        "eleven_turbo_v2_5": "eleven_flash_v2_5",
    }
)
"""Models that ElevenLabs lists no more, and what it lists instead; it names no last day."""

SLOWEST, FASTEST = 0.7, 1.2


class VoiceSettings(Section):
    """`tts.providers.elevenlabs.voiceSettings`; what is unset is as stored with the voice."""

    stability: float | None = Field(default=None, ge=0, le=1)
    """How even the voice is; low is livelier."""

    similarity_boost: float | None = Field(default=None, ge=0, le=1)
    """How close to the original voice."""

    style: float | None = Field(default=None, ge=0, le=1)
    """How much of the original's manner is overdone; costs time."""

    use_speaker_boost: bool | None = None
    """Closer still to the original; costs time."""

    speed: float | None = Field(default=None, ge=0.5, le=2)
    """How fast to speak; ElevenLabs takes 0.7 to 1.2."""


class ElevenLabsConfig(Section):
    """`tts.providers.elevenlabs`."""

    api_key: Secret
    """An API key with the permission for text to speech."""

    base_url: str = Field(default=VENDOR_URL, pattern=r"^https?://[^\s?#]+$")
    """Where the API is, for example `https://api.eu.residency.elevenlabs.io`."""

    voice_id: str | None = Field(default=None, pattern=r"^[A-Za-z0-9_-]+$")
    """A voice of your account or of the library; George when unset."""

    speaker_voice_id: str | None = Field(default=None, pattern=r"^[A-Za-z0-9_-]+$")
    """Another name of `voiceId`, which wins."""

    model_id: str = Field(default=DEFAULT_MODEL, min_length=1)
    """The model."""

    voice_settings: VoiceSettings = VoiceSettings()
    """How the voice sounds."""

    language_code: str | None = Field(default=None, pattern=r"^[a-z]{2,3}$")
    """ISO 639-1 code that is kept to, for example `en`; unset: as the text is written."""

    seed: int | None = Field(default=None, ge=0, le=4294967295)
    """The same seed makes the same text sound the same, mostly."""

    apply_text_normalization: Literal["auto", "on", "off"] | None = None
    """Whether numbers and dates are spelled out before they are spoken."""

    @property
    def root(self) -> str:
        """`base_url` as the SDK wants it: without slash and version at its end."""
        return self.base_url.rstrip("/").removesuffix("/v1")

    @property
    def chosen_voice(self) -> str:
        """The voice that speaks where an utterance names none."""
        return self.voice_id or self.speaker_voice_id or DEFAULT_VOICE


def findings(config: ElevenLabsConfig) -> list[Finding]:
    """What somebody should know about `config`."""
    found = []
    if (successor := SUPERSEDED.get(config.model_id)) is not None:
        found.append(
            _warning(
                "modelId",
                f"ElevenLabs no longer lists the model {config.model_id!r}",
                f"set tts.providers.elevenlabs.modelId to {successor!r}",
            )
        )
    speed = config.voice_settings.speed
    if speed is not None and not SLOWEST <= speed <= FASTEST:
        found.append(
            _warning(
                "voiceSettings.speed",
                f"ElevenLabs takes speeds from {SLOWEST} to {FASTEST}, not {speed}",
                "set tts.providers.elevenlabs.voiceSettings.speed to one of these",
            )
        )
    return found


def _warning(key: str, message: str, remedy: str) -> Finding:
    subject = f"tts.providers.elevenlabs.{key}"
    return Finding(severity=Severity.WARNING, subject=subject, message=message, remedy=remedy)
