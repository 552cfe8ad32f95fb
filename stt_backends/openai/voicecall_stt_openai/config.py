"""What can be set, and what should somebody know about it?"""

from __future__ import annotations

from datetime import date
from typing import Literal
from urllib.parse import urlsplit

from voicecall.sdk import Field, Finding, Secret, Section, Severity
from voicecall_stt_openai.models import DEFAULT_MODEL, ENDS, TAKES_KEYWORDS, WITHOUT_VAD

VENDOR_URL = "https://api.openai.com/v1"


class OpenAiSttConfig(Section):
    """`streaming.providers.openai`."""

    api_key: Secret
    """An API key of an OpenAI project."""

    base_url: str = Field(default=VENDOR_URL, pattern=r"^(https?|wss?)://[^\s?#]+$")
    """Where the API is: OpenAI's, or a proxy of yours."""

    model: str = Field(default=DEFAULT_MODEL, min_length=1)
    """The model that writes down what was said."""

    language: str | None = Field(default=None, pattern=r"^[a-z]{2,3}$")
    """ISO 639-1 code of what callers speak, for example `en`; quicker and surer when set."""

    prompt: str | None = None
    """What calls are about, in words: names, subjects."""

    keywords: tuple[str, ...] = ()
    """Names and words to listen for."""

    silence_duration_ms: int | None = Field(default=None, ge=100, le=10000)
    """Silence that ends what the caller says; `silenceTimeoutMs` when unset."""

    prefix_padding_ms: int = Field(default=300, ge=0, le=2000)
    """How much audio from before the voice is taken in."""

    vad_threshold: float = Field(default=0.5, ge=0, le=1)
    """How loud a voice must be; higher for noisy lines."""

    noise_reduction: Literal["near_field", "far_field"] | None = None
    """Whether noise is filtered first, for a receiver (`near_field`) or a loudspeaker phone."""

    @property
    def url(self) -> str:
        """The address of a transcription session."""
        root = self.base_url.rstrip("/").replace("http", "ws", 1)
        root = root if urlsplit(root).path else f"{root}/v1"
        return f"{root}/realtime?intent=transcription"


def findings(config: OpenAiSttConfig, *, today: date) -> list[Finding]:
    """What somebody should know about `config`: an announced end, a model without ears."""
    model, found = config.model, []
    if (end := ENDS.get(model)) is not None:
        tense = "ended" if end <= today else "ends"
        found.append(
            _warning(
                "model",
                f"OpenAI's model {model!r} {tense} on {end.isoformat()}",
                f"set streaming.providers.openai.model, for example to {DEFAULT_MODEL!r}",
            )
        )
    if model in WITHOUT_VAD:
        found.append(
            _warning(
                "model",
                f"with {model!r} OpenAI does not detect the ends of speech",
                f"set streaming.providers.openai.model to {DEFAULT_MODEL!r}",
            )
        )
    if config.keywords and model not in TAKES_KEYWORDS:
        found.append(_warning("keywords", f"{model!r} takes no keywords", "use prompt instead"))
    return found


def _warning(key: str, message: str, remedy: str) -> Finding:
    subject = f"streaming.providers.openai.{key}"
    return Finding(severity=Severity.WARNING, subject=subject, message=message, remedy=remedy)
