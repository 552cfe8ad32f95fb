"""How does the network speak HTTP/1.1? Just enough of it for its REST interface, over anyio."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import anyio
import h11
from anyio.abc import Listener, SocketStream

HEADER_BYTES = 16 * 1024
BODY_BYTES = 1024 * 1024
READ_BYTES = 64 * 1024
IDLE_SECONDS = 75.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """A whole request; `target` is raw, header names are lower-cased."""

    method: str
    target: str
    headers: tuple[tuple[str, str], ...]
    body: bytes

    def header(self, name: str) -> str:
        """The value of header `name`, ``""`` when it is absent or repeated."""
        values = [value for key, value in self.headers if key == name]
        return values[0] if len(values) == 1 else ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Response:
    """A JSON answer."""

    status: int
    body: bytes


Handler = Callable[[Request], Awaitable[Response]]


async def serve_http(
    listener: Listener[SocketStream], handle: Handler, logger: logging.Logger
) -> None:
    """Answer requests until cancelled."""

    async def talk(stream: SocketStream) -> None:
        async with stream:
            try:
                await _Connection(stream, handle).run()
            except (anyio.BrokenResourceError, anyio.ClosedResourceError, TimeoutError):
                return
            except h11.RemoteProtocolError as error:
                logger.info("not HTTP", extra={"error": str(error)})
            except Exception:
                logger.exception("a request to the simulated network failed")

    await listener.serve(talk)


class _Connection:
    """One client, one request after the other."""

    def __init__(self, stream: SocketStream, handle: Handler) -> None:
        self._stream = stream
        self._handle = handle
        self._wire = h11.Connection(h11.SERVER, max_incomplete_event_size=HEADER_BYTES)

    async def run(self) -> None:
        while (head := await self._event()) and isinstance(head, h11.Request):
            body = await self._body()
            if body is None:
                await self._send(Response(status=413, body=b""))
                return
            request = Request(
                method=head.method.decode("ascii"),
                target=head.target.decode("latin-1"),
                headers=tuple((n.decode("latin-1"), v.decode("latin-1")) for n, v in head.headers),
                body=body,
            )
            await self._send(await self._handle(request))
            if self._wire.our_state is not h11.DONE or self._wire.their_state is not h11.DONE:
                return
            self._wire.start_next_cycle()

    async def _body(self) -> bytes | None:
        body = bytearray()
        while isinstance(event := await self._event(), h11.Data):
            body += event.data
            if len(body) > BODY_BYTES:
                return None
        return bytes(body)

    async def _event(self) -> object:
        while (event := self._wire.next_event()) is h11.NEED_DATA:
            try:
                with anyio.fail_after(IDLE_SECONDS):
                    data = await self._stream.receive(READ_BYTES)
            except anyio.EndOfStream:
                data = b""
            self._wire.receive_data(data)
        return event

    async def _send(self, response: Response) -> None:
        length = str(len(response.body))
        headers = [("content-type", "application/json"), ("content-length", length)]
        head = h11.Response(status_code=response.status, headers=headers)
        parts = (head, h11.Data(data=response.body), h11.EndOfMessage())
        data = [self._wire.send(part) or b"" for part in parts]
        await self._stream.send(b"".join(data))
