"""How is Plivo set up? The `plivo` section."""

from __future__ import annotations

from voicecall.sdk import Field, Secret, Section


class PlivoConfig(Section):
    """The `plivo` section."""

    auth_id: str = Field(min_length=1)
    """Auth ID of the account (``MA…``) or sub-account (``SA…``) that owns the calls."""
    auth_token: Secret
    """Its auth token: authenticates us to Plivo, and Plivo's callbacks to us."""
    allow_v2_signatures: bool = Field(default=False, alias="allowV2Signatures")
    """Accept a callback that carries a V2 signature only. V2 covers neither query nor body, so a
    request with a V3 signature is always judged by that one."""
    api_base_url: str = Field(default="https://api.plivo.com", pattern=r"^https?://[^/?#]+/?$")
    """Origin of the REST API; another one for a private proxy or a test double."""
    voice: str = "WOMAN"
    """What Plivo's own voice is: `WOMAN`, `MAN`, or a Polly voice such as `Polly.Joanna`."""
    language: str = "en-US"
    """What Plivo's own voice speaks and its recognition expects."""
