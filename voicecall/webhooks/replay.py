"""Was this webhook answered already? Remembers answers, so that a repeat has no effect.

Two deliveries with one replay key are the same delivery. A carrier whose repeats differ in
their body (an attempt counter) gets a key per body from its provider; the repeat is then
recognised by the keys of its events.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from hashlib import sha256

import anyio

from voicecall.errors import SignatureInvalid
from voicecall.model.webhook import HttpReply
from voicecall.sdk.clock import Clock

REMEMBERED_SECONDS = 600.0
"""Real seconds for which an answer is kept: longer than a signature stays fresh."""

REMEMBERED_REPLIES = 50_000
REMEMBERED_BYTES = 32 * 1024 * 1024
_ENTRY_BYTES = 800
_HEADER_BYTES = 200
"""What Python needs for one of them beside its text."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Running:
    fingerprint: bytes
    settled: anyio.Event


@dataclass(frozen=True, slots=True, kw_only=True)
class _Answered:
    fingerprint: bytes
    reply: HttpReply
    until: float
    size: int


class Replies:
    """Runs the work for each replay key once.

    Args:
        clock: measures how long answers are kept.
        seconds: for how long, in real seconds.
        count: how many answers at most.
        size: how many bytes of answers at most.
    """

    def __init__(
        self,
        clock: Clock,
        *,
        seconds: float = REMEMBERED_SECONDS,
        count: int = REMEMBERED_REPLIES,
        size: int = REMEMBERED_BYTES,
    ) -> None:
        self._clock = clock
        self._seconds = seconds
        self._count = count
        self._size = size
        self._used = 0
        self._running: dict[str, _Running] = {}
        self._answered: OrderedDict[str, _Answered] = OrderedDict()
        self.repeats = 0
        """How many webhooks were answered from memory."""

    async def once(
        self, key: str, body: bytes, work: Callable[[], Awaitable[HttpReply]]
    ) -> HttpReply:
        """The reply to the delivery `key`: from memory, or by `work`.

        A repeat that comes while `work` runs waits for it. When `work` raised, nothing is
        remembered and the next delivery, waiting or to come, runs it anew.

        Raises:
            SignatureInvalid: `key` came before with another body.
            Exception: whatever `work` raises.
        """
        fingerprint = sha256(body).digest()
        while True:
            self._forget()
            known = self._running.get(key) or self._answered.get(key)
            if known is None:
                return await self._run(key, fingerprint, work)
            if known.fingerprint != fingerprint:
                raise SignatureInvalid("a delivery's replay key came again with another body")
            if isinstance(known, _Answered):
                self.repeats += 1
                return known.reply
            await known.settled.wait()

    async def _run(
        self, key: str, fingerprint: bytes, work: Callable[[], Awaitable[HttpReply]]
    ) -> HttpReply:
        running = self._running[key] = _Running(fingerprint=fingerprint, settled=anyio.Event())
        try:
            reply = await work()
            self._remember(key, fingerprint, reply)
            return reply
        finally:
            del self._running[key]
            running.settled.set()

    def _remember(self, key: str, fingerprint: bytes, reply: HttpReply) -> None:
        answered = _Answered(
            fingerprint=fingerprint,
            reply=reply,
            until=self._now() + self._seconds,
            size=_size(key, reply),
        )
        self._answered[key] = answered
        self._used += answered.size

    def _forget(self) -> None:
        now = self._now()
        while self._answered:
            oldest = next(iter(self._answered.values()))
            full = len(self._answered) > self._count or self._used > self._size
            if oldest.until > now and not full:
                return
            self._answered.popitem(last=False)
            self._used -= oldest.size

    def _now(self) -> float:
        return self._clock.now() / self._clock.scale


def _size(key: str, reply: HttpReply) -> int:
    """About how much memory it takes to remember `reply` under `key`."""
    headers = sum(_HEADER_BYTES + len(name) + len(value) for name, value in reply.headers)
    return _ENTRY_BYTES + len(key) + headers + len(reply.body)
