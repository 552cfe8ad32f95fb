"""Does a webhook with a wrong signature show what only its call's carrier was told?

For development behind a tunnel whose agent hands us requests from this machine and hides the URL
that was signed. Everything that such a tunnel delivers comes from loopback, a stranger's request
too, so the call's own secret in the URL is the only thing that counts.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from voicecall.model.ids import CallId
from voicecall.model.webhook import WebhookRequest
from voicecall.sdk.provider import CallProvider
from voicecall.sdk.signatures import same
from voicecall.webhooks.origin import is_loopback


@dataclass(frozen=True, slots=True, kw_only=True)
class Vouching:
    """Tells, of one request.

    Args:
        provider: knows where its URLs hold call and secret.
        secret_of: the secret of a live call; None: there is no such call.
    """

    provider: CallProvider
    secret_of: Callable[[CallId], str | None]

    def __call__(self, request: WebhookRequest) -> bool:
        """Whether `request` may pass."""
        claimed = self.provider.claim(request) if is_loopback(request.peer) else None
        if claimed is None:
            return False
        call_id, shown = claimed
        secret = self.secret_of(call_id)
        return secret is not None and same(shown, secret)
