"""Does a web service's answer reach the caller, as it comes, and its failures as errors?"""

from __future__ import annotations

import json
import logging
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import anyio
import h11
import pytest
from anyio.abc import SocketAttribute, SocketStream

from voicecall.sdk import (
    CallId,
    CallMode,
    Direction,
    EndCall,
    HttpResponse,
    PluginContext,
    ReplyPart,
    ReplyText,
    Responder,
    ResponderError,
    SystemClock,
    Turn,
)
from voicecall_responder_http.config import HttpConfig
from voicecall_responder_http.plugin import voicecall_responders

PATIENCE = 20
JSON = "application/json"
LINES = "application/x-ndjson"


class NoHttp:
    async def request(self, *args: object, **kwargs: object) -> HttpResponse:
        raise AssertionError("the responder has connections of its own")


class Reply:
    """Keeps the parts and says when the first one came."""

    def __init__(self) -> None:
        self.parts: list[ReplyPart] = []
        self.begun = anyio.Event()

    async def write(self, part: ReplyPart) -> None:
        self.parts.append(part)
        self.begun.set()


class Service:
    """A web service: answers every POST with `pieces`, the later ones when `go` is set."""

    def __init__(self, status: int, kind: str, pieces: Sequence[bytes]) -> None:
        self.requests: list[tuple[dict[str, str], Any]] = []
        self.go = anyio.Event()
        self.hung_up = anyio.Event()
        self._status, self._kind, self._pieces = status, kind, pieces

    async def handle(self, stream: SocketStream) -> None:
        async with stream:
            connection = h11.Connection(h11.SERVER)
            await self._converse(stream, connection)

    async def _converse(self, stream: SocketStream, connection: h11.Connection) -> None:
        headers: dict[str, str] = {}
        body = b""
        while not isinstance(event := connection.next_event(), h11.EndOfMessage):
            if event is h11.NEED_DATA:
                connection.receive_data(await stream.receive())
            elif isinstance(event, h11.Request):
                headers = {name.decode(): value.decode() for name, value in event.headers}
            elif isinstance(event, h11.Data):
                body += event.data
        self.requests.append((headers, json.loads(body)))
        head = h11.Response(
            status_code=self._status,
            headers=[("content-type", self._kind), ("transfer-encoding", "chunked")],
        )
        await stream.send(connection.send(head) or b"")
        for number, piece in enumerate(self._pieces):
            if number == 1 and not await self._told_to_go_on(stream):
                self.hung_up.set()
                return
            await stream.send(connection.send(h11.Data(data=piece)) or b"")
        await stream.send(connection.send(h11.EndOfMessage()) or b"")

    async def _told_to_go_on(self, stream: SocketStream) -> bool:
        """Wait to be told; False when the gateway hangs up before."""
        async with anyio.create_task_group() as tasks:

            async def watch() -> None:
                with suppress(anyio.EndOfStream, anyio.BrokenResourceError):
                    await stream.receive()
                tasks.cancel_scope.cancel()

            tasks.start_soon(watch)
            await self.go.wait()
            tasks.cancel_scope.cancel()
        return self.go.is_set()


@asynccontextmanager
async def opened(
    *pieces: bytes, status: int = 200, kind: str = JSON, **options: object
) -> AsyncIterator[tuple[Responder, Service]]:
    (spec,) = voicecall_responders()
    context = PluginContext(
        http=NoHttp(),
        clock=SystemClock(),
        logger=logging.getLogger("test"),
        state_dir=Path("."),
    )
    service = Service(status, kind, pieces)
    listener = await anyio.create_tcp_listener(local_host="127.0.0.1", local_port=0)
    port = listener.extra(SocketAttribute.local_port)
    config = HttpConfig.model_validate({"url": f"http://127.0.0.1:{port}/turn", **options})
    with anyio.fail_after(PATIENCE):
        async with listener, anyio.create_task_group() as tasks:
            tasks.start_soon(listener.serve, service.handle)
            async with spec.open(config, context) as responder:
                yield responder, service
            tasks.cancel_scope.cancel()


