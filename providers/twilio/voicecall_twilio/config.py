"""How is the account described? The `twilio` section: credentials, region, voice."""

from __future__ import annotations

from pydantic import model_validator

from voicecall.sdk import Field, Secret, Section

EDGES = {"us1": "ashburn", "ie1": "dublin", "au1": "sydney"}
"""Region → the edge that belongs to it. A host name with a region alone was retired in 2026."""


class MachineTuning(Section):
    """When answering-machine detection decides; absent values are Twilio's own.

    https://www.twilio.com/docs/voice/answering-machine-detection
    """

    timeout_seconds: int | None = Field(default=None, ge=3, le=59)
    """How long it tries."""
    speech_threshold_ms: int | None = Field(default=None, ge=1000, le=6000)
    """A greeting that speaks longer than this is a machine's."""
    speech_end_threshold_ms: int | None = Field(default=None, ge=500, le=5000)
    """So much silence ends a greeting."""
    silence_timeout_ms: int | None = Field(default=None, ge=2000, le=10000)
    """So much silence at the start gives up with `unknown`."""


class TwilioConfig(Section):
    """The `twilio` section."""

    account_sid: str = Field(pattern=r"^AC[0-9a-zA-Z]{1,62}$")
    """The account, `AC…`; from the console's first page."""
    auth_token: Secret = Field(min_length=1)
    """The account's token in `region`. Twilio signs every webhook with it, so it is needed
    even where an API key makes the calls."""
    api_key_sid: str | None = Field(default=None, pattern=r"^SK[0-9a-zA-Z]{1,62}$")
    """An API key, `SK…`, that makes calls instead of the token."""
    api_key_secret: Secret | None = None
    """Its secret."""
    shared_keys: dict[str, Secret] = Field(default_factory=dict)
    """Key id → secret, for webhooks that are signed with shared keys (HMAC-SHA256)."""
    region: str | None = None
    """`us1`, `ie1` or `au1`: where calls are made; absent: Twilio's default, `us1`. Tokens and
    API keys belong to one region."""
    edge: str | None = None
    """Where requests enter Twilio; absent: the one that belongs to `region`."""
    api_base_url: str | None = Field(default=None, pattern=r"^https?://[^?#\s]+$")
    """Replaces the origin `https://api.twilio.com`, for a private proxy or a test double."""
    voice: str | None = Field(default=None, min_length=1)
    """Twilio's own voice, where no speech backend speaks: `Polly.…`, `Google.…`, `man`, `woman`.
    Absent: `Polly.Joanna-Neural`, and where it is not English the one that Twilio chooses."""
    language: str | None = Field(default=None, pattern=r"^[a-zA-Z]{2,3}(-[a-zA-Z0-9]{2,8})*$")
    """Language of `voice` and of Twilio's own recognition, for example `de-DE`; absent: en-US."""
    apology: str = (
        "We are sorry, something went wrong on our side. Please call again later. Goodbye."
    )
    """What a caller hears when a call cannot be served at all."""
    machine_detection: MachineTuning = MachineTuning()
    """How answering-machine detection is tuned."""

    @model_validator(mode="after")
    def _a_region_has_its_edge(self) -> TwilioConfig:
        if self.region is not None and self.edge is None and self.region not in EDGES:
            raise ValueError(
                f"region {self.region!r} is not known ({', '.join(EDGES)}); "
                "set twilio.edge beside it, or correct it"
            )
        return self

    @model_validator(mode="after")
    def _an_api_key_has_its_secret(self) -> TwilioConfig:
        if (self.api_key_sid is None) != (self.api_key_secret is None):
            raise ValueError("apiKeySid and apiKeySecret belong together: set both, or neither")
        return self

    @property
    def home(self) -> tuple[str | None, str | None]:
        """Region and edge, as the SDK wants them: both or none."""
        if self.region is None:
            return (None, None) if self.edge is None else ("us1", self.edge)
        return self.region, self.edge or EDGES[self.region]
