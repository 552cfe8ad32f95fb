"""What can be set, and what follows from it?"""

from __future__ import annotations

from datetime import date
from urllib.parse import urlsplit

from voicecall.sdk import Field, Finding, Secret, Section, Severity
from voicecall_tts_openai.models import (
    COMPATIBLE_MODEL,
    DEFAULT_MODEL,
    ENDS,
    is_realtime,
    takes_instructions,
)

VENDOR_URL = "https://api.openai.com/v1"
FASTEST_REALTIME = 1.5


class OpenAiTtsConfig(Section):
    """`tts.providers.openai`."""

    api_key: Secret
    """An API key of an OpenAI project."""

    base_url: str = Field(default=VENDOR_URL, pattern=r"^https?://[^\s?#]+$")
    """Where the API is; a server of another maker that offers `/audio/speech` will do."""

    model: str | None = Field(default=None, min_length=1)
    """The model; `gpt-realtime-2.1-mini` when unset, and at another server `gpt-4o-mini-tts`."""

    voice: str | None = Field(default=None, min_length=1)
    """A voice of OpenAI's (`marin`, `cedar`, `alloy`, ...) or the id of one of yours
    (`voice_...`)."""

    speaker_voice: str | None = Field(default=None, min_length=1)
    """Another name of `voice`, which wins."""

    speed: float = Field(default=1.0, ge=0.25, le=4.0)
    """How fast to speak; realtime models are at most 1.5 times as fast as normal."""

    instructions: str | None = None
    """How to speak, in words; not for `tts-1` and `tts-1-hd`."""

    @property
    def root(self) -> str:
        """`base_url` without a slash at its end; a bare origin gets OpenAI's ``/v1``."""
        root = self.base_url.rstrip("/")
        return root if urlsplit(root).path else f"{root}/v1"

    @property
    def chosen_model(self) -> str:
        """The model that is asked."""
        if self.model is not None:
            return self.model
        return DEFAULT_MODEL if self.root == VENDOR_URL else COMPATIBLE_MODEL

    @property
    def chosen_voice(self) -> str:
        """The voice that is asked for where an utterance names none."""
        usual = "marin" if is_realtime(self.chosen_model) else "alloy"
        return self.voice or self.speaker_voice or usual


def findings(config: OpenAiTtsConfig, *, today: date) -> list[Finding]:
    """What somebody should know about `config`: an announced end, settings without effect."""
    model, found = config.chosen_model, []
    if (end := ENDS.get(model)) is not None:
        tense = "ended" if end <= today else "ends"
        found.append(
            _warning(
                "model",
                f"OpenAI's model {model!r} {tense} on {end.isoformat()}",
                f"set tts.providers.openai.model, for example to {DEFAULT_MODEL!r}",
            )
        )
    if config.instructions and not takes_instructions(model):
        found.append(
            _warning("instructions", f"{model!r} takes no instructions", "choose another model")
        )
    if is_realtime(model) and config.speed > FASTEST_REALTIME:
        found.append(
            _warning(
                "speed",
                f"{model!r} speaks at most {FASTEST_REALTIME} times as fast as normal",
                f"set tts.providers.openai.speed to {FASTEST_REALTIME} or less",
            )
        )
    return found


def _warning(key: str, message: str, remedy: str) -> Finding:
    subject = f"tts.providers.openai.{key}"
    return Finding(severity=Severity.WARNING, subject=subject, message=message, remedy=remedy)
