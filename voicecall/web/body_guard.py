"""Who may make us read a request body, how much of it, and for how long?

Stands in front of the webhook app. Nothing is known about the sender yet, so everything that
it can cost us is bounded before its signature is looked at.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress

import anyio

from voicecall.config.schema import LimitSettings
from voicecall.web.addresses import sender
from voicecall.web.asgi import AsgiApp, Message, Receive, Scope, Send, peer_of, refuse
from voicecall.web.room import SparePlaces, room


class _Refused(Exception):
    def __init__(self, status: int) -> None:
        self.status = status


class BodyGuard:
    """Gives `app` requests whose body is there; refuses with 401, 408, 413 or 429 before.

    Args:
        app: takes the request with its whole body. It is not told when the client hangs up, so
            that what a webhook started is finished.
        path: requests under this path are guarded, others go to `app` as they are.
        signature_headers: refused without any of them; empty: not asked for.
        limits: size, time, and requests in flight for each address.
        shared: whether many senders may stand behind an address, which then may do more.
    """

    def __init__(
        self,
        app: AsgiApp,
        *,
        path: str,
        signature_headers: Sequence[str],
        limits: LimitSettings,
        shared: Callable[[str], bool],
    ) -> None:
        self._app = app
        self._path = path.encode()
        self._signature_headers = {name.lower().encode() for name in signature_headers}
        self._limits = limits
        self._max_body = min(limits.unverified_body_bytes, limits.webhook_body_bytes)
        self._shared = shared
        self._most = room(limits.connections) // 2
        self._reading: Counter[str] = Counter()
        self._spare = SparePlaces()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One HTTP request."""
        if not scope["raw_path"].startswith(self._path):
            await self._app(scope, receive, send)
            return
        peer = peer_of(scope)
        who = sender(peer)
        allowed = self._reading[who] < self._allowed(peer)
        if allowed and self._reading.total() < self._most:
            with self._counted(who):
                body = await self._admit(scope, receive, send)
            if body is not None:
                await self._app(scope, *_settled(body, send))
        elif allowed or self._shared(peer):
            await self._squeeze_in(scope, receive, send)
        else:
            await refuse(scope, send, 429)

    async def _squeeze_in(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a request for which there is no room, if it is here at once and genuine: slow
        and forged ones of others must not keep a carrier out."""
        body = None
        with self._spare.taken(), suppress(_Refused):
            self._check_headers(scope)
            body = await self._read(receive)
        if body is None:
            await refuse(scope, send, 429)
            return
        await self._app(scope, *_settled(body, self._unless_forged(scope, send)))

    def _unless_forged(self, scope: Scope, send: Send) -> Send:
        forged = False

        async def sending(message: Message) -> None:
            nonlocal forged
            if message.get("status") == 401:
                forged = True
                await refuse(scope, send, 429)
            elif not forged:
                await send(message)

        return sending

    async def _admit(self, scope: Scope, receive: Receive, send: Send) -> bytes | None:
        """The whole body; None when the request was refused or the client went away."""
        seconds = self._limits.body_timeout_ms / 1000
        deadline = anyio.current_time() + seconds
        try:
            with anyio.fail_after(seconds):
                self._check_headers(scope)
                return await self._read(receive)
        except TimeoutError:
            status = 408
        except _Refused as refused:
            status = refused.status
        # A client that still sends would lose the answer to a reset, so it is heard out, but
        # no longer than a body may take at all.
        await refuse(scope, send, status, more_body=True)
        with anyio.move_on_after(deadline - anyio.current_time()):
            await _discard(receive)
        return None

    def _check_headers(self, scope: Scope) -> None:
        headers = dict(scope["headers"])
        if self._signature_headers and self._signature_headers.isdisjoint(headers):
            raise _Refused(401)
        if int(headers.get(b"content-length", b"0")) > self._max_body:
            raise _Refused(413)

    async def _read(self, receive: Receive) -> bytes | None:
        body = bytearray()
        while True:
            message = await receive()
            if message["type"] == "http.disconnect":
                return None
            body += message.get("body", b"")
            if len(body) > self._max_body:
                raise _Refused(413)
            if not message.get("more_body", False):
                return bytes(body)

    def _allowed(self, peer: str) -> int:
        limits = self._limits
        if self._shared(peer):
            return limits.unverified_requests_trusted
        return limits.unverified_requests_per_address

    @contextmanager
    def _counted(self, who: str) -> Iterator[None]:
        self._reading[who] += 1
        try:
            yield
        finally:
            self._reading[who] -= 1
            if not self._reading[who]:
                del self._reading[who]


async def _discard(receive: Receive) -> None:
    while (await receive()).get("more_body", False):
        pass


def _settled(body: bytes, send: Send) -> tuple[Receive, Send]:
    """`receive` and `send` of a request whose body is there and whose client stays."""
    messages: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]
    answered = anyio.Event()

    async def receive() -> Message:
        if messages:
            return messages.pop()
        await answered.wait()
        return {"type": "http.disconnect"}

    async def noting(message: Message) -> None:
        await send(message)
        if message["type"] == "http.response.body" and not message.get("more_body", False):
            answered.set()

    return receive, noting
