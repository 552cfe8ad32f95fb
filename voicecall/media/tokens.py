"""Who may open a media socket? The bearer of a one-time token, minted for an answered call."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable
from dataclasses import dataclass

from voicecall.config.schema import Settings
from voicecall.model.ids import CallId, CarrierCallId, StreamToken, new_stream_token
from voicecall.sdk.clock import Clock


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamGrant:
    """Leave to open one media stream of one call.

    `owns` tells whether a carrier's call id belongs to that call; asked when the stream names
    its call, because only then the carrier has said whose it is.
    """

    call_id: CallId
    token: StreamToken
    owns: Callable[[CarrierCallId], bool]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Minted:
    digest: bytes
    call_id: CallId
    expires_at: float


class StreamTokens:
    """Mints and redeems stream tokens; kept in memory only, as digests."""

    def __init__(self, clock: Clock, settings: Settings) -> None:
        self._clock = clock
        self._life = settings.limits.stream_token_ms / 1000
        self._minted: dict[bytes, _Minted] = {}

    def mint(self, call_id: CallId, *, later: float = 0.0) -> StreamToken:
        """A token for one stream of `call_id`, good once and for `limits.streamTokenMs`.

        Args:
            call_id: whose stream.
            later: how many call seconds longer it is good, because the carrier does something
                else first.
        """
        now = self._now()
        self._minted = {key: one for key, one in self._minted.items() if one.expires_at > now}
        token = new_stream_token()
        digest = _digest(token)
        expires_at = now + self._life + later / self._clock.scale
        self._minted[digest] = _Minted(digest=digest, call_id=call_id, expires_at=expires_at)
        return token

    def holder(self, token: str) -> CallId | None:
        """The call that `token` is good for now; the token stays good."""
        minted = self._find(_digest(token))
        return None if minted is None else minted.call_id

    def redeem(
        self, token: str, owns: Callable[[CallId, CarrierCallId], bool]
    ) -> StreamGrant | None:
        """The grant of `token`, once; None when it is unknown, used, revoked or expired.

        Args:
            token: as it stood in the URL.
            owns: whether a call of ours has a carrier's call id.
        """
        minted = self._find(_digest(token))
        if minted is None:
            return None
        del self._minted[minted.digest]
        call_id = minted.call_id
        return StreamGrant(
            call_id=call_id,
            token=StreamToken(token),
            owns=lambda carrier_call_id: owns(call_id, carrier_call_id),
        )

    def _find(self, digest: bytes) -> _Minted | None:
        minted = self._minted.get(digest)
        if minted is None or not hmac.compare_digest(minted.digest, digest):
            return None
        return minted if minted.expires_at > self._now() else None

    def revoke(self, call_id: CallId) -> None:
        """Void every token of a call, for example because it has ended."""
        self._minted = {key: one for key, one in self._minted.items() if one.call_id != call_id}

    def _now(self) -> float:
        """Real seconds: a simulated network is faster, its sockets are not."""
        return self._clock.now() / self._clock.scale


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()
