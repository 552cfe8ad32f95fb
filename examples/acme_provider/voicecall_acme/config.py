"""What does the section `acme` of the configuration hold?"""

from __future__ import annotations

from voicecall.sdk import Secret, Section


class AcmeConfig(Section):
    """The section `acme`: an account at Acme Telephone."""

    api_key: Secret
    """Lets us use Acme's REST API; page *Keys* of the console."""
    signing_key: Secret
    """What Acme signs its webhooks with; below the other key."""
    api_base_url: str = "https://api.acme.example/v1"
    """Where Acme's REST API is; for a double of it."""
    voice: str = "anna"
    """Who speaks where Acme itself is to speak."""