TURN = Turn(
    call_id=CallId("one"),
    number=1,
    text="hello",
    direction=Direction.INBOUND,
    mode=CallMode.CONVERSATION,
    from_number="+15550002222",
    to_number=None,
    history=(),
    session_key="key",
)


def answer(*pieces: bytes, **options: Any) -> list[ReplyPart]:
    async def main() -> list[ReplyPart]:
        reply = Reply()
        async with opened(*pieces, **options) as (responder, service):
            service.go.set()
            await responder.respond(TURN, reply)
        return reply.parts

    return anyio.run(main)


def complaint_about(*pieces: bytes, **options: Any) -> str:
    async def main() -> str:
        async with opened(*pieces, **options) as (responder, service):
            service.go.set()
            with pytest.raises(ResponderError) as refused:
                await responder.respond(TURN, Reply())
        return refused.value.message

    return anyio.run(main)


def test_a_turn_is_posted_with_its_credentials_and_the_answer_is_spoken() -> None:
    async def main() -> None:
        reply = Reply()
        options = {"token": "the-token", "headers": {"x-house": "blue"}}
        async with opened(b'{"say": "Hi", "end": true}', **options) as (responder, service):
            await responder.respond(TURN, reply)
        assert reply.parts == [ReplyText(text="Hi"), EndCall()]
        ((headers, body),) = service.requests
        assert headers["authorization"] == "Bearer the-token"
        assert headers["x-house"] == "blue"
        assert (body["text"], body["from"]) == ("hello", "+15550002222")

    anyio.run(main)


def test_the_first_line_is_passed_on_before_the_second_is_sent() -> None:
    async def main() -> None:
        reply = Reply()
        pieces = (b'{"say": "One."}\n{"sa', b'y": "Two."}')
        async with (
            opened(*pieces, kind=LINES) as (responder, service),
            anyio.create_task_group() as tasks,
        ):
            tasks.start_soon(responder.respond, TURN, reply)
            await reply.begun.wait()
            assert reply.parts == [ReplyText(text="One.\n")]
            service.go.set()
        assert reply.parts == [ReplyText(text="One.\n"), ReplyText(text="Two.\n")]

    anyio.run(main)


def test_a_caller_who_speaks_on_closes_the_connection() -> None:
    async def main() -> None:
        reply = Reply()
        pieces = (b'{"say": "A long story."}\n', b'{"say": "Its end."}\n')
        async with opened(*pieces, kind=LINES) as (responder, service):
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(responder.respond, TURN, reply)
                await reply.begun.wait()
                tasks.cancel_scope.cancel()
            await service.hung_up.wait()

    anyio.run(main)


def test_plain_text_is_spoken_and_no_content_is_silence() -> None:
    assert answer("Grüß Gott".encode(), kind="text/plain; charset=utf-8") == [
        ReplyText(text="Grüß Gott")
    ]
    assert answer(status=204) == []


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        ({"status": 500}, "answered 500"),
        ({"status": 302}, "answered 302"),
        ({"kind": "text/html"}, "text/html"),
    ],
)
def test_what_is_no_answer_is_an_error_that_says_what_came(
    options: dict[str, Any], complaint: str
) -> None:
    assert complaint in complaint_about(b"{}", **options)


def test_an_endless_answer_is_cut_short() -> None:
    assert "longer than" in complaint_about(*[b"x" * 65536] * 8, kind=LINES)


def test_a_service_that_is_away_is_an_error_that_names_the_key() -> None:
    async def main() -> None:
        async with opened() as (responder, _), opened(url="http://127.0.0.1:1/") as (away, _):
            with pytest.raises(ResponderError, match=r"responders\.http\.url"):
                await away.respond(TURN, Reply())
            assert responder is not away

    anyio.run(main)


def test_a_service_that_falls_silent_is_an_error() -> None:
    async def main() -> None:
        pieces = (b'{"say": "One."}\n', b"")
        async with opened(*pieces, kind=LINES, timeoutSeconds=0.2) as (responder, _):
            with pytest.raises(ResponderError, match="ReadTimeout"):
                await responder.respond(TURN, Reply())

    anyio.run(main)
