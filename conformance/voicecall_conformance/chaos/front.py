"""How can a REST API fail? Before the request was carried out or after, and in bad words."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from enum import StrEnum

import anyio
import h11
import httpx
from anyio.abc import SocketAttribute, SocketStream

from voicecall.tasks import unwrapped
from voicecall_conformance.vendor import RestAnswer, RestRequest, read_request

TRICKLE_SECONDS = 0.2
RETRY_AFTER = "1"
ELSEWHERE = "/elsewhere"
"""Where a redirect leads; nobody is to come."""
_OWN_HEADERS = frozenset({"content-length", "transfer-encoding", "connection"})


class RestFault(StrEnum):
    """One way to fail. Those that end in `AFTER` fail when the request was carried out."""

    SILENT_BEFORE = "no answer, not carried out"
    SILENT_AFTER = "no answer, carried out"
    RESET_BEFORE = "connection reset, not carried out"
    RESET_AFTER = "connection reset, carried out"
    RATE_LIMITED = "429 with Retry-After"
    BROKEN_BEFORE = "500, not carried out"
    BROKEN_AFTER = "500, carried out"
    GATEWAY_BEFORE = "502 in HTML, not carried out"
    GATEWAY_AFTER = "502 in HTML, carried out"
    REDIRECTED = "302 to elsewhere"
    HALF_JSON_AFTER = "half of the JSON, carried out"
    HALF_BODY_AFTER = "half of the announced body, then the end, carried out"
    EMPTY_AFTER = "200 without a body, carried out"
    WRONG_TYPE_AFTER = "200 in HTML, carried out"
    SLOW_HEADERS_AFTER = "headers byte by byte and never whole, carried out"
    SLOW_BODY_AFTER = "a body byte by byte and never whole, carried out"


CARRIED_OUT = tuple(each for each in RestFault if each.name.endswith("_AFTER"))
NOT_CARRIED_OUT = tuple(each for each in RestFault if each not in CARRIED_OUT)

HTML = b"<html><head><title>502 Bad Gateway</title></head><body><h1>502</h1></body></html>"
_HTML_TYPE = {"content-type": "text/html; charset=utf-8"}
_JSON_TYPE = {"content-type": "application/json"}

Choosing = Callable[[RestRequest], RestFault | None]


class FailingFront:
    """Stands in front of a carrier's REST API and fails as it is told.

    Args:
        target: the API's base URL.
        choose: how the next request fails; None: not at all.
        silence: how long an answer that never comes does not come, in real seconds.
    """

    def __init__(self, target: str, choose: Choosing, *, silence: float) -> None:
        self._target = target
        self._choose = choose
        self._silence = silence
        self._client: httpx.AsyncClient
        self.host, self.port = "127.0.0.1", 0
        self.failed: list[tuple[RestRequest, RestFault]] = []
        """Every request that failed, and how."""
        self.followed = 0
        """How many requests followed a redirect; they carry credentials to strangers."""

    @classmethod
    @asynccontextmanager
    async def opened(
        cls, target: str, choose: Choosing, *, silence: float
    ) -> AsyncIterator[FailingFront]:
        """The front on a free loopback port."""
        front = cls(target, choose, silence=silence)
        listener = await anyio.create_tcp_listener(local_host=front.host, local_port=0)
        front.port = listener.extra(SocketAttribute.local_port)
        with unwrapped():
            async with (
                httpx.AsyncClient(timeout=60, trust_env=False) as front._client,
                listener,
                anyio.create_task_group() as tasks,
            ):
                tasks.start_soon(listener.serve, front._talk)
                yield front
                tasks.cancel_scope.cancel()

    async def _talk(self, stream: SocketStream) -> None:
        async with stream:
            connection = h11.Connection(h11.SERVER)
            try:
                while (request := await read_request(stream, connection)) is not None:
                    if not await self._serve(request, stream):
                        return
                    connection = h11.Connection(h11.SERVER)
            except (
                anyio.BrokenResourceError,
                anyio.ClosedResourceError,
                anyio.EndOfStream,
                h11.RemoteProtocolError,
            ):
                return

    async def _serve(self, request: RestRequest, stream: SocketStream) -> bool:
        """Answer, well or badly; whether the connection goes on."""
        if request.path.endswith(ELSEWHERE):
            self.followed += 1
        fault = self._choose(request)
        if fault is None:
            await stream.send(_written(await self._forward(request)))
            return True
        self.failed.append((request, fault))
        answer = await self._forward(request) if fault in CARRIED_OUT else RestAnswer()
        await self._fail(fault, answer, stream)
        return False

    async def _forward(self, request: RestRequest) -> RestAnswer:
        query = f"?{request.query}" if request.query else ""
        headers = {name: value for name, value in request.headers.items() if name != "host"}
        answer = await self._client.request(
            request.method,
            f"{self._target}{request.path}{query}",
            headers={**headers, "accept-encoding": "identity"},
            content=request.body or None,
        )
        kept = {k: v for k, v in answer.headers.items() if k.lower() not in _OWN_HEADERS}
        return RestAnswer(status=answer.status_code, body=answer.content, headers=kept)

    async def _fail(self, fault: RestFault, answer: RestAnswer, stream: SocketStream) -> None:
        match fault:
            case RestFault.SILENT_BEFORE | RestFault.SILENT_AFTER:
                await anyio.sleep(self._silence)
            case RestFault.SLOW_HEADERS_AFTER:
                await self._trickle(_written(answer)[:15], b"x-padding: and so on ", stream)
            case RestFault.SLOW_BODY_AFTER:
                whole = _written(answer)
                end = whole.index(b"\r\n\r\n") + 4
                await self._trickle(_announced(whole[:end], 1_000_000), b" ", stream)
            case RestFault.HALF_BODY_AFTER:
                whole = _written(answer)
                await stream.send(whole[: len(whole) - max(1, len(answer.body) // 2)])
            case _:
                if (words := _words(fault, answer)) is not None:
                    await stream.send(_written(words))

    async def _trickle(self, begin: bytes, again: bytes, stream: SocketStream) -> None:
        await stream.send(begin)
        with anyio.move_on_after(self._silence):
            while True:
                for at in range(len(again)):
                    await stream.send(again[at : at + 1])
                    await anyio.sleep(TRICKLE_SECONDS)


def _words(fault: RestFault, answer: RestAnswer) -> RestAnswer | None:
    """The bad answer of `fault`; None: none at all."""
    match fault:
        case RestFault.RATE_LIMITED:
            headers = {**_JSON_TYPE, "retry-after": RETRY_AFTER}
            return RestAnswer(status=429, body=b'{"message":"slow down"}', headers=headers)
        case RestFault.BROKEN_BEFORE | RestFault.BROKEN_AFTER:
            return RestAnswer(status=500, body=b'{"message":"internal error"}', headers=_JSON_TYPE)
        case RestFault.GATEWAY_BEFORE | RestFault.GATEWAY_AFTER:
            return RestAnswer(status=502, body=HTML, headers=_HTML_TYPE)
        case RestFault.REDIRECTED:
            return RestAnswer(status=302, headers={"location": ELSEWHERE})
        case RestFault.HALF_JSON_AFTER:
            half = answer.body[: len(answer.body) // 2]
            return RestAnswer(status=answer.status, body=half, headers=_JSON_TYPE)
        case RestFault.EMPTY_AFTER:
            return RestAnswer(status=200, headers=_JSON_TYPE)
        case RestFault.WRONG_TYPE_AFTER:
            return RestAnswer(status=200, body=HTML, headers=_HTML_TYPE)
    return None


def _written(answer: RestAnswer) -> bytes:
    connection = h11.Connection(h11.SERVER)
    connection.receive_data(b"GET / HTTP/1.1\r\nhost: here\r\n\r\n")
    connection.next_event()
    headers = [*answer.headers.items(), ("content-length", str(len(answer.body)))]
    head = h11.Response(status_code=answer.status, headers=headers)
    return b"".join(connection.send(each) or b"" for each in (head, h11.Data(data=answer.body)))


def _announced(head: bytes, size: int) -> bytes:
    """`head` with another content length."""
    lines = head.split(b"\r\n")
    kept = [line for line in lines if not line.lower().startswith(b"content-length")]
    return b"\r\n".join([kept[0], b"content-length: %d" % size, *kept[1:]])
