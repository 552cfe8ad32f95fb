"""What can be set, and which address does that make?

Parameters: https://developers.deepgram.com/reference/speech-to-text/listen-streaming
"""

from __future__ import annotations

from urllib.parse import urlencode

from pydantic import field_validator

from voicecall.sdk import Field, Secret, Section

VENDOR_URL = "https://api.deepgram.com"
DEFAULT_MODEL = "nova-3"
SHORTEST_UTTERANCE_END = 1000
"""Milliseconds; Deepgram makes interim results once a second and can tell no shorter gap."""


class DeepgramConfig(Section):
    """`streaming.providers.deepgram`."""

    api_key: Secret
    """An API key of a Deepgram project."""

    base_url: str = Field(default=VENDOR_URL, pattern=r"^(https?|wss?)://[^\s?#]+$")
    """Where the API is: Deepgram's, its EU endpoint, or one that you host."""

    model: str = Field(default=DEFAULT_MODEL, min_length=1)
    """A model of the Nova family, for example `nova-3` or `nova-2-phonecall`."""

    language: str | None = Field(default=None, min_length=2)
    """BCP 47 tag of what callers speak, or `multi`; Deepgram's default is English."""

    interim_results: bool = True
    """Whether to tell what is being said while it is said."""

    smart_format: bool = True
    """Whether numbers, dates and sums are written as such, with punctuation."""

    endpointing_ms: int | None = Field(default=None, ge=10, le=10000)
    """Silence that ends what the caller says; `silenceTimeoutMs` when unset."""

    utterance_end_ms: int | None = Field(default=None, ge=SHORTEST_UTTERANCE_END, le=5000)
    """Gap between words that ends it on a noisy line; as `endpointingMs`, at least a second."""

    keyterms: tuple[str, ...] = ()
    """Names and words to listen for; `nova-3` only."""

    @field_validator("model")
    @classmethod
    def _speaks_our_protocol(cls, model: str) -> str:
        if model.startswith("flux"):
            raise ValueError(f"{model!r} speaks another protocol; choose a model such as 'nova-3'")
        return model


def listen_url(config: DeepgramConfig, *, silence_seconds: float) -> str:
    """The address of a stream of telephone audio.

    Args:
        config: the section.
        silence_seconds: silence that ends what the caller says, where the section names none.
    """
    root = config.base_url.rstrip("/").removesuffix("/v1")
    return f"{root.replace('http', 'ws', 1)}/v1/listen?{urlencode(_query(config, silence_seconds))}"


def _query(config: DeepgramConfig, silence_seconds: float) -> list[tuple[str, str]]:
    endpointing = config.endpointing_ms or round(silence_seconds * 1000)
    query = [
        ("model", config.model),
        ("encoding", "mulaw"),
        ("sample_rate", "8000"),
        ("channels", "1"),
        ("interim_results", _flag(config.interim_results)),
        ("endpointing", str(endpointing)),
        ("vad_events", "true"),
        ("smart_format", _flag(config.smart_format)),
    ]
    if config.interim_results:
        gap = config.utterance_end_ms or max(SHORTEST_UTTERANCE_END, endpointing)
        query.append(("utterance_end_ms", str(gap)))
    if config.language is not None:
        query.append(("language", config.language))
    return query + [("keyterm", term) for term in config.keyterms]


def _flag(value: bool) -> str:
    return "true" if value else "false"
