"""How does Telnyx tell what happens on a leg? Signed webhooks, in order, tried again.

developers.telnyx.com, *Receiving webhooks for Voice API*: 2xx is done; 408, 429, 5xx and silence
are tried again with a higher ``meta.attempt`` and a new signature; any other answer is final.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import anyio
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from voicecall.sdk import Clock
from voicecall_conformance.phones import Letter, Posted, Poster, Retries
from voicecall_telnyx.network.reports import report_body, signed_headers

PAUSES = (0.3, 0.6, 1.2)
"""Real seconds before a further try."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """An event of a leg."""

    kind: str
    payload: Mapping[str, object]


@dataclass(slots=True, kw_only=True)
class Destination:
    """Where a leg's events go.

    Args:
        url: all that have none of their own in `urls`.
        urls: ``webhook_urls``.
        policies: ``webhook_retries_policies``.
    """

    url: str
    urls: Mapping[str, Sequence[str]] = field(default_factory=dict)
    policies: Mapping[str, Mapping[str, Sequence[int]]] = field(default_factory=dict)

    def of(self, kind: str) -> str:
        """The URL for events of a kind."""
        return next(iter(self.urls.get(kind, ())), self.url)

    def retries(self, kind: str) -> Retries:
        """When an event of a kind is tried again."""
        policy = self.policies.get(kind)
        pauses = PAUSES if policy is None else tuple(ms / 1000 for ms in policy["retries_ms"])
        return Retries(pauses=pauses, again=_is_tried_again)


def _is_tried_again(status: int | None) -> bool:
    return status is None or status in (408, 429) or status >= 500


class Reporter:
    """Tells what happens on one leg.

    Args:
        ids: what every payload has; `client_state` is added as it is at the moment.
        client_state: of the leg, until a command changes it.
    """

    def __init__(
        self,
        poster: Poster,
        *,
        key: Ed25519PrivateKey,
        clock: Clock,
        ids: Mapping[str, object],
        destination: Destination,
        client_state: str | None,
    ) -> None:
        self.told: list[Told] = []
        self.delivered = anyio.Event()
        """Set when everything was told, or given up."""
        self.destination = destination
        self.client_state = client_state
        self._poster = poster
        self._key = key
        self._clock = clock
        self._ids = ids

    def __call__(self, kind: str, **extra: object) -> None:
        """The event `kind` has just happened."""
        told = Told(kind=kind, payload={**self._ids, "client_state": self.client_state, **extra})
        self.told.append(told)
        url, at, name = self.destination.of(kind), self._clock.wall(), str(uuid.uuid4())

        def write(attempt: int) -> Posted:
            body = report_body(kind, told.payload, key=name, at=at, url=url, attempt=attempt)
            return Posted(headers=signed_headers(self._key, body, at=self._clock.wall()), body=body)

        self._poster.notify(Letter(url=url, write=write, retries=self.destination.retries(kind)))

    async def run(self) -> None:
        """Deliver until closed."""
        await self._poster.run()
        self.delivered.set()

    def close(self) -> None:
        """Nothing more will happen."""
        self._poster.close()
