"""How is Telnyx set up? The `telnyx` section: account, application, keys, voices."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator

from voicecall.sdk import Field, Secret, Section
from voicecall_telnyx.public_key import key_bytes

Engine = Literal[
    "Google",
    "Telnyx",
    "Deepgram",
    "Azure",
    "xAI",
    "AssemblyAI",
    "Speechmatics",
    "Soniox",
    "Parakeet",
    "Humain",
    "Reson8",
    "Cohere",
]


def _several(raw: Any) -> Any:
    return raw if isinstance(raw, list | tuple) else (raw,)


def _readable(key: Secret) -> Secret:
    key_bytes(key.get_secret_value())
    return key


PublicKeys = Annotated[
    tuple[Annotated[Secret, AfterValidator(_readable)], ...],
    BeforeValidator(_several, json_schema_input_type=Secret | list[Secret]),
]
"""One key or a list of keys; each may be written like a secret, for example ``{ file: … }``."""


class Transcription(Section):
    """What listens on calls without a media stream."""

    engine: Engine = "Google"
    """Which of Telnyx's speech recognisers."""
    language: str = "en"
    """What the caller speaks, where no `language` of the call says otherwise."""
    interim_results: bool = True
    """Hear while the caller speaks, so that an interruption stops us at once. Google only."""
    options: dict[str, object] = Field(default_factory=dict)
    """More of `transcription_engine_config`, as Telnyx names it, for example
    ``{ model: "phone_call" }``."""


class TelnyxConfig(Section):
    """The `telnyx` section."""

    api_key: Secret
    """API key (v2), from the portal: *Account settings → API keys*."""
    connection_id: str = Field(min_length=1)
    """Id of the Call Control application that places and receives our calls."""
    public_key: PublicKeys = ()
    """Verifies webhooks: *Keys & credentials → Public key*. PEM, base64 of the raw 32 bytes, or
    base64 DER; several while a key is changed. Without one every webhook is refused."""
    api_base_url: str = Field(default="https://api.telnyx.com", pattern=r"^https?://[^/]")
    """Replaces the origin of the REST API; the path ``/v2`` stays."""
    voice: str = "AWS.Polly.Joanna-Neural"
    """Speaks on calls without a media stream."""
    language: str = "en-US"
    """What that voice speaks; voices of Polly know it themselves."""
    transcription: Transcription = Transcription()
    machine_detection: Literal["standard", "premium"] = "standard"
    """Which answering-machine detection is used where one is asked for."""
